"""Review events, current reviews and sample states."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.orm.util import identity_key

from app.db.base import utc_now
from app.db.models.accounts import User
from app.db.models.reviews import ReviewEvent, ReviewRow, SampleState
from app.domain.consensus import Resolution


def find_event(session: Session, client_event_id: str) -> ReviewEvent | None:
    return session.scalar(select(ReviewEvent).where(ReviewEvent.client_event_id == client_event_id))


def find_review(session: Session, sample_id: int, reviewer_id: int, *, adjudication: bool = False) -> ReviewRow | None:
    query = select(ReviewRow).where(ReviewRow.sample_id == sample_id, ReviewRow.reviewer_id == reviewer_id)
    return session.scalar(query.where(ReviewRow.is_adjudication == adjudication))


def lock_state(session: Session, sample_id: int) -> SampleState | None:
    """Read a sample's state so that no other transaction changes it until this one ends."""
    return session.scalar(select(SampleState).where(SampleState.sample_id == sample_id).with_for_update())


def lock_states(session: Session, ids: Sequence[int]) -> dict[int, SampleState]:
    """Read these samples' states, in the order of their ids, so that no other transaction changes them."""
    found: dict[int, SampleState] = {}
    for start in range(0, len(ids), 500):
        query = select(SampleState).where(SampleState.sample_id.in_(ids[start : start + 500]))
        states = session.scalars(query.order_by(SampleState.sample_id).with_for_update())
        found.update({state.sample_id: state for state in states})
    return found


def own_reviews(session: Session, ids: Sequence[int], reviewer_id: int) -> dict[int, ReviewRow]:
    """One person's reviews by sample, adjudications left out."""
    found: dict[int, ReviewRow] = {}
    for start in range(0, len(ids), 500):
        query = select(ReviewRow).where(
            ReviewRow.sample_id.in_(ids[start : start + 500]), ReviewRow.reviewer_id == reviewer_id,
            ReviewRow.is_adjudication.is_(False),
        )  # fmt: skip
        found.update({row.sample_id: row for row in session.scalars(query)})
    return found


def samples_of_batch(session: Session, batch_id: str, reviewer_id: int) -> set[int]:
    """Samples that a batch answered already."""
    return set(session.scalars(select(ReviewEvent.sample_id).where(_of_batch(batch_id, reviewer_id))))


def events_of_batch(session: Session, batch_id: str, reviewer_id: int) -> list[ReviewEvent]:
    query = select(ReviewEvent).where(_of_batch(batch_id, reviewer_id))
    return list(session.scalars(query.order_by(ReviewEvent.id)))


def _of_batch(batch_id: str, reviewer_id: int) -> ColumnElement[bool]:
    return (ReviewEvent.batch_id == batch_id) & (ReviewEvent.reviewer_id == reviewer_id)


def _reverted_by(kind: str) -> ColumnElement[bool]:
    """Whether a later event of this kind (undo, redo) took an event back."""
    later = aliased(ReviewEvent)
    return select(later.id).where(later.reverts_event_id == ReviewEvent.id, later.kind == kind).exists()


def reviews_of_samples(session: Session, ids: Sequence[int]) -> dict[int, list[tuple[ReviewRow, str]]]:
    """Reviews with the reviewer's name, by sample."""
    found: dict[int, list[tuple[ReviewRow, str]]] = {id_: [] for id_ in ids}
    for start in range(0, len(ids), 500):
        query = (
            select(ReviewRow, User.username)
            .join(User, User.id == ReviewRow.reviewer_id)
            .where(ReviewRow.sample_id.in_(ids[start : start + 500]))
            .order_by(User.username)
        )
        for row, name in session.execute(query):
            found[row.sample_id].append((row, name or ""))
    return found


def reviewed_ids(session: Session, project_id: int) -> list[int]:
    """Ids of the samples that anybody answered."""
    query = select(ReviewRow.sample_id).where(ReviewRow.project_id == project_id).distinct()
    return list(session.scalars(query.order_by(ReviewRow.sample_id)))


def states_of_samples(session: Session, ids: Sequence[int]) -> dict[int, SampleState]:
    found: dict[int, SampleState] = {}
    for start in range(0, len(ids), 500):
        query = select(SampleState).where(SampleState.sample_id.in_(ids[start : start + 500]))
        found.update({state.sample_id: state for state in session.scalars(query)})
    return found


def held_states(session: Session, ids: Sequence[int]) -> dict[int, SampleState]:
    """States of samples, most of which this unit of work has read already: those are not read again."""
    missing = [id_ for id_ in ids if identity_key(SampleState, id_) not in session.identity_map]
    if missing:
        return states_of_samples(session, ids)
    return {id_: session.get_one(SampleState, id_) for id_ in ids}


def set_resolutions(session: Session, found: Sequence[tuple[int, Resolution, int]]) -> None:
    """Note (sample id, resolution, number of submitted reviews), each a new version of the sample's state."""
    states = held_states(session, [sample_id for sample_id, _, _ in found])
    now = utc_now()
    for sample_id, resolution, submitted in found:
        state = states[sample_id]
        state.state = resolution.state.value
        state.decision = resolution.decision.value if resolution.decision else None
        state.new_label, state.tags, state.reason = resolution.new_label, list(resolution.tags), resolution.reason
        state.how, state.by = resolution.how.value if resolution.how else None, list(resolution.by)
        state.submitted, state.version, state.changed_at = submitted, state.version + 1, now
        state.dispute = state.rivals + resolution.dissent
    session.flush()


def undoable_events(session: Session, project_id: int, reviewer_id: int, limit: int = 1) -> list[ReviewEvent]:
    """The reviewer's newest answers that stand: neither undone nor undoing."""
    query = (
        select(ReviewEvent)
        .where(
            ReviewEvent.project_id == project_id,
            ReviewEvent.reviewer_id == reviewer_id,
            ReviewEvent.kind.in_(("review", "redo")),
            ~_reverted_by("undo"),
        )
        .order_by(ReviewEvent.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def find_redoable(session: Session, project_id: int, reviewer_id: int) -> ReviewEvent | None:
    """The newest undo that was not redone, unless a new answer came after it."""
    mine = (ReviewEvent.project_id == project_id) & (ReviewEvent.reviewer_id == reviewer_id)
    newest_answer = select(func.max(ReviewEvent.id)).where(mine, ReviewEvent.kind == "review").scalar_subquery()
    query = (
        select(ReviewEvent)
        .where(mine, ReviewEvent.kind == "undo", ~_reverted_by("redo"), ReviewEvent.id > newest_answer)
        .order_by(ReviewEvent.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def standing_of_batch(session: Session, batch_id: str, reviewer_id: int) -> list[ReviewEvent]:
    """A batch's answers that nobody took back."""
    found = select(ReviewEvent).where(_of_batch(batch_id, reviewer_id), ~_reverted_by("undo"))
    return list(session.scalars(found.order_by(ReviewEvent.id)))


def payloads_before(session: Session, events: Sequence[ReviewEvent]) -> dict[int, dict[str, Any]]:
    """By event: the review that stood before it in its author's history of its sample; left out where none did."""
    found: dict[int, dict[str, Any]] = {}
    by_sample = {event.sample_id: event for event in events}
    ids = list(by_sample)
    for start in range(0, len(ids), 500):
        query = (
            select(ReviewEvent)
            .where(
                ReviewEvent.sample_id.in_(ids[start : start + 500]),
                ReviewEvent.reviewer_id == events[0].reviewer_id,
                ReviewEvent.kind != "adjudication",
            )
            .order_by(ReviewEvent.id)
        )
        for earlier in session.scalars(query):
            event = by_sample[earlier.sample_id]
            if earlier.id < event.id:
                found[event.id] = earlier.payload
    return found


def reverted_payloads(session: Session, undos: Sequence[ReviewEvent]) -> dict[int, dict[str, Any]]:
    """By undo: the review that it took back."""
    ids = [event.reverts_event_id for event in undos]
    payloads: dict[int | None, dict[str, Any]] = {}
    for start in range(0, len(ids), 500):
        query = select(ReviewEvent.id, ReviewEvent.payload).where(ReviewEvent.id.in_(ids[start : start + 500]))
        payloads.update((id_, payload) for id_, payload in session.execute(query))
    return {event.id: payloads[event.reverts_event_id] for event in undos}


def events_of_sample(session: Session, sample_id: int) -> list[tuple[ReviewEvent, str]]:
    query = (
        select(ReviewEvent, User.username)
        .join(User, User.id == ReviewEvent.reviewer_id)
        .where(ReviewEvent.sample_id == sample_id)
        .order_by(ReviewEvent.id)
    )
    return [(event, name or "") for event, name in session.execute(query)]


def conflict_ids(session: Session, project_id: int, after: int, limit: int) -> list[int]:
    query = (
        select(SampleState.sample_id)
        .where(SampleState.project_id == project_id, SampleState.state == "conflict", SampleState.sample_id > after)
        .order_by(SampleState.sample_id)
        .limit(limit)
    )
    return list(session.scalars(query))


def count_by_reviewer(session: Session, project_id: int) -> list[tuple[int, str, int]]:
    """(reviewer id, status, count) of all reviews."""
    query = (
        select(ReviewRow.reviewer_id, ReviewRow.status, func.count())
        .where(ReviewRow.project_id == project_id, ReviewRow.is_adjudication.is_(False))
        .group_by(ReviewRow.reviewer_id, ReviewRow.status)
    )
    return list(session.execute(query))


def submitted_since(
    session: Session, project_id: int, since: datetime, reviewer_id: int | None = None
) -> tuple[int, datetime | None]:
    """How many answers were given since then, and when the first of them."""
    query = select(func.count(), func.min(ReviewEvent.created_at)).where(
        ReviewEvent.project_id == project_id, ReviewEvent.kind == "review", ReviewEvent.created_at >= since
    )
    if reviewer_id is not None:
        query = query.where(ReviewEvent.reviewer_id == reviewer_id)
    count, first = session.execute(query).one()
    return count, first


def submitted_by_reviewer(session: Session, project_id: int, since: datetime) -> list[tuple[int, int, datetime]]:
    """(reviewer, answers given since then, when the first of them)."""
    query = select(ReviewEvent.reviewer_id, func.count(), func.min(ReviewEvent.created_at)).where(
        ReviewEvent.project_id == project_id, ReviewEvent.kind == "review", ReviewEvent.created_at >= since
    )
    rows = session.execute(query.group_by(ReviewEvent.reviewer_id))
    return [(reviewer, count, first) for reviewer, count, first in rows]


def submitted_between(session: Session, project_id: int, bounds: Sequence[datetime]) -> list[int]:
    """How many answers were given from each time to the next. One index walk a pair, in one query."""
    counts = [
        select(func.count())
        .where(
            ReviewEvent.project_id == project_id, ReviewEvent.kind == "review",
            ReviewEvent.created_at >= start, ReviewEvent.created_at < end,
        )
        .scalar_subquery()
        for start, end in pairwise(bounds)
    ]  # fmt: skip
    return list(session.execute(select(*counts)).one())


def count_submitted(session: Session) -> int:
    """Submitted answers in all projects."""
    return session.scalar(select(func.count()).select_from(ReviewRow).where(ReviewRow.status == "submitted")) or 0
