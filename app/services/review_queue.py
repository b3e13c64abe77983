"""The next samples for a reviewer, held for them so that nobody else gets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.db.base import utc_now
from app.db.repositories import queue as repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories.sample_filter import SampleFilter, SampleOrder
from app.db.session import Database, Session
from app.domain.accounts import Role
from app.domain.errors import NotAllowed
from app.services.check_samples import slip_in_checks
from app.services.projects import Access, access_project
from app.services.sample_card import SampleCard, make_cards
from app.services.sign_in import Actor

__all__ = ["QueueAnswer", "SampleFilter", "SampleOrder", "give_back", "next_samples"]

MAX_BATCH = 50
_PACE_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True)
class QueueAnswer:
    """Samples to review, and how far the view is. ``total`` counts the samples that the filter takes in.

    The counts are None where nobody asked for them. Where no sample is left for this reviewer, ``skipped`` and
    ``answered`` say on how many of the remaining ones they had their say; the others are held by somebody else.
    """

    items: list[SampleCard]
    remaining: int | None
    total: int | None
    decided: int | None
    per_minute: float | None
    seconds_left: float | None
    skipped: int = 0
    answered: int = 0


def next_samples(
    session: Session,
    access: Access,
    wanted: SampleFilter,
    *,
    count: int,
    exclude: Sequence[int],
    lease: timedelta,
    fill_in: Sequence[int] = (),
    counts: bool = True,
    order: SampleOrder = SampleOrder.CONFIDENCE,
) -> QueueAnswer:
    """Reserve the next samples. ``exclude`` names those that the page holds already; their time is extended.

    Without ``counts`` the view is only counted when no sample is left: at 200,000 flags it takes longer than all else.

    Raises:
        NotAllowed: viewers do not review.
    """
    shown = _reserve(
        session, access, wanted, count=count, exclude=exclude, lease=lease, fill_in=fill_in, counts=counts, order=order
    )
    return _answer(session, access, wanted, shown, counts=counts)


def give_next(
    database: Database,
    actor: Actor,
    slug: str,
    wanted: SampleFilter,
    *,
    count: int,
    exclude: Sequence[int],
    lease: timedelta,
    counts: bool,
    order: SampleOrder,
) -> QueueAnswer:
    """``next_samples`` in two units of work: what is reserved is committed before the cards are gathered.

    Others wait for the first alone, which is the smaller part.
    """
    with database.writing() as session:
        access = access_project(session, actor, slug, Role.REVIEWER)
        ids = _reserve(session, access, wanted, count=count, exclude=exclude, lease=lease, counts=counts, order=order)
    with database.reading() as session:
        return _answer(session, access, wanted, ids, counts=counts)


def _reserve(
    session: Session,
    access: Access,
    wanted: SampleFilter,
    *,
    count: int,
    exclude: Sequence[int],
    lease: timedelta,
    fill_in: Sequence[int] = (),
    counts: bool,
    order: SampleOrder,
) -> list[int]:
    if access.role is Role.VIEWER:
        raise NotAllowed("Viewers can look at the outcome; reviewing needs the role reviewer.")
    me, now = access.actor.user_id, utc_now()
    repository.take_turn(session, access.id)
    if counts:
        repository.drop_lapsed_leases(session, access.id, now)  # they hold nothing any more; this only tidies up
    held = list(exclude)[:MAX_BATCH]
    most = min(count, MAX_BATCH)
    ids = repository.next_sample_ids(session, access.id, me, wanted, count=most, exclude=held, now=now, order=order)
    ids = slip_in_checks(session, access, wanted, ids, held, most)
    # A sample that was opened by its address is this reviewer's as well, unless somebody else has it.
    opened = repository.free_sample_ids(session, access.id, me, fill_in, now=now) if fill_in else []
    repository.take_leases(session, access.id, me, [*ids, *opened], now + lease)
    if held:
        repository.extend_leases(session, access.id, me, held, now + lease)
    return [*fill_in, *(id_ for id_ in ids if id_ not in fill_in)]


def _answer(session: Session, access: Access, wanted: SampleFilter, ids: Sequence[int], *, counts: bool) -> QueueAnswer:
    if ids and not counts:
        return QueueAnswer(make_cards(session, access, ids), None, None, None, None, None)
    states = repository.count_states(session, access.id, wanted)
    since = utc_now() - _PACE_WINDOW
    recent, _ = reviews_repository.submitted_since(session, access.id, since, access.actor.user_id)
    total, remaining = sum(states.values()), states.get("open", 0)
    per_minute = recent / (_PACE_WINDOW.total_seconds() / 60) if recent >= 5 else None
    left = remaining / per_minute * 60 if per_minute else None
    mine = repository.count_open_by_answer(session, access.id, access.actor.user_id, wanted) if not ids else {}
    return QueueAnswer(
        make_cards(session, access, ids), remaining, total, total - remaining, per_minute, left,
        mine.get("skipped", 0), mine.get("submitted", 0),
    )  # fmt: skip


def give_back(session: Session, access: Access, sample_ids: Sequence[int] | None = None) -> None:
    """Let others have what this reviewer holds."""
    repository.drop_leases(session, access.id, access.actor.user_id, sample_ids)
