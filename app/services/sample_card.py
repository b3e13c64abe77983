"""Everything a reviewer sees of one sample, gathered in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.adapters.datasets.image_bytes import image_size
from app.db.models.bulk import BulkEvent
from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import ReviewRow, SampleState
from app.db.repositories import bulk as bulk_repository
from app.db.repositories import flags as flags_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories.express_cards import CardFacts, FlagFacts
from app.db.repositories.sources import Places
from app.db.session import Session
from app.domain.consensus import describe
from app.domain.decision_tree import standard_tree
from app.domain.reviews import suggested_label
from app.domain.sources import ImagePlace
from app.domain.taxonomy import Decision
from app.services.class_examples import ClassExamples, ExampleView
from app.services.comments import CommentView, comments_of_samples
from app.services.others_answers import SampleView, sample_views
from app.services.picture_urls import image_url, thumb_url
from app.services.projects import Access, policies_of
from app.services.sample_pairs import PairView, find_pairs


@dataclass(frozen=True)
class FlagView:
    id: int
    issue_type: str
    raw_issue_type: str
    confidence: float | None
    suggested_label: str | None
    reason: str | None
    source: str
    group: str | None


@dataclass(frozen=True)
class ReviewView:
    reviewer: str
    status: str
    decision: str | None
    new_label: str | None
    tags: list[str]
    note: str
    answers: list[dict[str, Any]]
    version: int
    updated_at: datetime


@dataclass(frozen=True)
class HistoryView:
    at: datetime
    reviewer: str
    text: str


@dataclass(frozen=True)
class SampleCard:
    id: int
    key: str
    split: str
    given_label: str
    width: int | None
    height: int | None
    bytes: int | None
    image_url: str
    thumb_url: str
    flags: list[FlagView]
    suggested_label: str | None
    confidence: float | None
    branches: list[str]
    review: ReviewView | None
    others: list[ReviewView] | None
    state: str
    version: int
    examples: dict[str, list[ExampleView]]
    pairs: list[PairView]
    history: list[HistoryView]
    comments: list[CommentView] | None
    image_error: str | None = None
    image_id: str | None = None
    box: list[float] | None = None


def make_cards(session: Session, access: Access, ids: Sequence[int]) -> list[SampleCard]:
    """Make the cards of these samples, in this order. Others' answers stay hidden until one's own is in."""
    samples = projects_repository.samples_by_id(session, ids)
    flags = flags_repository.flags_of_samples(session, ids)
    reviews = reviews_repository.reviews_of_samples(session, ids)
    states = reviews_repository.states_of_samples(session, ids)
    pairs = find_pairs(session, access.project, flags)
    examples = ClassExamples(
        session.get_bind(), access.id,
        lambda label: projects_repository.examples(session, access.id, label, without=0, count=4),
    )  # fmt: skip
    views = sample_views(session, access, ids, reviews)
    comments = comments_of_samples(session, access, ids, views)
    places = Places(session, access.id)
    return [
        build_card(
            access, samples[id_], places(samples[id_]), flags[id_], views[id_], states.get(id_), pairs[id_], examples,
            comments[id_],
        )
        for id_ in ids
    ]  # fmt: skip


def get_card(session: Session, access: Access, sample_id: int) -> SampleCard:
    """One sample's card with its history, where others' steps may be seen."""
    projects_repository.get_sample(session, access.id, sample_id)
    card = make_cards(session, access, [sample_id])[0]
    events = reviews_repository.events_of_sample(session, sample_id)
    view = sample_views(session, access, [sample_id], reviews_repository.reviews_of_samples(session, [sample_id]))
    shows = view[sample_id].shows_others
    shown = [(e, name) for e, name in events if shows or name == access.actor.username]
    history = [HistoryView(e.created_at, name, _event_text(e.kind, e.payload)) for e, name in shown]
    in_bulk = _bulk_history(session, sample_id) if shows else []
    return _with_history(card, sorted([*history, *in_bulk], key=lambda step: step.at))


def _bulk_history(session: Session, sample_id: int) -> list[HistoryView]:
    steps = bulk_repository.steps_of_sample(session, sample_id)
    return [HistoryView(event.created_at, name, _bulk_text(event, label)) for event, name, label in steps]


def _bulk_text(event: BulkEvent, new_label: str | None) -> str:
    if event.kind == "revoke":
        return f"took bulk decision {event.bulk_id} back: {event.payload['reason']}"
    return f"in bulk ({event.bulk_id}): {describe(Decision(event.payload['decision']), new_label)}"


def _with_history(card: SampleCard, history: list[HistoryView]) -> SampleCard:
    return SampleCard(**{**card.__dict__, "history": history})


def _event_text(kind: str, payload: dict[str, Any]) -> str:
    if payload.get("status") == "skipped":
        said = "skipped"
    elif payload.get("status") == "submitted":
        decision = payload.get("decision")
        said = describe(Decision(decision) if decision else None, payload.get("new_label"))
    else:
        said = "no answer"
    words = {"review": said, "adjudication": f"settled: {said}"}
    return words.get(kind, f"{kind}: {said}")


def build_card(
    access: Access,
    sample: Sample | CardFacts,
    place: ImagePlace,
    flags: Sequence[FlagRow | FlagFacts],
    view: SampleView,
    state: SampleState | CardFacts | None,
    pairs: list[PairView],
    examples: ClassExamples,
    comments: list[CommentView] | None,
) -> SampleCard:
    policies = policies_of(access.project)
    domain_flags = [flags_repository.as_flag(flag) for flag in flags]
    suggestion = suggested_label(domain_flags)
    others = None if view.others is None else [review_view(row, name) for row, name in view.others]
    confidences = [flag.confidence for flag in flags if flag.confidence is not None]
    return SampleCard(
        id=sample.id,
        key=sample.key,
        split=sample.split,
        given_label=sample.given_label,
        width=None,
        height=None,
        bytes=image_size(place),
        image_url=image_url(sample.id),
        thumb_url=thumb_url(sample.id),
        flags=[flag_view(flag) for flag in flags],
        suggested_label=suggestion,
        confidence=max(confidences, default=None),
        branches=standard_tree(policies.mislabel_threshold).branches(domain_flags),
        review=review_view(view.mine, access.actor.username) if view.mine else None,
        others=others,
        state=state.state if state and not view.is_secret else "open",
        version=state.version if state and not view.is_secret else 0,
        examples={
            "given": examples.of(sample.given_label, sample.id),
            "suggested": examples.of(suggestion, sample.id),
        },
        pairs=pairs,
        history=[],
        comments=comments,
        image_id=sample.image_id,
        box=sample.box,
    )


def flag_view(flag: FlagRow | FlagFacts) -> FlagView:
    return FlagView(
        flag.id, flag.issue_type, flag.raw_issue_type, flag.confidence, flag.suggested_label, flag.reason,
        flag.source, flag.group,
    )  # fmt: skip


def review_view(row: ReviewRow, name: str) -> ReviewView:
    return ReviewView(
        name, row.status, row.decision, row.new_label, row.tags, row.note, row.answers, row.version, row.updated_at
    )
