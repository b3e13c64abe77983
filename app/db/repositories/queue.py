"""The review queue: who may look at what next, and who holds which sample."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db.models.bulk import BulkDraw
from app.db.models.projects import Project
from app.db.models.reviews import IS_OPEN, Lease, ReviewRow, SampleState
from app.db.repositories.sample_filter import (
    SampleFilter,
    SampleOrder,
    SortKey,
    Way,
    find_way,
    in_project,
    narrow,
    narrowed,
    ordered,
    sort_keys,
)


def _waits(wanted: SampleFilter) -> Any:
    """Whether a sample asks for an answer. One that was drawn does so even where a bulk decision settled it."""
    return IS_OPEN if wanted.draw is None else or_(IS_OPEN, SampleState.how == "bulk")


def _drawn_at(draw: int) -> Any:
    """Drawn samples come as they were drawn, so that those answered so far are a random part of them."""
    here = (BulkDraw.bulk_id == draw) & (BulkDraw.sample_id == SampleState.sample_id)
    return select(BulkDraw.position).where(here).correlate(SampleState).scalar_subquery()


def take_turn(session: Session, project_id: int) -> None:
    """Wait until nobody else changes who gets what in this project; the turn ends with the transaction.

    Without it PostgreSQL would let two reviewers look at the same moment and give both the same sample, or queue
    one sample twice.
    """
    session.execute(select(Project.id).where(Project.id == project_id).with_for_update(key_share=True))


def _is_free(reviewer_id: Any, now: Any) -> Any:
    """Whether not enough others answered the sample or hold it already."""
    held = (
        select(func.count())
        .where(Lease.sample_id == SampleState.sample_id, Lease.reviewer_id != reviewer_id, Lease.expires_at > now)
        .correlate(SampleState)
        .scalar_subquery()
    )
    return SampleState.submitted + held < SampleState.needed


def free_sample_ids(
    session: Session, project_id: int, reviewer_id: int, ids: Sequence[int], *, now: datetime
) -> list[int]:
    """Those of these samples that wait for a review and that this reviewer could be given."""
    query = select(SampleState.sample_id).where(
        SampleState.project_id == project_id, IS_OPEN, SampleState.sample_id.in_(ids),
        _is_free(reviewer_id, now),
    )  # fmt: skip
    return list(session.scalars(query))


def next_sample_ids(
    session: Session,
    project_id: int,
    reviewer_id: int,
    wanted: SampleFilter,
    *,
    count: int,
    exclude: Sequence[int],
    now: datetime,
    order: SampleOrder = SampleOrder.CONFIDENCE,
) -> list[int]:
    """Open samples that this reviewer has not answered and that enough others do not hold already."""
    way = find_way(session, project_id, wanted)
    query = next_query(project_id, reviewer_id, wanted, order, most=count + len(exclude), now=now, way=way)
    return [id_ for id_ in session.scalars(query) if id_ not in set(exclude)][:count]


def next_query(
    project_id: Any, reviewer_id: Any, wanted: SampleFilter, order: SampleOrder, *, most: Any, now: Any, way: Way
) -> Any:
    """The query of ``next_sample_ids``; all but filter and order may be parameters of a statement."""
    answered = exists().where(
        ReviewRow.sample_id == SampleState.sample_id,
        ReviewRow.reviewer_id == reviewer_id,
        or_(ReviewRow.status == "submitted", ReviewRow.status == "skipped"),
    )
    query = (
        select(SampleState.sample_id)
        .where(in_project(project_id, way), _waits(wanted), ~answered)
        .where(_is_free(reviewer_id, now))
        .limit(most)
    )
    keys = sort_keys(order)
    if order is SampleOrder.PATH:
        keys = [SortKey(SampleState.sample_id)]  # images are listed by path, so their ids follow it
    if wanted.draw is not None and order is SampleOrder.CONFIDENCE:
        query = query.order_by(_drawn_at(wanted.draw))
    return ordered(narrowed(query, project_id, wanted, way), keys)


def count_states(session: Session, project_id: int, wanted: SampleFilter) -> dict[str, int]:
    state: Any = SampleState.state
    if wanted.draw is not None:
        state = case((SampleState.how == "bulk", "open"), else_=state)
    query = select(state.label("now"), func.count())
    rows = session.execute(narrow(session, query, project_id, wanted).group_by("now"))
    return {state: count for state, count in rows}  # noqa: C416 - typed rows are no pairs to the checker


def count_open_by_answer(session: Session, project_id: int, reviewer_id: int, wanted: SampleFilter) -> dict[str, int]:
    """Open samples on which this reviewer has a say already, by its status (submitted, skipped)."""
    mine = (ReviewRow.reviewer_id == reviewer_id) & ReviewRow.is_adjudication.is_(False)
    query = (
        select(ReviewRow.status, func.count())
        .select_from(SampleState)
        .join(ReviewRow, ReviewRow.sample_id == SampleState.sample_id)
        .where(IS_OPEN, mine)
    )
    rows = session.execute(narrow(session, query, project_id, wanted).group_by(ReviewRow.status))
    return {status: count for status, count in rows}  # noqa: C416 - typed rows are no pairs to the checker


def take_leases(
    session: Session, project_id: int, reviewer_id: int, sample_ids: Sequence[int], until: datetime
) -> None:
    if not sample_ids:
        return
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    mine = {"reviewer_id": reviewer_id, "project_id": project_id, "expires_at": until}
    taking = insert(Lease).values([{"sample_id": id_, **mine} for id_ in dict.fromkeys(sample_ids)])
    session.execute(
        taking.on_conflict_do_update(index_elements=["sample_id", "reviewer_id"], set_={"expires_at": until})
    )


def extend_leases(
    session: Session, project_id: int, reviewer_id: int, sample_ids: Sequence[int], until: datetime
) -> None:
    """Give more time for those of these samples that the reviewer holds; nobody gets hold of one by naming it."""
    mine = (Lease.project_id == project_id) & (Lease.reviewer_id == reviewer_id) & Lease.sample_id.in_(sample_ids)
    session.execute(update(Lease).where(mine).values(expires_at=until))


def drop_leases(session: Session, project_id: int, reviewer_id: int, sample_ids: Sequence[int] | None = None) -> None:
    query = delete(Lease).where(Lease.project_id == project_id, Lease.reviewer_id == reviewer_id)
    if sample_ids is not None:
        query = query.where(Lease.sample_id.in_(sample_ids))
    session.execute(query)


def drop_lapsed_leases(session: Session, project_id: int, now: datetime) -> None:
    session.execute(delete(Lease).where(Lease.project_id == project_id, Lease.expires_at <= now))
