"""The end of an analysis: its claims become an import of the source ``Winnow``, by the rules of every import.

So a second analysis adds and updates flags, keeps reviews, and is listed with what it changed.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Collection, Sequence
from pathlib import Path

from app.adapters.files import write_atomically
from app.db.base import utc_now
from app.db.models.imports import Import
from app.db.repositories import flags as flags_repository
from app.db.repositories import jobs as jobs_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import queueing, withdrawing
from app.db.session import Database, Session
from app.domain.detectors import SOURCE, Claim
from app.domain.formats.guide_csv import COLUMNS
from app.services.import_flags import run_import
from app.services.ports import ShardContext
from app.services.run_shard import ClaimedShard

FORMAT = "guide"


def labels_of_images(database: Database, claimed: ClaimedShard) -> dict[str, str]:
    """The given labels of the project's samples by key."""
    with database.reading() as session:
        known = projects_repository.labels_by_key(session, claimed.project_id or 0)
    return {key: label for key, (_, label) in known.items()}


def write_claims(claims: Sequence[Claim]) -> bytes:
    """The claims as a table of flagged samples, the same that any detector may send; equal claims give equal bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([names[0] for name, names in COLUMNS.items() if name not in ("image_id", "label")])
    for claim in sorted(claims, key=lambda c: (c.key, c.issue_type.value, c.issue)):
        suggested, group = claim.suggested_label or "", claim.group or ""
        told = " ".join(claim.reason.split())  # messages of decoders may have several lines
        writer.writerow([claim.key, claim.issue, f"{claim.confidence:.3f}", suggested, told, group])
    return text.getvalue().encode("utf-8", "backslashreplace")


def apply_claims(
    database: Database, claimed: ClaimedShard, claims: Sequence[Claim], notices: Sequence[str], uploads: Path,
    context: ShardContext,
) -> None:  # fmt: skip
    """Import the claims, or only preview them where the analysis asks for that. Doing it twice changes nothing."""
    data = write_claims(claims)
    digest = hashlib.sha256(data).hexdigest()
    stored = f"{digest}.csv"
    write_atomically(uploads / stored, lambda stream: stream.write(data))
    with database.writing() as session:
        row = flags_repository.import_of_job(session, claimed.job_id)
        if row is None:
            job = jobs_repository.get_job(session, claimed.job_id)
            row = Import(
                project_id=claimed.project_id, job_id=claimed.job_id,
                file_name=f"winnow_{utc_now():%Y-%m-%d}_{claimed.job_id}.csv", stored_name=stored, file_sha256=digest,
                source=SOURCE, format=FORMAT, created_by=job.requested_by, state="queued",
            )  # fmt: skip
            session.add(row)
        row.stored_name, row.file_sha256 = stored, digest
        session.flush()  # its number
        import_id = row.id
    run_import(database, import_id, uploads, context, apply=not claimed.job_params.get("preview", False))
    thresholds = claimed.job_params["thresholds"]
    if thresholds and claimed.job_params["base"]:
        with database.writing() as session:
            _withdraw(session, claimed.project_id or 0, claims, thresholds)
    with database.writing() as session:
        row = session.get_one(Import, import_id)
        row.warnings = [*notices, *(told for told in row.warnings if told not in notices)]


def _withdraw(session: Session, project_id: int, claims: Sequence[Claim], issues: Collection[str]) -> None:
    """Take the flags of these issues back that are claimed no more, and what nobody flags out of the queue."""
    ids = projects_repository.sample_ids_by_key(session, project_id)
    kept = {(claim.issue, ids[claim.key]) for claim in claims if claim.key in ids}
    queue_repository.take_turn(session, project_id)
    unflagged = withdrawing.withdraw_flags(session, project_id, SOURCE, issues, kept)
    queueing.queue_samples(session, project_id, queueing.queued_of(session, unflagged))
    withdrawing.drop_unflagged(session, unflagged)
