"""Samples on which reviewers disagree, and the lead's answer that settles one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import reviews as repository
from app.db.repositories.sample_filter import SampleFilter
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.errors import Conflict, NotAllowed
from app.domain.reviews import ReviewInput
from app.services import audit
from app.services.others_answers import sample_views
from app.services.projects import Access
from app.services.sample_card import SampleCard, make_cards
from app.services.submit_review import append_event, lock_sample, make_payload, repeated_event, work_out

PAGE = 20


@dataclass(frozen=True)
class Answer:
    reviewer: str
    decision: str | None
    new_label: str | None
    tags: list[str]
    note: str
    submitted_at: datetime


@dataclass(frozen=True)
class Position:
    """One answer that somebody gave, and who gave it."""

    decision: str
    new_label: str | None
    reviewers: list[str]


@dataclass(frozen=True)
class ConflictView:
    sample: SampleCard
    reviews: list[Answer]
    reason: str

    @property
    def positions(self) -> list[Position]:
        """What a lead can take over as it is: the decisions that were made, those of most people first."""
        found: dict[tuple[str, str | None], list[str]] = {}
        for review in self.reviews:
            if review.decision is not None:
                found.setdefault((review.decision, review.new_label), []).append(review.reviewer)
        return [Position(*said, names) for said, names in sorted(found.items(), key=lambda item: -len(item[1]))]


@dataclass(frozen=True)
class Settled:
    """A sample's state after a lead's decision, and the version to go on from."""

    state: str
    version: int


@dataclass(frozen=True)
class ConflictPage:
    rows: list[ConflictView]
    total: int
    next_cursor: int | None


def list_conflicts(session: Session, access: Access, after: int = 0) -> ConflictPage:
    """Conflicts by sample, a page at a time. Where reviewing is blind, a reviewer sees answers once theirs is in."""
    ids = repository.conflict_ids(session, access.id, after, PAGE + 1)
    shown = ids[:PAGE]
    states = repository.states_of_samples(session, shown)
    reviews = repository.reviews_of_samples(session, shown)
    cards = make_cards(session, access, shown)
    views = sample_views(session, access, shown, reviews)
    rows = [
        ConflictView(
            card,
            [
                Answer(name, r.decision, r.new_label, r.tags, r.note, r.updated_at)
                for r, name in reviews[card.id]
                if r.status == "submitted" and views[card.id].shows_others
            ],
            states[card.id].reason if views[card.id].shows_others else "Others answered; you have not yet.",
        )
        for card in cards
    ]
    counts = queue_repository.count_states(session, access.id, SampleFilter())
    return ConflictPage(rows, counts.get("conflict", 0), shown[-1] if len(ids) > PAGE else None)


def adjudicate(
    session: Session, access: Access, sample_id: int, given: ReviewInput, *, client_event_id: str, base_version: int
) -> Settled:
    """Settle a sample, or (no decision) open it again. ``base_version`` is that of the state which the lead saw.

    Raises:
        NotAllowed: only leads settle.
        Conflict: the sample changed meanwhile.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Settling a conflict needs the role lead.")
    sample = projects_repository.get_sample(session, access.id, sample_id)
    state = lock_sample(session, access, sample_id)
    if repeated_event(session, access, sample_id, client_event_id, "adjudication") is not None:
        return Settled(state.state, state.version)
    if state.version != base_version:
        raise Conflict(
            "Somebody answered on this sample since you opened it. Look at it again.", current_version=state.version
        )
    outcome = work_out(session, access, sample, given)
    current = repository.find_review(session, sample_id, access.actor.user_id, adjudication=True)
    payload = make_payload(given, outcome, 0)
    append_event(session, access, state, "adjudication", client_event_id, current, payload)
    audit.record(session, "adjudicated", user_id=access.actor.user_id, project_id=access.id, sample=sample_id)
    session.refresh(state)
    return Settled(state.state, state.version)
