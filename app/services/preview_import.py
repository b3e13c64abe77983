"""An import between its upload and its end: looked at, read in another way, applied or discarded."""

from __future__ import annotations

from pathlib import Path

from app.db.models.imports import Import
from app.db.repositories import flags as repository
from app.db.repositories import jobs as jobs_repository
from app.db.session import Session
from app.domain.errors import Conflict
from app.domain.formats.flagged.column_mapping import ColumnMapping, as_json, check_columns
from app.domain.formats.flagged.mapped import NAME as MAPPED
from app.domain.formats.flagged.recognise import find_format
from app.domain.jobs import LIVE
from app.services import audit, summarise_import
from app.services.import_flags import queue_import
from app.services.map_columns import open_upload
from app.services.ports import Doorbell
from app.services.projects import Access
from app.services.summarise_import import ImportPreview


def find_preview(session: Session, access: Access, import_id: int) -> ImportPreview:
    """What an import would do, as it was last looked at.

    Raises:
        NotFound: there is no such import.
        Conflict: it has no preview.
    """
    row = repository.get_import(session, access.id, import_id)
    if row.preview is None:
        raise Conflict(f"Import {import_id} has no preview: it is not checked yet, or was applied in one step.")
    return summarise_import.from_json(row.preview)


def preview_again(
    session: Session,
    doorbell: Doorbell,
    access: Access,
    import_id: int,
    *,
    format: str | None = None,
    confidence_in_percent: bool | None = None,
    ignore_case: bool | None = None,
    mapping: ColumnMapping | None = None,
) -> Import:
    """Check an upload anew, read in another way; what is None stays as it was.

    A format takes the place of a mapping, and the other way round.

    Raises:
        Conflict: it is applied or discarded already, or a worker is at it.
        InvalidInput: there is no such format.
    """
    row = get_waiting(session, access, import_id)
    if mapping is not None:
        row.mapping, row.format, row.confidence_in_percent = as_json(mapping), MAPPED, False
    elif format:
        row.mapping, row.format = None, find_format(format).name
    if row.format == MAPPED and row.mapping is None:
        raise Conflict(f"Nobody has said yet which columns of {row.file_name} are which. Map them first.")
    if confidence_in_percent is not None and row.mapping is None:
        row.confidence_in_percent = confidence_in_percent
    if ignore_case is not None:
        row.ignore_case = ignore_case
    row.state, row.error, row.preview, row.preview_digest = "queued", None, None, None
    queue_import(session, doorbell, access, row, apply=False)
    return row


def apply_import(session: Session, doorbell: Doorbell, access: Access, import_id: int) -> Import:
    """Queue what was previewed to be applied; where the flags changed meanwhile, there will be a new preview instead.

    Raises:
        Conflict: it is applied or discarded already, was not previewed, or a worker is at it.
    """
    row = get_waiting(session, access, import_id)
    if row.state != "previewed":
        raise Conflict(f"{row.file_name} has no preview yet, so it can't be applied.")
    queue_import(session, doorbell, access, row, apply=True)
    audit.record(session, "import_applied", user_id=access.actor.user_id, project_id=access.id, file=row.file_name)
    return row


def discard_import(session: Session, access: Access, import_id: int) -> Import:
    """Put an upload aside that will not be applied; it stays in the list.

    Raises:
        Conflict: it is applied or discarded already, or a worker is at it.
    """
    row = get_waiting(session, access, import_id)
    row.state = "discarded"
    audit.record(session, "import_discarded", user_id=access.actor.user_id, project_id=access.id, file=row.file_name)
    return row


def get_waiting(session: Session, access: Access, import_id: int) -> Import:
    """An upload that is neither applied nor discarded, and that no worker is at.

    Raises:
        Conflict: it is, or a worker is.
    """
    row = repository.get_import(session, access.id, import_id)
    if row.state in ("done", "discarded"):
        word = "applied" if row.state == "done" else "discarded"
        raise Conflict(f"{row.file_name} (import {row.id}) is {word} already. Send the file again to start over.")
    if row.job_id and jobs_repository.get_job(session, row.job_id).state in LIVE:
        raise Conflict(
            f"A worker is at {row.file_name} (import {row.id}). Wait until it is through, or cancel its job."
        )
    return row


def preview_mapped(
    session: Session, doorbell: Doorbell, access: Access, import_id: int, mapping: ColumnMapping, *, folder: Path
) -> Import:
    """Read an upload by a mapping, and check it.

    Raises:
        InvalidInput: the file lacks columns that the mapping names; nothing was changed.
        InvalidFile: it is no table.
        Conflict: it is applied or discarded already, or a worker is at it.
    """
    row = get_waiting(session, access, import_id)
    check_columns(mapping, open_upload(row, folder).columns, row.file_name)
    return preview_again(session, doorbell, access, import_id, mapping=mapping)
