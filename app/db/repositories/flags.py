"""Imports and the flags they brought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app.db.many_rows import add_rows
from app.db.models.imports import FlagRow, Import, ImportReject
from app.db.repositories.express_cards import FlagFacts
from app.domain.errors import NotFound
from app.domain.formats.flagged.rows import RejectedRow
from app.domain.samples import Flag, IssueType


def as_flag(row: FlagRow | FlagFacts) -> Flag:
    return Flag(
        IssueType(row.issue_type), row.raw_issue_type, row.confidence, row.suggested_label, row.reason, row.group
    )


def as_whole_flag(row: FlagRow) -> Flag:
    """The flag with the detector's own score, which only imports compare."""
    return replace(as_flag(row), raw_score=row.raw_score, raw_score_name=row.raw_score_name)


def list_imports(session: Session, project_id: int) -> list[Import]:
    return list(session.scalars(select(Import).where(Import.project_id == project_id).order_by(Import.id.desc())))


def get_import(session: Session, project_id: int, import_id: int) -> Import:
    row = session.get(Import, import_id)
    if row is None or row.project_id != project_id:
        raise NotFound(f"This project has no import {import_id}.")
    return row


def list_rejects(session: Session, import_id: int, limit: int | None = None) -> list[ImportReject]:
    query = select(ImportReject).where(ImportReject.import_id == import_id).order_by(ImportReject.line).limit(limit)
    return list(session.scalars(query))


def add_rejects(session: Session, import_id: int, rejects: Sequence[RejectedRow]) -> None:
    rows = [{"import_id": import_id, "line": r.line, "code": r.code, "reason": r.reason, "raw": r.raw} for r in rejects]
    for start in range(0, len(rows), 10_000):
        session.execute(insert(ImportReject), rows[start : start + 10_000])


def flags_of_source(session: Session, project_id: int, source: str) -> list[FlagRow]:
    query = select(FlagRow).where(FlagRow.project_id == project_id, FlagRow.source == source).order_by(FlagRow.id)
    return list(session.scalars(query))


def add_flags(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    add_rows(session, FlagRow, rows)


def update_flags(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Update flags by ``id``."""
    if rows:
        session.execute(update(FlagRow), list(rows))


def flags_of_samples(session: Session, ids: Sequence[int]) -> dict[int, list[FlagRow]]:
    found: dict[int, list[FlagRow]] = {id_: [] for id_ in ids}
    for start in range(0, len(ids), 500):
        query = select(FlagRow).where(FlagRow.sample_id.in_(ids[start : start + 500]))
        for row in session.scalars(query.order_by(FlagRow.confidence.desc().nulls_last(), FlagRow.id)):
            found[row.sample_id].append(row)
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
