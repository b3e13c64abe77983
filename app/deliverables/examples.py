"""Which samples stand as examples beside the figures. The choice follows from the content alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from app.deliverables.content import Outcome, VersionContent
from app.deliverables.figures import first_issue, surest
from app.deliverables.leak_figures import LeakFigures, verdict_of
from app.domain.leaks import Verdict
from app.domain.merge import MergeRule
from app.domain.samples import IssueType

Item = TypeVar("Item", bound=Mapping[str, Any])

HOW_CHOSEN = "The surest flags, in turn one of each issue type and class, so that no class fills the row."


@dataclass(frozen=True, slots=True)
class Examples:
    """The samples of each finding, at most so many of each."""

    removed: list[Outcome]
    relabelled: list[Outcome]
    kept: list[Outcome]
    low_quality: list[Outcome]
    leaks: list[Mapping[str, Any]]


def choose_examples(content: VersionContent, leaks: LeakFigures, count: int) -> Examples:
    """Choose ``count`` samples (or pairs) of each finding."""
    outcomes = content.outcomes
    return Examples(
        removed=_spread((o for o in outcomes if o["decision"] == "remove" and not _elsewhere(o)), count),
        relabelled=_spread((o for o in outcomes if o["decision"] == "relabel"), count),
        kept=_spread((o for o in outcomes if o["decision"] == "keep" and o["flags"]), count),
        low_quality=_spread(
            (o for o in outcomes if o["decision"] == "remove" and _is_low_quality(o)),
            count,
            lambda o: " ".join(o["tags"]),
        ),
        leaks=_pairs(leaks, count),
    )


def _is_low_quality(outcome: Outcome) -> bool:
    is_flagged = any(flag["issue_type"] == IssueType.QUALITY for flag in outcome["flags"])
    return is_flagged or any(tag.startswith("low_quality") for tag in outcome["tags"])


def _elsewhere(outcome: Outcome) -> bool:
    """Leaks and low quality have rows of their own."""
    return outcome["rule"] == MergeRule.LEAK_REMOVAL or _is_low_quality(outcome)


def _spread(outcomes: Iterable[Outcome], count: int, kind: Callable[[Outcome], str] = first_issue) -> list[Outcome]:
    """The surest first, of each kind and class in turn."""
    ordered = sorted(outcomes, key=lambda o: (-surest(o), o["split"], o["key"]))
    return _in_turn(ordered, lambda o: o["given_label"], kind, count)


def _pairs(leaks: LeakFigures, count: int) -> list[Mapping[str, Any]]:
    """Confirmed pairs, of each kind of change in turn; candidates where nothing is confirmed."""
    confirmed = [row for row in leaks.pairs if verdict_of(row) == Verdict.CONFIRMED]
    chosen = confirmed or [row for row in leaks.pairs if verdict_of(row) == Verdict.OPEN]
    return _in_turn(chosen, lambda r: r["test_image"], lambda r: r.get("transform") or r["leak_type"], count)


def _in_turn(items: list[Item], one: Callable[[Item], str], other: Callable[[Item], str], count: int) -> list[Item]:
    """The first of each class and of each type before the second of any; else in their own order."""
    seen_one, seen_other = Counter[str](), Counter[str]()
    turns = []
    for place, item in enumerate(items):
        turns.append((seen_one[one(item)] + seen_other[other(item)], place))
        seen_one[one(item)] += 1
        seen_other[other(item)] += 1
    return [items[place] for _, place in sorted(turns)[:count]]
