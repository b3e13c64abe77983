"""Lists of flagged samples with filters, and the counts that dashboards show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.db.models.projects import Sample
from app.db.models.reviews import SampleState
from app.db.repositories.sample_filter import (
    SampleFilter,
    SampleOrder,
    Way,
    beyond,
    find_way,
    in_project,
    narrow,
    narrowed,
    ordered,
    sort_keys,
)


def list_samples(
    session: Session,
    project_id: int,
    wanted: SampleFilter,
    order: SampleOrder,
    *,
    limit: int,
    after: list[Any] | None = None,
    backwards: bool = False,
) -> list[tuple[Sample, SampleState]]:
    """A page in this order. ``after`` has the sort values of the row next to it; backwards, the page ends there."""
    query = page_query(
        project_id, wanted, order, columns=(Sample, SampleState), limit=limit, after=after, backwards=backwards,
        way=find_way(session, project_id, wanted),
    )  # fmt: skip
    rows = [(sample, state) for sample, state in session.execute(query)]
    return rows[::-1] if backwards else rows


def page_query(
    project_id: Any,
    wanted: SampleFilter,
    order: SampleOrder,
    *,
    columns: Sequence[Any],
    limit: Any,
    after: Sequence[Any] | None,
    backwards: bool,
    way: Way,
) -> Any:
    """The query of ``list_samples``; all but filter and order may be parameters of a statement."""
    keys = sort_keys(order)
    query = narrowed(_joined(*columns).where(in_project(project_id, way)), project_id, wanted, way)
    if after is not None:
        query = query.where(beyond(keys, list(after), backwards=backwards))
    return ordered(query, keys, backwards=backwards).limit(limit)


def samples_of(session: Session, project_id: int, ids: Sequence[int]) -> list[tuple[Sample, SampleState]]:
    """These samples, those without a state left out, in order of their ids."""
    return list(
        session.execute(
            _joined(Sample, SampleState)
            .where(SampleState.project_id == project_id, SampleState.sample_id.in_(ids))
            .order_by(Sample.id)
        )
    )


def _joined(*columns: Any) -> Any:
    return select(*columns).select_from(Sample).join(SampleState, SampleState.sample_id == Sample.id)


def count_samples(session: Session, project_id: int, wanted: SampleFilter) -> int:
    query = select(func.count()).select_from(SampleState)
    return session.scalar(narrow(session, query, project_id, wanted)) or 0


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
