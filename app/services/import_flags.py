"""Importing an export of flagged samples: checked row by row, then applied in one transaction."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

from app.adapters.files import write_atomically
from app.db.models.imports import FlagRow, Import
from app.db.repositories import flags as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import queueing
from app.db.session import Database, Session
from app.domain.errors import InvalidFile, InvalidInput
from app.domain.flag_matching import pair_flags
from app.domain.formats.flagged.contract import Format
from app.domain.formats.flagged.rows import FlaggedRow
from app.domain.jobs import JobKind, ShardSpec
from app.services import audit
from app.services.check_import import CheckedImport, check_rows
from app.services.jobs import start_job
from app.services.open_flagged import open_flagged
from app.services.ports import Doorbell, ShardContext
from app.services.projects import Access
from app.services.regroup import regroup

DEFAULT_SOURCE = "export"
"""Where a table of flags comes from that no detector is known by."""


def start_import(
    session: Session,
    doorbell: Doorbell,
    access: Access,
    *,
    folder: Path,
    file_name: str,
    data: bytes,
    source: str = "",
    confidence_in_percent: bool = False,
    format: str = "",
    ignore_case: bool = False,
) -> Import:
    """Keep the file and queue its import. Its format is recognised where none is given.

    Raises:
        InvalidFile: the file can't be an export at all; nothing was kept.
        InvalidInput: there is no such format.
    """
    name = Path(file_name or "export.csv").name[:300]
    export = open_flagged(data, name, format=format)
    digest = hashlib.sha256(data).hexdigest()
    stored = f"{digest}.csv" if export.format.name == "guide" else f"{digest}.export"
    write_atomically(folder / stored, lambda stream: stream.write(data))
    row = Import(
        project_id=access.id, file_name=name, stored_name=stored, file_sha256=digest,
        source=_check_source(source, export.format), confidence_in_percent=confidence_in_percent,
        format=export.format.name, ignore_case=ignore_case, created_by=access.actor.user_id,
    )  # fmt: skip
    session.add(row)
    session.flush()  # the job's key names the import
    job, _ = start_job(
        session, doorbell, kind=JobKind.IMPORT, title=f"Import {row.file_name}", live_key=f"import:{row.id}",
        shards=[ShardSpec(0, "importing rows")], params={"import_id": row.id},
        project_id=access.id, user_id=access.actor.user_id,
    )  # fmt: skip
    row.job_id = job.id
    audit.record(session, "import_started", user_id=access.actor.user_id, project_id=access.id, file=row.file_name)
    return row


def _check_source(source: str, format_: Format) -> str:
    name = source.strip() or (DEFAULT_SOURCE if format_.name == "guide" else format_.title)
    if len(name) > 100 or not name.isprintable():
        raise InvalidInput("The source is a name of at most 100 characters, like 'Visual Layer'.")
    return name


_MANY = 1_000
"""An import of so many rows changes how a database does best to find them."""


def run_import(database: Database, import_id: int, folder: Path, context: ShardContext) -> None:
    """Check every row, then apply all good ones at once. A failure leaves the flags as they were."""
    with database.reading() as session:
        row = session.get_one(Import, import_id)
        if row.state == "done":
            return  # a worker that died after its commit had done it all
        project = projects_repository.get_project_by_id(session, row.project_id)
        samples = projects_repository.labels_by_key(session, project.id)
    try:
        data = (folder / row.stored_name).read_bytes()
        export = open_flagged(data, row.file_name, format=row.format, percent=row.confidence_in_percent)
        checked = check_rows(export, samples, Path(project.root), context, ignore_case=row.ignore_case)
    except InvalidFile as error:
        with database.writing() as session:
            failed = session.get_one(Import, import_id)
            failed.state, failed.error = "failed", error.message
        raise
    with database.writing() as session:
        _apply(session, session.get_one(Import, import_id), checked)
    if checked.total >= _MANY:
        with database.writing() as session:
            queueing.note_growth(session)


def _apply(session: Session, row: Import, checked: CheckedImport) -> None:
    # Two imports of one source at once would each take the other's flags for new.
    queue_repository.take_turn(session, row.project_id)
    session.refresh(row)
    if row.state == "done":
        return
    known: dict[int, list[FlagRow]] = defaultdict(list)
    for flag_row in repository.flags_of_source(session, row.project_id, row.source):
        known[flag_row.sample_id].append(flag_row)
    added: list[dict[str, Any]] = []
    updated: list[dict[str, Any]] = []
    for sample_id, rows in checked.rows.items():
        old = known[sample_id]
        pairing = pair_flags([repository.as_whole_flag(flag) for flag in old], [parsed.flag for parsed in rows])
        added += [_values(row, sample_id, rows[index]) for index in pairing.added]
        updated += [{"id": old[o].id, **_values(row, sample_id, rows[n])} for o, n in pairing.updated]
    accepted = sum(len(rows) for rows in checked.rows.values())
    repository.add_flags(session, added)
    repository.update_flags(session, updated)
    repository.add_rejects(session, row.id, checked.rejects)
    session.flush()  # a sample's place and group follow from its flags in the database
    grouped = regroup(session, row.project_id)
    queueing.queue_samples(session, row.project_id, {*checked.rows, *queueing.queued_of(session, grouped)})
    row.state, row.warnings = "done", checked.warnings
    row.rows_total, row.rows_accepted, row.rows_rejected = checked.total, accepted, len(checked.rejects)
    row.flags_new, row.flags_updated = len(added), len(updated)
    row.flags_unchanged = accepted - len(added) - len(updated)


def _values(row: Import, sample_id: int, parsed: FlaggedRow) -> dict[str, Any]:
    flag = parsed.flag
    return {
        "project_id": row.project_id, "sample_id": sample_id, "import_id": row.id, "source": row.source,
        "issue_type": flag.issue_type.value, "raw_issue_type": flag.raw_issue_type,
        "confidence": flag.confidence, "suggested_label": flag.suggested_label,
        "reason": flag.reason, "group": flag.group, "image_id": parsed.image_id,
        "raw_score": flag.raw_score, "raw_score_name": flag.raw_score_name,
    }  # fmt: skip
