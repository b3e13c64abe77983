"""Bulk decisions: the strata they are for, what was drawn, and what they settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, case, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.db.base import utc_now
from app.db.models.accounts import User
from app.db.models.bulk import BulkDecision, BulkDraw, BulkEvent, BulkSample
from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import IS_OPEN, SampleState
from app.db.repositories.sample_filter import SampleFilter, filtered
from app.domain.consensus import BulkAnswer
from app.domain.errors import NotFound
from app.domain.taxonomy import Decision

REVOKED = ("revoking", "revoked")
UNDER_WAY = ("applying", "revoking")


def get_bulk(session: Session, project_id: int, bulk_id: int) -> BulkDecision:
    bulk = session.get(BulkDecision, bulk_id)
    if bulk is None or bulk.project_id != project_id:
        raise NotFound(f"This project has no bulk decision {bulk_id}.")
    return bulk


def hold_bulk(session: Session, bulk_id: int, *, to_change: bool = False) -> BulkDecision:
    """Read a bulk decision as it is now, and keep others from changing it until this transaction ends."""
    query = select(BulkDecision).where(BulkDecision.id == bulk_id).with_for_update(read=not to_change)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def list_bulk(session: Session, project_id: int) -> list[BulkDecision]:
    query = select(BulkDecision).where(BulkDecision.project_id == project_id).order_by(BulkDecision.id.desc())
    return list(session.scalars(query))


def find_event(session: Session, client_event_id: str) -> BulkEvent | None:
    return session.scalar(select(BulkEvent).where(BulkEvent.client_event_id == client_event_id))


def events_of(session: Session, bulk_ids: Sequence[int]) -> dict[int, list[tuple[BulkEvent, str]]]:
    """Events with the name of who made each, by bulk decision, the oldest first."""
    found: dict[int, list[tuple[BulkEvent, str]]] = {id_: [] for id_ in bulk_ids}
    query = select(BulkEvent, User.username).join(User, User.id == BulkEvent.user_id)
    for event, name in session.execute(query.where(BulkEvent.bulk_id.in_(bulk_ids)).order_by(BulkEvent.id)):
        found[event.bulk_id].append((event, name or ""))
    return found


def list_events(session: Session, project_id: int) -> list[tuple[BulkEvent, str]]:
    query = select(BulkEvent, User.username).join(User, User.id == BulkEvent.user_id)
    rows = session.execute(query.where(BulkEvent.project_id == project_id).order_by(BulkEvent.id))
    return [(event, name or "") for event, name in rows]


def last_ids(session: Session, project_id: int) -> tuple[int, int]:
    """Number of the newest event, and of the newest sample that any bulk decision of the project settled."""
    event = session.scalar(select(func.max(BulkEvent.id)).where(BulkEvent.project_id == project_id))
    of_project = select(BulkDecision.id).where(BulkDecision.project_id == project_id)
    newest = [
        session.scalar(select(func.max(BulkSample.id)).where(BulkSample.bulk_id == id_)) or 0
        for id_ in session.scalars(of_project)
    ]
    return event or 0, max(newest, default=0)


def settled_by(session: Session, bulk_id: int, until: int) -> list[tuple[str, str | None]]:
    """(sample key, new label) of what a bulk decision settled, up to the one of that number, by key."""
    query = (
        select(Sample.key, BulkSample.new_label)
        .join(Sample, Sample.id == BulkSample.sample_id)
        .where(BulkSample.bulk_id == bulk_id, BulkSample.id <= until)
    )
    return sorted((key, label) for key, label in session.execute(query))


def count_under_way(session: Session, project_id: int) -> int:
    """Bulk decisions of which a part is not done yet."""
    query = select(func.count()).where(BulkDecision.project_id == project_id, BulkDecision.state.in_(UNDER_WAY))
    return session.scalar(query) or 0


# -- strata ----------------------------------------------------------------------------------------------------------


def _free(over_bulk: bool) -> Any:
    """Whether a bulk decision may settle a sample: nobody answered on it, and it is open."""
    return and_(SampleState.submitted == 0, or_(IS_OPEN, SampleState.how == "bulk") if over_bulk else IS_OPEN)


def count_stratum(session: Session, project_id: int, wanted: SampleFilter, *, over_bulk: bool) -> int:
    """Samples of a stratum that are open, those included that wait for another review: an index has their number."""
    free = or_(IS_OPEN, SampleState.how == "bulk") if over_bulk else IS_OPEN
    query = select(func.count()).select_from(SampleState).where(SampleState.project_id == project_id, free)
    return session.scalar(filtered(query, wanted)) or 0


def count_decided(session: Session, project_id: int, wanted: SampleFilter, decision: Decision) -> tuple[int, int]:
    """How many samples of a stratum people decided one by one, and how many of these as proposed."""
    same = SampleState.decision == decision.value
    if decision is Decision.RELABEL:
        same &= SampleState.new_label == _suggestion()
    query = select(func.count(), func.sum(case((same, 1), else_=0))).where(
        SampleState.project_id == project_id, SampleState.state != "open", func.coalesce(SampleState.how, "") != "bulk"
    )
    decided, agreeing = session.execute(filtered(query, wanted)).one()
    return decided, agreeing or 0


def windows(session: Session, project_id: int, width: int) -> list[tuple[int, int]]:
    """(first, last) sample ids that take in all of the project's queue, ``width`` numbers each."""
    ends = select(func.min(SampleState.sample_id), func.max(SampleState.sample_id))
    first, last = session.execute(ends.where(SampleState.project_id == project_id)).one()
    if first is None or last is None:
        return []
    return [(start, start + width - 1) for start in range(first, last + 1, width)]


def read_stratum(
    session: Session, project_id: int, wanted: SampleFilter, window: tuple[int, int], *, over_bulk: bool, labels: bool
) -> list[tuple[int, str | None, str]]:
    """(sample id, suggested label, given label) in a window of ids; without ``labels`` both are left empty."""
    suggested, given = (_suggestion(), SampleState.given_label) if labels else (None, None)
    columns: list[Any] = [SampleState.sample_id, *([suggested, given] if labels else [])]
    query = (
        select(*columns)
        .where(SampleState.project_id == project_id, SampleState.sample_id.between(*window), _free(over_bulk))
        .order_by(SampleState.sample_id)
    )
    rows = session.execute(filtered(query, wanted))
    return [(row[0], row[1], row[2]) if labels else (row[0], None, "") for row in rows]


def _suggestion() -> Any:
    """The suggestion of the surest flag that makes one, as the review page shows it."""
    flag = aliased(FlagRow)
    sure = func.coalesce(flag.confidence, 0.0)
    return (
        select(flag.suggested_label)
        .where(flag.sample_id == SampleState.sample_id, func.coalesce(flag.suggested_label, "") != "")
        .order_by(sure.desc(), case((flag.confidence.is_(None), 1), else_=0), flag.id)
        .limit(1)
        .correlate(SampleState)
        .scalar_subquery()
    )


def keys_of(session: Session, ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(ids), 500):
        query = select(Sample.id, Sample.key).where(Sample.id.in_(ids[start : start + 500]))
        found.update((id_, key) for id_, key in session.execute(query))
    return found


# -- drawn samples ---------------------------------------------------------------------------------------------------


def add_draws(session: Session, bulk_id: int, drawn: Sequence[tuple[int, str | None]]) -> None:
    rows = [
        {"bulk_id": bulk_id, "sample_id": sample_id, "position": position, "new_label": label}
        for position, (sample_id, label) in enumerate(drawn)
    ]
    session.execute(insert(BulkDraw), rows)


def list_draws(session: Session, bulk_ids: Sequence[int]) -> dict[int, list[tuple[BulkDraw, SampleState]]]:
    """Drawn samples with what became of them, by bulk decision, in the order in which they were drawn."""
    found: dict[int, list[tuple[BulkDraw, SampleState]]] = {id_: [] for id_ in bulk_ids}
    query = (
        select(BulkDraw, SampleState)
        .join(SampleState, SampleState.sample_id == BulkDraw.sample_id)
        .where(BulkDraw.bulk_id.in_(bulk_ids))
        .order_by(BulkDraw.bulk_id, BulkDraw.position)
    )
    for draw, state in session.execute(query):
        found[draw.bulk_id].append((draw, state))
    return found


# -- settling --------------------------------------------------------------------------------------------------------


def bulk_answers(session: Session, ids: Sequence[int]) -> dict[int, BulkAnswer]:
    """What bulk decisions say of these samples: of each, the newest that was not taken back."""
    found: dict[int, BulkAnswer] = {}
    for start in range(0, len(ids), 500):
        query = (
            select(BulkSample.sample_id, BulkSample.new_label, BulkDecision.decision, BulkDecision.tags, User.username)
            .join(BulkDecision, BulkDecision.id == BulkSample.bulk_id)
            .join(BulkEvent, BulkEvent.id == BulkDecision.applied_event_id)
            .join(User, User.id == BulkEvent.user_id)
            .where(BulkSample.sample_id.in_(ids[start : start + 500]), BulkDecision.state.not_in(REVOKED))
            .order_by(BulkDecision.applied_event_id)
        )
        for sample_id, label, decision, tags, name in session.execute(query):
            found[sample_id] = BulkAnswer(Decision(decision), label, tuple(tags), name or "")
    return found


def settle_samples(session: Session, bulk: BulkDecision, by: str, wanted: Sequence[tuple[int, str | None]]) -> int:
    """Settle those of these (sample id, new label) that are still free; return how many were.

    A sample on which somebody answers at this moment is waited for, and then it is free no more.
    """
    labels = dict(wanted)
    query = select(SampleState.sample_id).where(SampleState.sample_id.in_(list(labels)), _free(bulk.over_bulk))
    mine = exists().where(BulkSample.sample_id == SampleState.sample_id, BulkSample.bulk_id == bulk.id)
    ids = list(session.scalars(query.where(~mine).order_by(SampleState.sample_id).with_for_update()))
    if not ids:
        return 0
    session.execute(insert(BulkSample), [{"bulk_id": bulk.id, "sample_id": i, "new_label": labels[i]} for i in ids])
    answer = BulkAnswer(Decision(bulk.decision), None, tuple(bulk.tags), by)
    _set_answer(session, answer, {id_: labels[id_] for id_ in ids})
    return len(ids)


def _set_answer(session: Session, answer: BulkAnswer, labels: Mapping[int, str | None]) -> None:
    """Resolve these samples alike, each with its own new label."""
    session.execute(
        update(SampleState).where(SampleState.sample_id.in_(list(labels))).values(
            state="resolved", decision=answer.decision.value, new_label=None, tags=list(answer.tags), how="bulk",
            by=[answer.by], reason="", version=SampleState.version + 1, changed_at=utc_now(),
            dispute=SampleState.rivals,
        )
    )  # fmt: skip
    if named := [{"sample_id": id_, "new_label": label} for id_, label in labels.items() if label is not None]:
        session.execute(update(SampleState), named)


def settled_ids(session: Session, bulk_id: int, after: int, limit: int) -> list[tuple[int, int]]:
    """(number, sample id) of the next samples that a bulk decision settled."""
    query = select(BulkSample.id, BulkSample.sample_id).where(BulkSample.bulk_id == bulk_id, BulkSample.id > after)
    return [(number, sample_id) for number, sample_id in session.execute(query.order_by(BulkSample.id).limit(limit))]


def unsettle_samples(session: Session, ids: Sequence[int]) -> None:
    """Let samples that a bulk decision settled be what they are without it: open, or what an older one says."""
    query = select(SampleState.sample_id).where(SampleState.sample_id.in_(ids), SampleState.how == "bulk")
    held = list(session.scalars(query.order_by(SampleState.sample_id).with_for_update()))
    older = bulk_answers(session, held)
    by_answer: dict[BulkAnswer, dict[int, str | None]] = defaultdict(dict)
    for id_, answer in older.items():
        by_answer[replace(answer, new_label=None)][id_] = answer.new_label
    for answer, labels in by_answer.items():
        _set_answer(session, answer, labels)
    reopened = [id_ for id_ in held if id_ not in older]
    if reopened:
        session.execute(
            update(SampleState).where(SampleState.sample_id.in_(reopened)).values(
                state="open", decision=None, new_label=None, tags=[], how=None, by=[], reason="not reviewed yet",
                version=SampleState.version + 1, changed_at=utc_now(), dispute=SampleState.rivals,
            )
        )  # fmt: skip


def steps_of_sample(session: Session, sample_id: int) -> list[tuple[BulkEvent, str, str | None]]:
    """Every application and revocation of the bulk decisions that settled a sample: (event, by whom, new label)."""
    query = (
        select(BulkEvent, User.username, BulkSample.new_label)
        .join(BulkSample, BulkSample.bulk_id == BulkEvent.bulk_id)
        .join(User, User.id == BulkEvent.user_id)
        .where(BulkSample.sample_id == sample_id, BulkEvent.kind.in_(("apply", "revoke")))
        .order_by(BulkEvent.id)
    )
    return [(event, name or "", label) for event, name, label in session.execute(query)]
