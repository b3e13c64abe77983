"""Merging: reviews and confirmed leaks become one outcome a sample, with every rule that was applied.

Rules, the stronger first: a lead's adjudication, removal of a confirmed leak, the reviewers' consensus, a bulk
decision, and last, where the project wants it, a flag's own suggestion for what nobody looked at. A weaker rule that
would have said something else is recorded as a conflict that the stronger one settled; it never disappears. The
functions here are pure: the same input in any order gives the same outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from app.domain.consensus import How, Resolution, Rule, State, describe
from app.domain.samples import Flag, IssueType
from app.domain.taxonomy import STANDARD_TAGS, Decision

LEAK_TAG = "train_test_leak"

T = TypeVar("T")


class LeakSide(StrEnum):
    """Which side of a confirmed leak goes."""

    TEST = "test"
    TRAIN = "train"
    BOTH = "both"


class MergeRule(StrEnum):
    """The rules in the order in which they count."""

    ADJUDICATED = "adjudicated"
    LEAK_REMOVAL = "leak_removal"
    CONSENSUS = "consensus"
    BULK = "bulk"
    SUGGESTION = "suggestion"


@dataclass(frozen=True, slots=True)
class Policies:
    """How a project wants its reviews and leaks merged. Shares and thresholds are fractions in 0..1.

    ``overlap_share`` of the samples needs two reviews, so that agreement can be measured; ``check_share`` of what a
    reviewer gets are check samples, whose answer is known. From ``suggestion_threshold`` on, the label that a mislabel
    flag suggests counts for a sample that nobody answered on; None lets no suggestion count unseen.
    """

    min_submitted: int = 1
    rule: Rule = Rule.UNANIMOUS
    leak_side: LeakSide = LeakSide.TEST
    max_class_share: float = 0.1
    mislabel_threshold: float = 0.9
    blind: bool = True
    overlap_share: float = 0.0
    check_share: float = 0.0
    suggestion_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class ConfirmedLeak:
    """A pair that people confirmed; the sides are sample keys."""

    train_image: str
    test_image: str
    confirmed_by: str


@dataclass(frozen=True, slots=True)
class SampleCase:
    """All that is known of one sample that was flagged or leaks. ``leaks`` are those in which it must go.

    ``suggestion`` is the new label that counts where nobody answered (``suggestion_of``).
    """

    key: str
    split: str
    given_label: str
    flags: tuple[Flag, ...]
    resolution: Resolution
    leaks: tuple[ConfirmedLeak, ...] = ()
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class MergedSample:
    """One sample's outcome. ``decision`` is None while it is open or in conflict: it then stays as it is."""

    key: str
    split: str
    given_label: str
    state: State
    decision: Decision | None
    new_label: str | None
    tags: tuple[str, ...]
    how: How | None
    by: tuple[str, ...]
    rule: MergeRule | None
    explanation: str
    conflicts: tuple[str, ...]


def merge(cases: Iterable[SampleCase]) -> list[MergedSample]:
    """Merge every case, sorted by split and key."""
    return sorted((merge_sample(case) for case in cases), key=lambda merged: (merged.split, merged.key))


def merge_sample(case: SampleCase) -> MergedSample:
    resolution = case.resolution
    if resolution.how is How.ADJUDICATED:
        return _by_review(case, MergeRule.ADJUDICATED, _overruled_leaks(case))
    if case.leaks:
        return _by_leak(case)
    if resolution.state is State.RESOLVED:
        rule = MergeRule.BULK if resolution.how is How.BULK else MergeRule.CONSENSUS
        return _by_review(case, rule, ())
    if resolution.state is State.OPEN and case.suggestion is not None:
        return _by_suggestion(case, case.suggestion)
    open_conflicts = (resolution.reason,) if resolution.state is State.CONFLICT else ()
    return MergedSample(
        case.key, case.split, case.given_label, resolution.state, None, None, (), None, (), None,
        resolution.reason or "not reviewed yet", open_conflicts,
    )  # fmt: skip


def _by_review(case: SampleCase, rule: MergeRule, conflicts: tuple[str, ...]) -> MergedSample:
    resolution = case.resolution
    text = f"{describe(resolution.decision, resolution.new_label)}, {_how_text(resolution)}"
    return MergedSample(
        case.key, case.split, case.given_label, State.RESOLVED, resolution.decision, resolution.new_label,
        resolution.tags, resolution.how, resolution.by, rule, text, (*_overruled_reviews(resolution), *conflicts),
    )  # fmt: skip


def _by_suggestion(case: SampleCase, label: str) -> MergedSample:
    text = f"{describe(Decision.RELABEL, label)}, suggested by a flag; nobody looked at it"
    return MergedSample(
        case.key, case.split, case.given_label, State.RESOLVED, Decision.RELABEL, label, (), How.RULE, (),
        MergeRule.SUGGESTION, text, (),
    )  # fmt: skip


def suggestion_of(flags: Iterable[Flag], given_label: str, threshold: float | None) -> str | None:
    """The label that the surest mislabel flag suggests, where it is sure enough and says another label at all."""
    if threshold is None:
        return None
    sure = [
        flag
        for flag in flags
        if flag.issue_type is IssueType.MISLABEL and flag.suggested_label and (flag.confidence or 0.0) >= threshold
    ]
    best = max(sure, key=lambda flag: (flag.confidence or 0.0, flag.suggested_label or ""), default=None)
    return best.suggested_label if best is not None and best.suggested_label != given_label else None


def _overruled_reviews(resolution: Resolution) -> tuple[str, ...]:
    """Reviews that a majority outvoted or a lead overruled."""
    if resolution.state is not State.RESOLVED or not resolution.reason:
        return ()
    return (f"{resolution.reason}; settled by {resolution.how}",)


def _how_text(resolution: Resolution) -> str:
    names = ", ".join(resolution.by)
    words = {How.SOLE: "by", How.ADJUDICATED: "settled by", How.BULK: "in bulk by"}
    how = resolution.how
    return f"{words[how]} {names}" if how in words else f"{how} of {names}"


def _by_leak(case: SampleCase) -> MergedSample:
    by = tuple(sorted({leak.confirmed_by for leak in case.leaks}))
    others = sorted({leak.train_image if leak.test_image == case.key else leak.test_image for leak in case.leaks})
    text = f"same picture as {_first_of(others)}, confirmed by {', '.join(by)}"
    resolution = case.resolution
    conflicts = (*_overruled_reviews(resolution), *_overruled_outcome(resolution))
    tags = tuple(sorted({LEAK_TAG, *_removal_tags(resolution.tags)}))
    return MergedSample(
        case.key, case.split, case.given_label, State.RESOLVED, Decision.REMOVE, None, tags, How.RULE, by,
        MergeRule.LEAK_REMOVAL, text, conflicts,
    )  # fmt: skip


def _overruled_outcome(resolution: Resolution) -> tuple[str, ...]:
    """What reviewers came to, where it is not the removal that their leak asks for."""
    if resolution.state is State.CONFLICT:
        return (f"{resolution.reason}; settled by {MergeRule.LEAK_REMOVAL}",)
    if resolution.state is State.RESOLVED and resolution.decision is not Decision.REMOVE:
        said = describe(resolution.decision, resolution.new_label)
        did = "decided in bulk" if resolution.how is How.BULK else "reviewed"
        return (f"{did} as {said} by {', '.join(resolution.by)}; settled by {MergeRule.LEAK_REMOVAL}",)
    return ()


def _removal_tags(tags: Iterable[str]) -> list[str]:
    """Keep the tags that do not stand for another decision than remove."""
    implied = {tag.name: tag.implies for tag in STANDARD_TAGS}
    return [tag for tag in tags if implied.get(tag) in (None, Decision.REMOVE)]


def _overruled_leaks(case: SampleCase) -> tuple[str, ...]:
    if not case.leaks or case.resolution.decision is Decision.REMOVE:
        return ()
    others = sorted({leak.train_image if leak.test_image == case.key else leak.test_image for leak in case.leaks})
    return (f"confirmed leak with {_first_of(others)}; settled by {MergeRule.ADJUDICATED}",)


def _first_of(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{keys[0]} and {len(keys) - 1} more"


def leaving(leak: ConfirmedLeak, side: LeakSide) -> tuple[str, ...]:
    """Name the sample keys that a confirmed leak removes under this policy."""
    return sides_that_go(leak.train_image, leak.test_image, side)


def sides_that_go(train: T, test: T, side: LeakSide) -> tuple[T, ...]:
    """Which of a leak's two images the policy removes, whatever they are named by."""
    if side is LeakSide.BOTH:
        return (train, test)
    return (test,) if side is LeakSide.TEST else (train,)


def is_leak(train_split: str, test_split: str) -> bool:
    """Whether a pair of one shot is a leak. One inside a split is a duplicate: no rule removes it, reviewers do."""
    return train_split != test_split
