"""Counts of how far a project is, a stretch of samples at a time.

Nothing is added to the project's number, so that SQLite walks the stretch and not all of the project. Stretches are
short, because an open reading transaction can keep others from writing (docs/decisions/0004-sqlite-journal.md).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from app.db.models.imports import FlagRow, Import
from app.db.models.reviews import SampleState
from app.db.repositories.agreement import Stretch


def _within(project_id: int, stretch: Stretch) -> ColumnElement[bool]:
    return and_(SampleState.project_id + 0 == project_id, SampleState.sample_id.between(*stretch))


def by_class(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(given label, state, decision, samples)."""
    columns = (SampleState.given_label, SampleState.state, SampleState.decision)
    query = select(*columns, func.count()).where(_within(project_id, stretch)).group_by(*columns)
    return list(session.execute(query))


def by_issue(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(issue type, state, decision, samples); a sample counts for each type of flag it has."""
    columns = (FlagRow.issue_type, SampleState.state, SampleState.decision)
    query = (
        select(*columns, func.count(SampleState.sample_id.distinct()))
        .join(FlagRow, FlagRow.sample_id == SampleState.sample_id)
        .where(_within(project_id, stretch))
        .group_by(*columns)
    )
    return list(session.execute(query))


def by_source(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(source, issue type, decision, flags) of flags; the decision is None where nobody settled the sample itself."""
    settled = and_(SampleState.state == "resolved", func.coalesce(SampleState.how, "") != "bulk")
    columns = (FlagRow.source, FlagRow.issue_type, settled, SampleState.decision)
    query = (
        select(*columns, func.count())
        .select_from(SampleState)
        .join(FlagRow, FlagRow.sample_id == SampleState.sample_id)
        .where(_within(project_id, stretch))
        .group_by(*columns)
    )
    rows = session.execute(query)
    return [(source, issue, decision if done else None, count) for source, issue, done, decision, count in rows]


def imports_mark(session: Session, project_id: int) -> str:
    """Another text as soon as an import brought flags."""
    query = select(func.max(Import.id), func.sum(Import.flags_new), func.sum(Import.flags_updated))
    return " ".join(str(part) for part in session.execute(query.where(Import.project_id == project_id)).one())
