"""From the reviews of one sample to its resolution, or to a conflict for a lead to settle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from app.domain.reviews import Review, ReviewStatus
from app.domain.taxonomy import Decision


class Rule(StrEnum):
    """How several reviews of one sample come to one answer."""

    UNANIMOUS = "unanimous"
    MAJORITY = "majority"


class State(StrEnum):
    """Where a flagged sample stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    CONFLICT = "conflict"


class How(StrEnum):
    """How a resolution came about."""

    SOLE = "sole"
    UNANIMOUS = "unanimous"
    MAJORITY = "majority"
    ADJUDICATED = "adjudicated"
    RULE = "rule"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """What a bulk decision says of one sample, and who applied it."""

    decision: Decision
    new_label: str | None
    tags: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """What counts for a sample. ``reason`` says why it is open or in conflict; where it is resolved, it names the
    reviews that were outvoted or overruled. ``dissent`` counts the different answers beside the first."""

    state: State
    decision: Decision | None = None
    new_label: str | None = None
    tags: tuple[str, ...] = ()
    how: How | None = None
    by: tuple[str, ...] = ()
    reason: str = ""
    dissent: int = 0


def resolve(
    reviews: Iterable[Review],
    *,
    min_submitted: int,
    rule: Rule,
    adjudication: Review | None = None,
    bulk: BulkAnswer | None = None,
) -> Resolution:
    """Come to one answer. The order of ``reviews`` does not matter.

    A lead's adjudication counts over everything. A submitted review without a decision asks for discussion and is
    a conflict by itself; so is an adjudication without one. A bulk decision counts only where nobody answered.
    """
    submitted = sorted((r for r in reviews if r.status is ReviewStatus.SUBMITTED), key=lambda r: r.reviewer)
    if bulk is not None and adjudication is None and not submitted:
        return Resolution(State.RESOLVED, bulk.decision, bulk.new_label, bulk.tags, How.BULK, (bulk.by,))
    resolution = _resolve(submitted, min_submitted, rule, adjudication)
    return replace(resolution, dissent=max(0, len({_position(r) for r in submitted}) - 1))


def _resolve(submitted: list[Review], min_submitted: int, rule: Rule, adjudication: Review | None) -> Resolution:
    if adjudication is not None:
        return _adjudicated(adjudication, submitted)
    if any(review.decision is None for review in submitted):
        return Resolution(State.CONFLICT, reason=_uncertain_reason(submitted))
    positions = Counter(_position(r) for r in submitted)
    if len(positions) > 1:
        return _disputed(submitted, positions, rule, min_submitted)
    if len(submitted) < max(1, min_submitted):
        return Resolution(State.OPEN, reason=f"{len(submitted)} of {max(1, min_submitted)} reviews")
    return _settled(submitted, How.SOLE if len(submitted) == 1 else How.UNANIMOUS)


def _adjudicated(adjudication: Review, submitted: list[Review]) -> Resolution:
    if adjudication.decision is None:
        reasons = [_uncertain_reason([adjudication]), _dispute_reason(submitted)]
        return Resolution(State.CONFLICT, reason="; ".join(reason for reason in reasons if reason))
    overruled = [r for r in submitted if _position(r) != _position(adjudication)]
    return _settled([adjudication], How.ADJUDICATED, overruled)


def _position(review: Review) -> tuple[Decision | None, str | None]:
    return review.decision, review.new_label


def _disputed(
    submitted: list[Review],
    positions: Counter[tuple[Decision | None, str | None]],
    rule: Rule,
    min_submitted: int,
) -> Resolution:
    position, count = positions.most_common(1)[0]
    if rule is Rule.MAJORITY and len(submitted) < min_submitted:
        return Resolution(State.OPEN, reason=f"{len(submitted)} of {min_submitted} reviews")
    if rule is Rule.MAJORITY and count * 2 > len(submitted):
        outvoted = [r for r in submitted if _position(r) != position]
        return _settled([r for r in submitted if _position(r) == position], How.MAJORITY, outvoted)
    return Resolution(State.CONFLICT, reason=_dispute_reason(submitted))


def _settled(reviews: list[Review], how: How, against: Iterable[Review] = ()) -> Resolution:
    tags = tuple(sorted({tag for review in reviews for tag in review.tags}))
    names = tuple(review.reviewer for review in reviews)
    reason = _dispute_reason(against)
    return Resolution(State.RESOLVED, reviews[0].decision, reviews[0].new_label, tags, how, names, reason)


def _uncertain_reason(reviews: list[Review]) -> str:
    names = ", ".join(review.reviewer for review in reviews if review.decision is None)
    return f"{names} asked for discussion"


def _dispute_reason(reviews: Iterable[Review]) -> str:
    return "; ".join(f"{r.reviewer}: {describe(r.decision, r.new_label)}" for r in reviews)


def describe(decision: Decision | None, new_label: str | None) -> str:
    """A decision in words: ``keep``, ``relabel to goldfish``, ``discuss``."""
    if decision is None:
        return "discuss"
    return f"relabel to {new_label}" if decision is Decision.RELABEL and new_label else decision.value
