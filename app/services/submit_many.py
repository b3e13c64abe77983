"""One person's answers to many samples, as one step: kept together, taken back together.

Each sample gets its own event; what is read and written is gathered over all of them, so that 500 samples of a grid
cost a fraction of a second and not 500 requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.db.models.projects import Sample
from app.db.models.reviews import ReviewEvent, ReviewRow, SampleState
from app.db.repositories import flags as flags_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import queueing
from app.db.repositories import reviews as repository
from app.db.session import Session
from app.domain.decision_tree import standard_tree
from app.domain.errors import Conflict, InvalidInput, NotFound, WinnowError
from app.domain.reviews import ReviewInput, settle
from app.domain.taxonomy import Taxonomy
from app.domain.tree_walk import Outcome
from app.services.keep_one import check_groups
from app.services.projects import Access, policies_of
from app.services.submit_review import (
    add_events,
    is_secret_from,
    make_payload,
    require_reviewer,
    said_in,
    settled_checks,
)

MOST = 10_000
"""Samples in one batch."""


@dataclass(frozen=True)
class GivenAnswer:
    """What to answer to one sample. ``seen_version`` is its state's version when it was looked at.

    None says that it was not looked at as a whole (a list of keys): then nothing is held back.
    """

    sample_id: int
    given: ReviewInput
    seen_version: int | None = None


@dataclass(frozen=True)
class HeldBack:
    """A sample that somebody else answered meanwhile; it was left as it is. ``said`` are their words."""

    sample_id: int
    said: str
    version: int


@dataclass(frozen=True)
class SampleVersion:
    id: int
    version: int


@dataclass(frozen=True)
class BatchResult:
    """``submitted`` samples were answered; ``repeated`` ones had this batch's answer already.

    ``versions`` are those of the answered samples' states now, for the next answer to them.
    """

    submitted: int
    repeated: int
    held_back: list[HeldBack]
    versions: list[SampleVersion]


def batch_key(batch_id: str, user_id: int) -> str:
    """The name under which a batch's events are kept; another person's batch of the same id is another batch."""
    return hashlib.sha256(f"{batch_id}\0{user_id}".encode()).hexdigest()


def event_id_of(key: str, sample_id: int) -> str:
    """The id of a batch's event for one sample: the same for every repetition."""
    return hashlib.sha256(f"{key}\0{sample_id}".encode()).hexdigest()


def submit_many(
    session: Session, access: Access, answers: Sequence[GivenAnswer], *, batch_id: str, whole: bool = False
) -> BatchResult:
    """Keep all answers, or none where one is invalid. The same ``batch_id`` again changes nothing.

    Where ``whole``, the answers make sense only together: nothing is held back, all are refused.

    Raises:
        Conflict: somebody else settled one of the samples meanwhile, and the answers are a whole.
        NotFound: a sample is none of this project.
        InvalidInput: a sample stands there twice, or an answer does not fit its sample.
    """
    require_reviewer(access)
    key = batch_key(batch_id, access.actor.user_id)
    ids = sorted({answer.sample_id for answer in answers})
    if len(ids) != len(answers):
        raise InvalidInput("A sample is named twice. Nothing was changed.")
    samples = _find_samples(session, access, ids)
    states = _lock(session, access, ids)
    done = repository.samples_of_batch(session, key, access.actor.user_id)
    todo = [answer for answer in answers if answer.sample_id not in done]
    held_back = _held_back(session, access, todo, states)
    if whole and held_back:
        said = ", ".join(f"{samples[held.sample_id].key} ({held.said})" for held in held_back)
        raise Conflict(f"Somebody answered meanwhile: {said}. Nothing was changed; look at it again.")
    waiting = {held.sample_id for held in held_back}
    todo = [answer for answer in todo if answer.sample_id not in waiting]
    outcomes = _settle_all(session, access, todo, samples)
    check_groups(session, access.id, outcomes)
    _keep(session, access, key, todo, outcomes, settled_checks(session, states.values()))
    answered = [SampleVersion(id_, states[id_].version) for id_ in ids if id_ not in waiting]
    return BatchResult(len(todo), len(answers) - len(todo) - len(held_back), held_back, answered)


def _find_samples(session: Session, access: Access, ids: Sequence[int]) -> dict[int, Sample]:
    samples = projects_repository.samples_by_id(session, ids)
    for id_ in ids:
        if id_ not in samples or samples[id_].project_id != access.id:
            raise NotFound(f"This project has no sample {id_}. Nothing was changed.")
    return samples


def _lock(session: Session, access: Access, ids: Sequence[int]) -> dict[int, SampleState]:
    """Hold the samples' states until the transaction ends; those without a flag get one now."""
    projects_repository.hold_policies(session, access.project)
    states = repository.lock_states(session, ids)
    missing = [id_ for id_ in ids if id_ not in states]
    if missing:
        queueing.queue_samples(session, access.id, missing)
        states |= repository.lock_states(session, missing)
    if len(states) != len(ids):
        raise Conflict("Some of the samples are being changed by somebody else. Try again.")
    return states


def _held_back(
    session: Session, access: Access, answers: Sequence[GivenAnswer], states: Mapping[int, SampleState]
) -> list[HeldBack]:
    """Samples that others answered since they were looked at. Whoever looks again and still differs may say so."""
    changed = [
        answer.sample_id
        for answer in answers
        if answer.seen_version is not None and states[answer.sample_id].version != answer.seen_version
    ]
    secret = is_secret_from(session, access, changed)
    found = repository.reviews_of_samples(session, [id_ for id_ in changed if id_ not in secret])
    me = access.actor.user_id
    held = []
    for id_, rows in found.items():
        others = [(row, name) for row, name in rows if row.reviewer_id != me and row.status == "submitted"]
        if others and states[id_].state != "open":
            held.append(
                HeldBack(id_, "; ".join(f"{name}: {said_in(row)}" for row, name in others), states[id_].version)
            )
    return held


def _settle_all(
    session: Session, access: Access, answers: Sequence[GivenAnswer], samples: Mapping[int, Sample]
) -> dict[int, Outcome]:
    flags = flags_repository.flags_of_samples(session, [answer.sample_id for answer in answers])
    classes = projects_repository.class_index(session, access.id)
    tree, taxonomy = standard_tree(policies_of(access.project).mislabel_threshold), Taxonomy()
    outcomes, problems = {}, []
    for answer in answers:
        sample = samples[answer.sample_id]
        known = [flags_repository.as_flag(row) for row in flags[answer.sample_id]]
        try:
            outcomes[sample.id] = settle(
                answer.given, flags=known, given_label=sample.given_label, classes=classes, tree=tree, taxonomy=taxonomy
            )
        except WinnowError as error:
            problems.append({"id": sample.key, "problem": error.message})
    if problems:
        more = f" ({len(problems):,} of {len(answers):,} don't fit.)" if len(problems) > 1 else ""
        first = problems[0]
        raise InvalidInput(f"{first['id']}: {first['problem']}{more} Nothing was changed.", ids=problems)
    return outcomes


def _keep(
    session: Session,
    access: Access,
    key: str,
    answers: Sequence[GivenAnswer],
    outcomes: Mapping[int, Outcome],
    checks: Collection[int],
) -> None:
    ids = [answer.sample_id for answer in answers]
    current = repository.own_reviews(session, ids, access.actor.user_id)
    events = [_event(access, key, answer, _payload(answer, outcomes, current, checks), current) for answer in answers]
    add_events(session, access, events, current)
    queue_repository.drop_leases(session, access.id, access.actor.user_id, ids)


def _payload(
    answer: GivenAnswer, outcomes: Mapping[int, Outcome], current: Mapping[int, ReviewRow], checks: Collection[int]
) -> dict[str, object]:
    id_ = answer.sample_id
    is_check = current[id_].is_check if id_ in current else id_ in checks
    payload = make_payload(answer.given, outcomes[id_], 0)
    return {**payload, "is_check": True} if is_check else payload


def _event(
    access: Access, key: str, answer: GivenAnswer, payload: dict[str, object], current: Mapping[int, ReviewRow]
) -> ReviewEvent:
    base = current[answer.sample_id].version if answer.sample_id in current else 0
    return ReviewEvent(
        project_id=access.id, sample_id=answer.sample_id, reviewer_id=access.actor.user_id, kind="review",
        client_event_id=event_id_of(key, answer.sample_id), batch_id=key, base_version=base, new_version=base + 1,
        payload=payload,
    )  # fmt: skip
