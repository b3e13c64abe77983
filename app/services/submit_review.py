"""A reviewer's answer: kept as an event that is never changed, and worked into the sample's state at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.db.base import utc_now
from app.db.models.projects import Sample
from app.db.models.reviews import ReviewEvent, ReviewRow, SampleState
from app.db.repositories import bulk as bulk_repository
from app.db.repositories import check_samples as checks_repository
from app.db.repositories import flags as flags_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import queueing
from app.db.repositories import reviews as repository
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.consensus import BulkAnswer, Resolution, Rule, State, describe, resolve
from app.domain.decision_tree import standard_tree
from app.domain.errors import Conflict, InvalidInput, NotAllowed
from app.domain.reviews import Review, ReviewInput, ReviewStatus, settle
from app.domain.taxonomy import Decision, Taxonomy
from app.domain.tree_walk import Outcome
from app.services.keep_one import check_groups
from app.services.projects import Access, policies_of
from app.services.sample_card import ReviewView, review_view


@dataclass(frozen=True)
class Submitted:
    """What the page learns after an answer was kept."""

    review: ReviewView
    state: str
    event_id: int
    state_version: int


def submit_review(
    session: Session,
    access: Access,
    sample_id: int,
    given: ReviewInput,
    *,
    client_event_id: str,
    base_version: int,
    lead_time_ms: int = 0,
    seen_version: int | None = None,
) -> Submitted:
    """Keep an answer. The same ``client_event_id`` again gives the same result and changes nothing.

    ``seen_version`` is the version of the sample's state that the reviewer looked at; None where nobody looked.

    Raises:
        Conflict: the reviewer's answer changed since ``base_version`` (in another tab), or others settled the sample
            since ``seen_version``; carries the answer that stands.
        InvalidInput: the answer contradicts itself or the decision tree.
    """
    require_reviewer(access)
    sample = projects_repository.get_sample(session, access.id, sample_id)
    state = lock_sample(session, access, sample_id)
    known = repeated_event(session, access, sample_id, client_event_id, "review")
    if known is not None:
        return _kept_before(session, access, known)
    current = repository.find_review(session, sample_id, access.actor.user_id)
    check_version(current, base_version, access.actor.username)
    check_others(session, access, state, seen_version)
    outcome = work_out(session, access, sample, given)
    check_groups(session, access.id, {sample_id: outcome})
    payload = make_payload(given, outcome, lead_time_ms)
    event, row = append_event(session, access, state, "review", client_event_id, current, payload)
    queue_repository.drop_leases(session, access.id, access.actor.user_id, [sample_id])
    return Submitted(review_view(row, access.actor.username), state.state, event.id, state.version)


def require_reviewer(access: Access) -> None:
    if not may(access.role, Role.REVIEWER):
        raise NotAllowed("Viewers can look at the outcome; reviewing needs the role reviewer.")


def repeated_event(
    session: Session, access: Access, sample_id: int | None, client_event_id: str, kind: str
) -> ReviewEvent | None:
    """Find the event that a repeated request already made.

    Raises:
        InvalidInput: the id was used for something else, or is no id.
    """
    if not 8 <= len(client_event_id) <= 64:
        raise InvalidInput("client_event_id must be a fresh UUID for each answer.")
    event = repository.find_event(session, client_event_id)
    if event is None:
        return None
    same = event.project_id == access.id and event.reviewer_id == access.actor.user_id and event.kind == kind
    if not same or sample_id not in (None, event.sample_id):
        raise InvalidInput("This client_event_id was used for another answer. Make a fresh one for each.")
    return event


def lock_sample(session: Session, access: Access, sample_id: int) -> SampleState:
    """Hold the sample's state until the transaction ends; a sample without a flag gets one now."""
    projects_repository.hold_policies(session, access.project)  # the state is worked out by them
    state = repository.lock_state(session, sample_id)
    if state is None:
        queueing.queue_samples(session, access.id, [sample_id])
        state = repository.lock_state(session, sample_id)
    if state is None:
        raise Conflict("The sample is being changed by somebody else. Try again.")
    return state


def check_version(current: ReviewRow | None, base_version: int, reviewer: str) -> None:
    version = current.version if current else 0
    if version != base_version:
        shown = asdict(review_view(current, reviewer)) if current else None
        raise Conflict(
            "Your answer on this sample was changed elsewhere, maybe in another tab. Keep yours or take that one.",
            current=shown,
            current_version=version,
        )


def check_others(session: Session, access: Access, state: SampleState, seen_version: int | None) -> None:
    """Refuse to answer unawares on a sample that somebody else settled since it was looked at."""
    if seen_version is None or state.version == seen_version or state.state == State.OPEN:
        return
    if is_secret_from(session, access, [state.sample_id]):
        return  # to say what others answered on a check sample would give its answer away
    rows = repository.reviews_of_samples(session, [state.sample_id])[state.sample_id]
    others = [(r, name) for r, name in rows if r.reviewer_id != access.actor.user_id and r.status == "submitted"]
    if not others:
        return
    newest, name = max(others, key=lambda pair: pair[0].last_event_id)
    raise Conflict(
        f"{name} answered on this sample while you had it open: {said_in(newest)}. "
        "Keep yours as a second answer, or take theirs.",
        current=asdict(review_view(newest, name)),
        seen_version=state.version,
    )


def said_in(row: ReviewRow) -> str:
    """A review's answer in words."""
    return describe(Decision(row.decision) if row.decision else None, row.new_label)


def work_out(session: Session, access: Access, sample: Sample, given: ReviewInput) -> Outcome:
    sample_id = sample.id
    rows = flags_repository.flags_of_samples(session, [sample_id])[sample_id]
    return settle(
        given,
        flags=[flags_repository.as_flag(row) for row in rows],
        given_label=sample.given_label,
        classes=projects_repository.ClassNames(session, access.id),
        tree=standard_tree(policies_of(access.project).mislabel_threshold),
        taxonomy=Taxonomy(),
    )


def make_payload(given: ReviewInput, outcome: Outcome, lead_time_ms: int) -> dict[str, Any]:
    return {
        "status": given.status.value,
        "decision": outcome.decision.value if outcome.decision else None,
        "new_label": outcome.new_label,
        "tags": list(outcome.tags),
        "note": given.note,
        "answers": [asdict(answer) for answer in given.answers],
        "lead_time_ms": max(0, min(lead_time_ms, 3_600_000)),
    }


def append_event(
    session: Session,
    access: Access,
    state: SampleState,
    kind: str,
    client_event_id: str,
    current: ReviewRow | None,
    payload: dict[str, Any],
) -> tuple[ReviewEvent, ReviewRow]:
    """Add one event to the history and bring review and sample state up to it; return the event and the review."""
    base = current.version if current else 0
    if _is_check(session, state, kind, current):
        payload = {**payload, "is_check": True}
    event = ReviewEvent(
        project_id=access.id, sample_id=state.sample_id, reviewer_id=access.actor.user_id, kind=kind,
        client_event_id=client_event_id, base_version=base, new_version=base + 1, payload=payload,
    )  # fmt: skip
    rows = add_events(session, access, [event], {state.sample_id: current} if current else {})
    return event, rows[0]


def add_events(
    session: Session, access: Access, events: Sequence[ReviewEvent], current: Mapping[int, ReviewRow]
) -> list[ReviewRow]:
    """Add events to the history and bring reviews and states up to them; return the reviews.

    ``current`` has their author's reviews by sample, as they were.
    """
    session.add_all(events)
    session.flush()  # the reviews refer to the events' ids
    rows = [project_review(current.get(event.sample_id), event) for event in events]
    session.add_all(rows)
    session.flush()  # the states are worked out from the reviews in the database
    refresh_states(session, access, [event.sample_id for event in events])
    return rows


def is_secret_from(session: Session, access: Access, sample_ids: Sequence[int]) -> set[int]:
    """Check samples among these, whose state this person is not told."""
    return set() if access.is_lead else checks_repository.check_ids(session, sample_ids)


def settled_checks(session: Session, states: Iterable[SampleState]) -> set[int]:
    """Samples on which a first answer would only tell of its reviewer: check samples that are settled already."""
    settled = [state.sample_id for state in states if state.state != State.OPEN.value]
    return checks_repository.check_ids(session, settled)


def _is_check(session: Session, state: SampleState, kind: str, current: ReviewRow | None) -> bool:
    if kind == "adjudication":
        return False
    return current.is_check if current is not None else bool(settled_checks(session, [state]))


def project_review(current: ReviewRow | None, event: ReviewEvent) -> ReviewRow:
    """Bring the current review of an event's author up to the event."""
    payload = event.payload
    row = current or ReviewRow(
        project_id=event.project_id, sample_id=event.sample_id, reviewer_id=event.reviewer_id,
        is_adjudication=event.kind == "adjudication", is_check=payload.get("is_check", False),
    )  # fmt: skip
    row.status, row.decision, row.new_label = payload["status"], payload["decision"], payload["new_label"]
    row.tags, row.note, row.answers = payload["tags"], payload["note"], payload["answers"]
    row.lead_time_ms, row.version = payload["lead_time_ms"], event.new_version
    row.last_event_id, row.updated_at = event.id, utc_now()
    return row


def refresh_states(session: Session, access: Access, sample_ids: Sequence[int]) -> None:
    """Work out the samples' resolutions from their reviews and bulk decisions, under the project's policies."""
    rule = policies_of(access.project).rule
    found = repository.reviews_of_samples(session, sample_ids)
    states = repository.held_states(session, sample_ids)
    bulk = bulk_repository.bulk_answers(session, sample_ids)
    resolved = [(id_, *resolve_rows(rows, rule, states[id_].needed, bulk.get(id_))) for id_, rows in found.items()]
    repository.set_resolutions(session, resolved)


def resolve_rows(
    rows: Sequence[tuple[ReviewRow, str]], rule: Rule, needed: int, bulk: BulkAnswer | None
) -> tuple[Resolution, int]:
    """One sample's resolution from its reviews with the reviewers' names, and how many are submitted.

    Answers that were given as a check count only where the sample would be open without them, and what a bulk decision
    says of it only where nobody answered at all.
    """
    resolution, submitted = _resolve([pair for pair in rows if not pair[0].is_check], rule, needed)
    if resolution.state is State.OPEN and any(row.is_check for row, _ in rows):
        resolution, submitted = _resolve(rows, rule, needed)
    return (resolution, submitted) if bulk is None or submitted else _resolve(rows, rule, needed, bulk)


def _resolve(
    rows: Sequence[tuple[ReviewRow, str]], rule: Rule, needed: int, bulk: BulkAnswer | None = None
) -> tuple[Resolution, int]:
    reviews = [as_review(row, name) for row, name in rows if not row.is_adjudication]
    settled = [(row, name) for row, name in rows if row.is_adjudication and row.status == "submitted"]
    newest = max(settled, key=lambda pair: pair[0].last_event_id, default=None)
    resolution = resolve(
        reviews,
        min_submitted=needed,
        rule=rule,
        adjudication=as_review(*newest) if newest else None,
        bulk=bulk,
    )
    submitted = sum(review.status is ReviewStatus.SUBMITTED for review in reviews)
    return resolution, submitted


def as_review(row: ReviewRow, name: str) -> Review:
    return Review(
        name, ReviewStatus(row.status), Decision(row.decision) if row.decision else None, row.new_label,
        tuple(row.tags), row.note, row.updated_at,
    )  # fmt: skip


def _kept_before(session: Session, access: Access, event: ReviewEvent) -> Submitted:
    row = repository.find_review(session, event.sample_id, event.reviewer_id)
    state = repository.states_of_samples(session, [event.sample_id])[event.sample_id]
    session.refresh(state)
    if row is None:
        raise Conflict("The answer was kept, but its review is being changed. Reload the page.")
    return Submitted(review_view(row, access.actor.username), state.state, event.id, state.version)
