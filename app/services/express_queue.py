"""The next samples on the express lane: reserved and gathered in a few statements."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.db.base import utc_now
from app.db.direct import Direct
from app.db.repositories import express as repository
from app.db.repositories import express_cards as cards_repository
from app.db.repositories import express_doors as doors
from app.db.repositories.express_cards import CardFacts, FlagFacts
from app.db.repositories.flags import as_flag
from app.db.repositories.sample_filter import SampleFilter, SampleOrder
from app.db.repositories.sources import make_place
from app.db.session import Database
from app.domain.accounts import Role
from app.domain.duplicate_groups import NAMES_OTHERS
from app.domain.reviews import suggested_label
from app.services.class_examples import ClassExamples
from app.services.express import Caller, NotPlain, enter
from app.services.others_answers import view_of
from app.services.projects import Access, policies_of
from app.services.review_queue import MAX_BATCH, QueueAnswer
from app.services.sample_card import SampleCard, build_card, make_cards


@dataclass(frozen=True)
class _Wish:
    """What is asked of the queue."""

    wanted: SampleFilter
    order: SampleOrder
    count: int
    held: list[int]
    lease: timedelta


_Gathered = tuple[Access, list[int], list[tuple[CardFacts, list[FlagFacts]]]]


async def give_next(
    database: Database,
    caller: Caller,
    slug: str,
    wanted: SampleFilter,
    *,
    count: int,
    exclude: Sequence[int],
    lease: timedelta,
    order: SampleOrder,
) -> QueueAnswer:
    """As ``review_queue.give_next`` without counts, where samples are left and no check samples are slipped in."""
    wish = _Wish(wanted, order, min(count, MAX_BATCH), list(exclude)[:MAX_BATCH], lease)
    # What is reserved lapses by itself: after a power cut the same samples may be given once more.
    access, ids, plain = await database.express.write(
        lambda direct: _reserve(direct, caller, slug, wish), _gather, may_be_lost=True
    )
    examples = ClassExamples(database.engine, access.id)
    suggested = {card.id: suggested_label([as_flag(flag) for flag in flags]) for card, flags in plain}
    missing = examples.missing([*(card.given_label for card, _ in plain), *suggested.values()])
    if missing:
        # Not while samples are reserved: of a large class this takes longer than all else.
        await _look_up(database, access.id, examples, missing)
    cards = {card.id: _card(access, card, flags, examples) for card, flags in plain}
    others = [id_ for id_ in ids if id_ not in cards]
    if others:
        made = await asyncio.to_thread(_make_others, database, access, others)
        cards.update((card.id, card) for card in made)
    return QueueAnswer([cards[id_] for id_ in ids], None, None, None, None, None)


def _reserve(direct: Direct, caller: Caller, slug: str, wish: _Wish) -> tuple[Access, list[int]]:
    access = enter(direct, caller, Role.REVIEWER, slug)
    if policies_of(access.project).check_share:
        raise NotPlain
    me, now = access.actor.user_id, utc_now()
    doors.take_turn(direct, access.id)
    most = wish.count + len(wish.held)
    found = repository.next_ids(direct, access.id, me, wish.wanted, wish.order, most, now)
    ids = [id_ for id_ in found if id_ not in set(wish.held)][: wish.count]
    if not ids:
        raise NotPlain  # the answer then says how many there are
    repository.take_leases(direct, access.id, me, ids, wish.held, now + wish.lease)
    return access, ids


def _gather(direct: Direct, reserved: tuple[Access, list[int]]) -> _Gathered:
    """What the plain ones of the reserved samples' cards are made from."""
    access, ids = reserved
    plain = []
    for id_ in ids:
        found = cards_repository.card_of(direct, id_)
        if found is not None and found[0].is_plain and not _names_others(found[1]):
            plain.append(found)
    return access, ids, plain


def _names_others(flags: Sequence[FlagFacts]) -> bool:
    return any(flag.issue_type in NAMES_OTHERS for flag in flags)


async def _look_up(database: Database, project_id: int, examples: ClassExamples, labels: Sequence[str]) -> None:
    def look(direct: Direct) -> dict[str, list[int]]:
        return {label: cards_repository.examples(direct, project_id, label) for label in labels}

    found = await database.express.read(look, lambda ids_by_label: ids_by_label)
    for label, ids in found.items():
        examples.remember(label, ids)


def _card(access: Access, card: CardFacts, flags: list[FlagFacts], examples: ClassExamples) -> SampleCard:
    """A card on which nobody answered or commented, and that no other image belongs to."""
    place = make_place(card.root, card.key, card.locator, card.box)
    return build_card(access, card, place, flags, view_of(access, [], False), card, [], examples, [])


def _make_others(database: Database, access: Access, ids: Sequence[int]) -> list[SampleCard]:
    with database.reading() as session:
        return make_cards(session, access, ids)
