"""One answer for a group of leaks: verdicts on its pairs, and reviews only for what no rule of the project settles.

Confirmed pairs between splits take out the side that the project's policy names, at the merge. A review says what is
left to say: which other copies of one split go as duplicates, and which label is right where they differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.db.base import utc_now
from app.db.models.leaks import LeakPair, LeakVerdictEvent
from app.db.models.projects import Sample
from app.db.repositories import leaks as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories.leaks import PairRow
from app.db.session import Session
from app.domain.errors import Conflict, InvalidInput, NotFound
from app.domain.leaks import Verdict
from app.domain.merge import LEAK_TAG, LeakSide
from app.domain.reviews import ReviewInput, ReviewStatus
from app.domain.taxonomy import Decision
from app.services.leak_rule import LeakRule
from app.services.projects import Access
from app.services.submit_many import GivenAnswer, batch_key, submit_many
from app.services.submit_review import require_reviewer
from app.services.undo_review import undo_batch

TAGS = ("duplicate_exact", "duplicate_near")


@dataclass(frozen=True)
class LeakGroupAnswer:
    """What becomes of the images of a group, by id; each end of a pair is named once.

    ``apart`` are not the same shot as the others: their pairs with those are rejected. ``pairs`` and ``seen`` have the
    version of each pair and of each member's state when they were looked at. ``keeper`` is None where the project's
    rule takes both sides. ``keeper_label`` is the right label of the one that stays, where labels differ.
    """

    keeper: int | None
    going: Sequence[int]
    staying: Sequence[int]
    apart: Sequence[int]
    pairs: Mapping[int, int]
    seen: Mapping[int, int]
    tag: str = "duplicate_near"
    keeper_label: str | None = None
    note: str = ""

    @property
    def together(self) -> set[int]:
        return {*self.going, *self.staying, *([self.keeper] if self.keeper is not None else [])}


@dataclass(frozen=True)
class LeakGroupResult:
    """How many pairs got a verdict, how many images a review, and whether this answer had been kept before."""

    confirmed: int
    rejected: int
    reviews: int
    repeated: bool = False


def decide_leak_group(session: Session, access: Access, given: LeakGroupAnswer, *, batch_id: str) -> LeakGroupResult:
    """Keep the whole answer, or nothing of it. The same ``batch_id`` again changes nothing.

    Raises:
        Conflict: somebody judged a pair or settled a member meanwhile.
        InvalidInput: an image is no end of these pairs or named twice, or no image of the group would stay.
        NotFound: a pair is none of this project.
    """
    require_reviewer(access)
    projects_repository.hold_policies(session, access.project)
    key = batch_key(batch_id, access.actor.user_id)
    if repository.verdict_events(session, [_event_id(key, id_) for id_ in given.pairs]):
        return LeakGroupResult(0, 0, 0, repeated=True)
    locked = repository.lock_pairs(session, sorted(given.pairs))
    rows = _rows(session, access, given, locked)
    members = {sample.id: sample for row in rows for sample in (row.train, row.test)}
    _check(given, members)
    verdicts = {row.pair.id: verdict for row in rows if (verdict := _verdict(given, row)) is not None}
    reviews = _reviews(session, access, given, rows, members)
    for id_, verdict in verdicts.items():
        _judge(session, access, locked[id_], verdict, _event_id(key, id_))
    if reviews:
        answers = [GivenAnswer(id_, review, given.seen[id_]) for id_, review in reviews.items()]
        submit_many(session, access, answers, batch_id=batch_id, whole=True)
    counts = list(verdicts.values())
    return LeakGroupResult(counts.count(Verdict.CONFIRMED), counts.count(Verdict.REJECTED), len(reviews))


def take_back_leak_group(
    session: Session, access: Access, pair_ids: Sequence[int], *, of: str, client_event_id: str
) -> LeakGroupResult:
    """Take back what the answer ``of`` said: its pairs get the verdicts that stood before, its reviews are undone.

    Raises:
        Conflict: somebody judged one of the pairs since.
        NotFound: there is no such answer of this person on these pairs.
    """
    require_reviewer(access)
    key, new = batch_key(of, access.actor.user_id), batch_key(client_event_id, access.actor.user_id)
    if repository.verdict_events(session, [_event_id(new, id_) for id_ in pair_ids]):
        return LeakGroupResult(0, 0, 0, repeated=True)
    locked = repository.lock_pairs(session, sorted(pair_ids))
    events = repository.verdict_events(session, [_event_id(key, id_) for id_ in pair_ids])
    reviews = undo_batch(session, access, key, client_event_id)
    if not events and not reviews:
        raise NotFound("There is nothing to take back: this answer was not kept.")
    for event in events:
        pair = locked[event.pair_id]
        if pair.version != event.new_version:
            raise Conflict("Somebody judged a pair of this group since. Nothing was changed; look at it again.")
        before = Verdict(repository.verdict_at(session, pair.id, event.base_version))
        _judge(session, access, pair, before, _event_id(new, pair.id))
    return LeakGroupResult(0, 0, reviews)


def _event_id(key: str, pair_id: int) -> str:
    return hashlib.sha256(f"{key}\0pair\0{pair_id}".encode()).hexdigest()


def _rows(session: Session, access: Access, given: LeakGroupAnswer, locked: Mapping[int, LeakPair]) -> list[PairRow]:
    rows = repository.find_pairs(session, access.id, sorted(given.pairs))
    for id_, version in given.pairs.items():
        if id_ not in rows:
            raise NotFound(f"This project has no leak candidate {id_}. Nothing was changed.")
        if locked[id_].version != version:
            who = rows[id_].decided_by or "Somebody"
            said = {Verdict.CONFIRMED: "confirmed", Verdict.REJECTED: "rejected", Verdict.OPEN: "opened again"}
            raise Conflict(
                f"{who} {said[Verdict(locked[id_].verdict)]} {rows[id_].train.key} and {rows[id_].test.key} meanwhile. "
                "Nothing was changed; look at the group again."
            )
    return list(rows.values())


def _check(given: LeakGroupAnswer, members: Mapping[int, Sample]) -> None:
    named = [*given.together, *given.apart]
    count = len(given.going) + len(given.staying) + len(given.apart) + (given.keeper is not None)
    if len(set(named)) != count:
        raise InvalidInput("An image can only stay, go or be another picture: one is named twice. Nothing was changed.")
    if set(named) != set(members):
        raise InvalidInput("Name each image of these pairs, and no other. Nothing was changed.")
    if set(named) - set(given.seen):
        raise InvalidInput("Each image needs the version of its state that was looked at. Nothing was changed.")
    if given.tag not in TAGS:
        raise InvalidInput(f"A group is answered as {' or '.join(TAGS)}, not {given.tag!r}. Nothing was changed.")


def _verdict(given: LeakGroupAnswer, row: PairRow) -> Verdict | None:
    """The verdict that a pair gets; None where it stands already, or where both of its images are apart."""
    ends = {row.train.id, row.test.id}
    if not ends & given.together:
        # Two that are unlike the others may still be alike; only where nothing is left is it said of all.
        said = None if given.together else Verdict.REJECTED
    else:
        said = Verdict.CONFIRMED if ends <= given.together else Verdict.REJECTED
    return None if said is None or said.value == row.pair.verdict else said


def _judge(session: Session, access: Access, pair: LeakPair, verdict: Verdict, event_id: str) -> None:
    session.add(
        LeakVerdictEvent(
            pair_id=pair.id, user_id=access.actor.user_id, client_event_id=event_id, verdict=verdict.value,
            base_version=pair.version, new_version=pair.version + 1,
        )
    )  # fmt: skip
    pair.verdict, pair.version = verdict.value, pair.version + 1
    is_open = verdict is Verdict.OPEN
    pair.decided_by, pair.decided_at = (None, None) if is_open else (access.actor.user_id, utc_now())


def _reviews(
    session: Session,
    access: Access,
    given: LeakGroupAnswer,
    rows: Sequence[PairRow],
    members: Mapping[int, Sample],
) -> dict[int, ReviewInput]:
    """Reviews for what the verdicts leave open; checks on the way that one image stays."""
    if not given.together:
        return {}
    rule = LeakRule.of(session, access, sorted(members))
    confirmed = [row for row in rows if {row.train.id, row.test.id} <= given.together]
    leaving = rule.leaving_by_others(rows) | {id_ for row in confirmed for id_ in rule.leaving(row)}
    if given.keeper is None:
        if rule.side is not LeakSide.BOTH or not given.together <= leaving:
            raise InvalidInput("Say which image stays. Nothing was changed.")
        return {}
    _check_keeper(session, members[given.keeper], leaving)
    keeper = members[given.keeper]
    reviews = {}
    if given.keeper_label is not None:
        relabels = given.keeper_label != keeper.given_label
        said = Decision.RELABEL if relabels else Decision.KEEP
        reviews[keeper.id] = _review(said, given.note, label=given.keeper_label if relabels else None)
    for id_ in given.going:
        if id_ in rule.adjudicated:
            raise InvalidInput(f"A lead settled {members[id_].key}: let it stay here. Nothing was changed.")
        if id_ not in leaving:
            tag = given.tag if members[id_].split == keeper.split else LEAK_TAG
            reviews[id_] = _review(Decision.REMOVE, given.note, tags=(tag,))
    return reviews


def _check_keeper(session: Session, keeper: Sample, leaving: set[int]) -> None:
    """One that stays by this answer must not go all the same: the group would lose all of its images."""
    if keeper.id in leaving:
        raise InvalidInput(
            f"{keeper.key} can't be the one that stays: the project's rule takes this side of a confirmed leak. Choose "
            "an image of the other side; a lead can change the rule, or settle this image. Nothing was changed."
        )
    state = reviews_repository.states_of_samples(session, [keeper.id]).get(keeper.id)
    if state is not None and state.decision == Decision.REMOVE.value:
        raise InvalidInput(
            f"{keeper.key} can't be the one that stays: it is to be removed already. Choose another, take that back, "
            "or judge the pairs one by one. Nothing was changed."
        )


def _review(decision: Decision, note: str, *, label: str | None = None, tags: tuple[str, ...] = ()) -> ReviewInput:
    return ReviewInput(ReviewStatus.SUBMITTED, manual=True, decision=decision, new_label=label, tags=tags, note=note)
