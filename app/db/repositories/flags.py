"""Imports and the flags they brought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.db.many_rows import add_rows, read_rows
from app.db.models.imports import FlagRow, Import, ImportReject
from app.db.repositories.express_cards import FlagFacts
from app.domain.errors import NotFound
from app.domain.flag_changes import CheckedRow, KnownFlag
from app.domain.formats.flagged.rows import RejectedRow
from app.domain.samples import Flag, IssueType


def as_flag(row: FlagRow | FlagFacts) -> Flag:
    return Flag(
        IssueType(row.issue_type), row.raw_issue_type, row.confidence, row.suggested_label, row.reason, row.group
    )


def list_imports(session: Session, project_id: int) -> list[Import]:
    return list(session.scalars(select(Import).where(Import.project_id == project_id).order_by(Import.id.desc())))


def get_import(session: Session, project_id: int, import_id: int) -> Import:
    row = session.get(Import, import_id)
    if row is None or row.project_id != project_id:
        raise NotFound(f"This project has no import {import_id}.")
    return row


def import_of_job(session: Session, job_id: int) -> Import | None:
    """The import that a job made."""
    return session.scalar(select(Import).where(Import.job_id == job_id))


def list_rejects(session: Session, import_id: int, limit: int | None = None) -> list[ImportReject]:
    query = select(ImportReject).where(ImportReject.import_id == import_id).order_by(ImportReject.line).limit(limit)
    return list(session.scalars(query))


def replace_rejects(session: Session, import_id: int, rejects: Sequence[RejectedRow]) -> None:
    session.execute(delete(ImportReject).where(ImportReject.import_id == import_id))
    rows = [(row.line, row.code, row.reason, row.raw) for row in rejects]
    add_rows(session, ImportReject, ("line", "code", "reason", "raw"), rows, {"import_id": import_id})


def flags_of_source(session: Session, project_id: int, source: str) -> list[KnownFlag]:
    """Flags of one source in order of ids."""
    columns = [getattr(FlagRow, name) for name in KnownFlag._fields]
    query = select(*columns).where(FlagRow.project_id == project_id, FlagRow.source == source).order_by(FlagRow.id)
    return list(map(KnownFlag._make, read_rows(session, query)))


def add_flags(session: Session, import_: Import, rows: Iterable[CheckedRow]) -> None:
    shared = {"project_id": import_.project_id, "import_id": import_.id, "source": import_.source}
    add_rows(session, FlagRow, CheckedRow._fields[:-1], [row[:-1] for row in rows], shared)


def update_flags(session: Session, import_: Import, changed: Sequence[tuple[KnownFlag, CheckedRow]]) -> None:
    names = CheckedRow._fields[:-1]
    rows = [{"id": old.id, "import_id": import_.id, **dict(zip(names, new[:-1], strict=True))} for old, new in changed]
    if rows:
        session.execute(update(FlagRow), rows)


def flags_of_samples(session: Session, ids: Sequence[int]) -> dict[int, list[FlagRow]]:
    found: dict[int, list[FlagRow]] = {id_: [] for id_ in ids}
    for start in range(0, len(ids), 500):
        query = select(FlagRow).where(FlagRow.sample_id.in_(ids[start : start + 500]))
        for row in session.scalars(query.order_by(FlagRow.confidence.desc().nulls_last(), FlagRow.id)):
            found[row.sample_id].append(row)
    return found


def samples_of_image_ids(session: Session, project_id: int, image_ids: Sequence[str]) -> dict[str, set[int]]:
    """Samples by the id that a detector gave them; of several detectors there may be several to an id."""
    found: dict[str, set[int]] = {}
    for start in range(0, len(image_ids), 500):
        query = select(FlagRow.image_id, FlagRow.sample_id).where(
            FlagRow.project_id == project_id, FlagRow.image_id.in_(image_ids[start : start + 500])
        )
        for image_id, sample_id in session.execute(query.distinct()):
            found.setdefault(image_id, set()).add(sample_id)
    return found


def sources(session: Session, project_id: int) -> list[str]:
    """The detectors that flagged anything, by name."""
    query = select(Import.source).where(Import.project_id == project_id).distinct().order_by(Import.source)
    return list(session.scalars(query))


def count_by_issue(session: Session, project_id: int) -> dict[str, int]:
    query = (
        select(FlagRow.issue_type, func.count()).where(FlagRow.project_id == project_id).group_by(FlagRow.issue_type)
    )
    return dict(session.execute(query).all())


def unknown_suggestions(session: Session, project_id: int, classes: Iterable[str]) -> list[tuple[str, int]]:
    """Suggested labels that are no class of the project, with how many flags suggest them."""
    query = (
        select(FlagRow.suggested_label, func.count())
        .where(FlagRow.project_id == project_id, FlagRow.suggested_label.is_not(None))
        .group_by(FlagRow.suggested_label)
        .order_by(func.count().desc(), FlagRow.suggested_label)
    )
    known = set(classes)
    return [(label, n) for label, n in session.execute(query) if label is not None and label not in known]
