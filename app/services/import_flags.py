"""Importing an export of flagged samples: checked row by row, then applied in one transaction."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.adapters.files import write_atomically
from app.adapters.folder_dataset import normalise_key
from app.db.models.imports import FlagRow, Import
from app.db.repositories import flags as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import queueing
from app.db.session import Database, Session
from app.domain.errors import InvalidFile, InvalidInput, JobCancelled
from app.domain.flag_matching import pair_flags
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.guide_csv import open_guide_csv
from app.domain.jobs import JobKind, ShardSpec
from app.services import audit
from app.services.jobs import start_job
from app.services.ports import Doorbell, ShardContext
from app.services.projects import Access
from app.services.regroup import regroup

DEFAULT_SOURCE = "export"


@dataclass
class CheckedImport:
    """What an export says of this project: rows by sample id, and what was refused."""

    rows: dict[int, list[FlaggedRow]] = field(default_factory=lambda: defaultdict(list))
    rejects: list[RejectedRow] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    total: int = 0


def start_import(
    session: Session,
    doorbell: Doorbell,
    access: Access,
    *,
    folder: Path,
    file_name: str,
    data: bytes,
    source: str = DEFAULT_SOURCE,
    confidence_in_percent: bool = False,
) -> Import:
    """Keep the file and queue its import.

    Raises:
        InvalidFile: the file can't be an export at all; nothing was kept.
    """
    open_guide_csv(data)
    digest = hashlib.sha256(data).hexdigest()
    stored = f"{digest}.csv"
    write_atomically(folder / stored, lambda stream: stream.write(data))
    row = Import(
        project_id=access.id, file_name=Path(file_name or "export.csv").name[:300], stored_name=stored,
        file_sha256=digest, source=_check_source(source), confidence_in_percent=confidence_in_percent,
        created_by=access.actor.user_id,
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


def _check_source(source: str) -> str:
    name = source.strip() or DEFAULT_SOURCE
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
        checked = check_rows((folder / row.stored_name).read_bytes(), samples, Path(project.root), row, context)
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


def check_rows(
    data: bytes, samples: dict[str, tuple[int, str]], root: Path, row: Import, context: ShardContext
) -> CheckedImport:
    """Match every row to a sample, and set aside those that match none."""
    source = open_guide_csv(data, confidence_in_percent=row.confidence_in_percent)
    checked = CheckedImport()
    other_label = 0
    for parsed in source.rows():
        checked.total += 1
        if checked.total % 2000 == 0:
            context.report(0, len(checked.rejects))
            if context.should_stop():
                raise JobCancelled("The import was cancelled; nothing was changed.")
        if isinstance(parsed, RejectedRow):
            checked.rejects.append(parsed)
            continue
        found = _match(parsed, samples, root)
        if isinstance(found, RejectedRow):
            checked.rejects.append(found)
        else:
            sample_id, label = found
            checked.rows[sample_id].append(parsed)
            other_label += bool(parsed.label) and parsed.label != label
    checked.warnings = source.warnings
    if other_label:
        checked.warnings.append(
            f"The export's label differs from the folder's for some images; the folder's counts ({other_label:,} rows)"
        )
    return checked


def _match(parsed: FlaggedRow, samples: dict[str, tuple[int, str]], root: Path) -> tuple[int, str] | RejectedRow:
    """The sample that a row names, as it stands in ``samples``."""
    named = parsed.image_path or parsed.image_id
    # Most rows name a sample as we do. A backslash counts as a slash, even where a name has one.
    if named in samples and "\\" not in named:
        return samples[named]
    key = normalise_key(named, root)
    if key is None:
        return RejectedRow(parsed.line, "outside_dataset", f"{named!r} leads outside the dataset's folder.", named)
    if key not in samples:
        reason = f"The dataset has no image {key!r}. Paths are relative to its folder: split/class/file."
        return RejectedRow(parsed.line, "unknown_image", reason, named)
    return samples[key]


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
        pairing = pair_flags([repository.as_flag(flag) for flag in old], [parsed.flag for parsed in rows])
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
    }  # fmt: skip
