"""Lists of flagged samples with filters, and the counts that dashboards show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from app.db.models.accounts import User
from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import ReviewRow, SampleState


@dataclass(frozen=True)
class SampleFilter:
    """Which samples to list; ``None`` leaves a field open. ``q`` is part of a path, reason or note."""

    issue_type: str | None = None
    given_label: str | None = None
    split: str | None = None
    decision: str | None = None
    state: str | None = None
    tag: str | None = None
    reviewer: str | None = None
    q: str | None = None


def _query(project_id: int, wanted: SampleFilter) -> Any:
    query = (
        select(Sample, SampleState)
        .join(SampleState, SampleState.sample_id == Sample.id)
        .where(SampleState.project_id == project_id)
    )
    for column, value in (
        (Sample.given_label, wanted.given_label),
        (Sample.split, wanted.split),
        (SampleState.decision, wanted.decision),
        (SampleState.state, wanted.state),
    ):
        if value:
            query = query.where(column == value)
    if wanted.issue_type:
        of_type = and_(FlagRow.sample_id == Sample.id, FlagRow.issue_type == wanted.issue_type)
        query = query.where(exists().where(of_type))
    return _by_review(query, wanted)


def _by_review(query: Any, wanted: SampleFilter) -> Any:
    if wanted.reviewer:
        reviewer = select(User.id).where(User.username == wanted.reviewer).scalar_subquery()
        mine = and_(
            ReviewRow.sample_id == Sample.id, ReviewRow.reviewer_id == reviewer, ReviewRow.status == "submitted"
        )
        query = query.where(exists().where(mine))
    if wanted.tag:
        # Tags are a JSON list of plain words, so a quoted word in its text is a whole tag.
        query = query.where(cast(SampleState.tags, Text).like(f'%"{_like(wanted.tag)}"%', escape="\\"))
    if wanted.q:
        pattern = f"%{_like(wanted.q)}%"
        said = and_(FlagRow.sample_id == Sample.id, FlagRow.reason.ilike(pattern, escape="\\"))
        noted = and_(ReviewRow.sample_id == Sample.id, ReviewRow.note.ilike(pattern, escape="\\"))
        path = Sample.key.ilike(pattern, escape="\\")
        query = query.where(or_(path, exists().where(said), exists().where(noted)))
    return query


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def list_samples(
    session: Session, project_id: int, wanted: SampleFilter, sort: str, offset: int, limit: int
) -> list[tuple[Sample, SampleState]]:
    orders: dict[str, list[Any]] = {
        "confidence": [SampleState.priority.desc(), SampleState.sample_id.desc()],
        "path": [Sample.key],
        "newest": [SampleState.version.desc(), Sample.id],
    }
    query = _query(project_id, wanted).order_by(*orders[sort]).offset(offset).limit(limit)
    return list(session.execute(query))


def count_samples(session: Session, project_id: int, wanted: SampleFilter) -> int:
    return session.scalar(_query(project_id, wanted).with_only_columns(func.count())) or 0


def decisions_by_issue(session: Session, project_id: int) -> list[tuple[str, str, str | None, int]]:
    """(issue type, state, decision, number of samples) over flagged samples."""
    per_type = select(FlagRow.sample_id, FlagRow.issue_type).where(FlagRow.project_id == project_id).distinct()
    flagged = per_type.subquery()
    query = (
        select(flagged.c.issue_type, SampleState.state, SampleState.decision, func.count())
        .join(SampleState, SampleState.sample_id == flagged.c.sample_id)
        .group_by(flagged.c.issue_type, SampleState.state, SampleState.decision)
    )
    return list(session.execute(query))


def progress_by_project(session: Session) -> dict[int, dict[str, int]]:
    """Flagged, open, decided and conflicting samples of every project."""
    query = select(
        SampleState.project_id,
        func.count(),
        func.sum(case((SampleState.state == "open", 1), else_=0)),
        func.sum(case((SampleState.state == "conflict", 1), else_=0)),
    ).group_by(SampleState.project_id)
    return {
        project_id: {"flagged": total, "open": waiting, "conflicts": disputed, "decided": total - waiting - disputed}
        for project_id, total, waiting, disputed in session.execute(query)
    }


def count_samples_by_project(session: Session) -> dict[int, int]:
    query = select(Sample.project_id, func.count()).group_by(Sample.project_id)
    return dict(session.execute(query).all())
