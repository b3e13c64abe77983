"""Importing an export of flagged samples: checked row by row, then applied in one transaction."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.adapters.files import write_atomically
from app.db.models.imports import Import
from app.db.repositories import flags as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import queueing
from app.db.repositories import sources as sources_repository
from app.db.session import Database, Session
from app.domain.errors import InvalidInput
from app.domain.flag_changes import Changes, find_changes
from app.domain.formats.flagged.column_mapping import ColumnMapping
from app.domain.formats.flagged.column_mapping import as_json as mapping_as_json
from app.domain.formats.flagged.column_mapping import from_json as mapping_from_json
from app.domain.formats.flagged.mapped import NAME as MAPPED
from app.domain.formats.flagged.recognise import FORMATS
from app.domain.jobs import JobKind, ShardSpec
from app.services import audit
from app.services.check_import import CheckedImport, check_rows
from app.services.jobs import start_job
from app.services.open_flagged import is_unknown_table, open_flagged
from app.services.ports import Doorbell, ShardContext
from app.services.projects import Access
from app.services.regroup import regroup
from app.services.summarise_import import as_json, make_preview

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
    mapping: ColumnMapping | None = None,
    preview: bool = False,
) -> Import:
    """Keep the file and queue its import. Its format is recognised where neither format nor mapping is given.

    With ``preview`` nothing is applied: it is checked and waits for ``apply_import``. A table of unknown columns is
    kept then as well, and waits for its mapping.

    Raises:
        InvalidFile: the file can't be an export at all; nothing was kept.
        InvalidInput: there is no such format, or the mapping does not fit.
    """
    name = Path(file_name or "export.csv").name[:300]
    is_unmapped = preview and not format and mapping is None and is_unknown_table(data, name)
    found = "" if is_unmapped else open_flagged(data, name, format=format, mapping=mapping).format.name
    digest = hashlib.sha256(data).hexdigest()
    stored = f"{digest}.csv" if found == "guide" else f"{digest}.export"
    write_atomically(folder / stored, lambda stream: stream.write(data))
    row = Import(
        project_id=access.id, file_name=name, stored_name=stored, file_sha256=digest,
        source=_check_source(source, found), confidence_in_percent=confidence_in_percent, format=found or MAPPED,
        ignore_case=ignore_case, created_by=access.actor.user_id, state="unmapped" if is_unmapped else "queued",
        mapping=mapping_as_json(mapping) if mapping else None,
    )  # fmt: skip
    session.add(row)
    session.flush()  # the job's key names the import
    if not is_unmapped:
        queue_import(session, doorbell, access, row, apply=not preview)
    audit.record(session, "import_started", user_id=access.actor.user_id, project_id=access.id, file=row.file_name)
    return row


def queue_import(session: Session, doorbell: Doorbell, access: Access, row: Import, *, apply: bool) -> None:
    """Queue the job that checks an upload, and applies it where ``apply`` says so."""
    title = f"{'Import' if apply else 'Preview'} {row.file_name}"
    job, _ = start_job(
        session, doorbell, kind=JobKind.IMPORT, title=title, live_key=f"import:{row.id}",
        shards=[ShardSpec(0, "importing rows" if apply else "checking rows")],
        params={"import_id": row.id, "apply": apply}, project_id=access.id, user_id=access.actor.user_id,
    )  # fmt: skip
    row.job_id = job.id


def _check_source(source: str, format_: str) -> str:
    name = source.strip() or (FORMATS[format_].title if format_ in FORMATS and format_ != "guide" else DEFAULT_SOURCE)
    if len(name) > 100 or not name.isprintable():
        raise InvalidInput("The source is a name of at most 100 characters, like 'Visual Layer'.")
    return name


_CHANGED_MEANWHILE = (
    "The project's flags or images changed after the preview, so nothing was applied. "
    "These are the figures as they are now."
)

_MANY = 1_000
"""An import of so many rows changes how a database does best to find them."""


Samples = Mapping[str, tuple[int, str]]


def run_import(database: Database, import_id: int, folder: Path, context: ShardContext, *, apply: bool = True) -> None:
    """Check every row, then apply all good ones at once, or keep what that would do as the import's preview.

    A failure leaves the flags as they were. What was previewed is applied only as it was previewed; where the flags
    changed meanwhile there is a new preview instead, which says so.
    """
    with _without_collector():
        _run_import(database, import_id, folder, context, apply=apply)


def _run_import(database: Database, import_id: int, folder: Path, context: ShardContext, *, apply: bool) -> None:
    with database.reading() as session:
        row = session.get_one(Import, import_id)
        if row.state in ("done", "discarded"):
            return  # a worker that died after its commit had done it all
        project = projects_repository.get_project_by_id(session, row.project_id)
        samples = sources_repository.known_names(session, project.id)
        roots = list(sources_repository.roots_of(session, project.id).values())
    try:
        data = (folder / row.stored_name).read_bytes()
        mapping = mapping_from_json(row.mapping) if row.mapping else None
        export = open_flagged(
            data, row.file_name, format=row.format, percent=row.confidence_in_percent, mapping=mapping
        )
        checked = check_rows(export, samples, roots, context, ignore_case=row.ignore_case)
    except InvalidInput as error:
        with database.writing() as session:
            failed = session.get_one(Import, import_id)
            failed.state, failed.error = "failed", error.message
        raise
    if not apply:
        _keep_preview(database, import_id, checked, samples)
        return
    with database.writing() as session:
        _apply(session, session.get_one(Import, import_id), checked, samples)
    if checked.total >= _MANY:
        with database.writing() as session:
            queueing.note_growth(session)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Rows by the hundred thousand hold no cycles, and Python would look through all of them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _keep_preview(database: Database, import_id: int, checked: CheckedImport, samples: Samples) -> None:
    with database.reading() as session:  # comparing takes its time, and nobody should wait for it
        row = session.get_one(Import, import_id)
        changes = find_changes(repository.flags_of_source(session, row.project_id, row.source), checked.rows)
    with database.writing() as session:
        row = session.get_one(Import, import_id)
        if row.state not in ("done", "discarded"):
            _show(session, row, checked, changes, samples)


def _show(
    session: Session, row: Import, checked: CheckedImport, changes: Changes, samples: Samples, notice: str = ""
) -> None:
    row.preview = as_json(make_preview(checked, changes, samples, notice))
    row.preview_digest = changes.digest(checked.rejects)
    row.state, row.error = "previewed", None
    _count(session, row, checked, changes)


def _count(session: Session, row: Import, checked: CheckedImport, changes: Changes) -> None:
    repository.replace_rejects(session, row.id, checked.rejects)
    row.warnings = checked.warnings
    row.rows_total, row.rows_accepted, row.rows_rejected = checked.total, changes.accepted, len(checked.rejects)
    row.flags_new, row.flags_updated = len(changes.added), len(changes.changed)
    row.flags_unchanged = len(changes.unchanged)


def _apply(session: Session, row: Import, checked: CheckedImport, samples: Samples) -> None:
    # Two imports of one source at once would each take the other's flags for new.
    queue_repository.take_turn(session, row.project_id)
    session.refresh(row)
    if row.state in ("done", "discarded"):
        return
    changes = find_changes(repository.flags_of_source(session, row.project_id, row.source), checked.rows)
    if row.preview_digest is not None and row.preview_digest != changes.digest(checked.rejects):
        _show(session, row, checked, changes, samples, _CHANGED_MEANWHILE)
        return
    repository.add_flags(session, row, changes.added)
    repository.update_flags(session, row, changes.changed)
    session.flush()  # a sample's place and group follow from its flags in the database
    grouped = regroup(session, row.project_id)
    flagged = {checked_row.sample_id for checked_row in checked.rows}
    queueing.queue_samples(session, row.project_id, flagged | queueing.queued_of(session, grouped))
    row.state, row.error = "done", None
    _count(session, row, checked, changes)
