"""The figures that the report and the slides show, counted once from a version's content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.deliverables.content import Outcome, VersionContent
from app.domain.bulk import wilson
from app.domain.checks import SizeChange
from app.domain.merge import MergeRule
from app.domain.precision import is_borne_out
from app.domain.samples import IssueType
from app.domain.taxonomy import Decision

OUTCOMES = ("remove", "relabel", "keep", "open", "conflict")
"""What becomes of a sample, in the order in which every plot and table has it."""

OUTCOME_WORDS = {
    "remove": "removed", "relabel": "relabelled", "keep": "kept", "open": "open", "conflict": "in conflict",
}  # fmt: skip

SETTLED_BY = (
    "one reviewer",
    "several reviewers",
    "a lead",
    "a confirmed leak",
    "a bulk decision",
    "a suggestion",
    "nobody yet",
)
"""Who or what settled a sample, in the order of the flow."""

_UNSEEN = frozenset({MergeRule.BULK.value, MergeRule.SUGGESTION.value})
"""Rules that settle samples which nobody looked at one by one."""

_SETTLERS = {
    MergeRule.ADJUDICATED: "a lead", MergeRule.LEAK_REMOVAL: "a confirmed leak", MergeRule.BULK: "a bulk decision",
    MergeRule.SUGGESTION: "a suggestion",
}  # fmt: skip

LEAK_SEARCH = "leak search"
"""Where a sample comes from that no detector flagged."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How often the flags of one type were right, with the 95 % Wilson interval. ``left_out`` were not judged."""

    issue_type: str
    decided: int
    right: int
    low: float
    high: float
    left_out: int

    @property
    def share(self) -> float:
        return self.right / self.decided if self.decided else 0.0


@dataclass(frozen=True)
class Relabels:
    """How many samples went from one class to another."""

    from_label: str
    to_label: str
    count: int
    share_of_class: float


class Figures:
    """Counted when they are first asked for: each walks over all outcomes."""

    def __init__(self, content: VersionContent) -> None:
        self.content = content

    @cached_property
    def total(self) -> SizeChange:
        """All splits together."""
        parts = self.content.by_split
        sums = (sum(getattr(c, name) for c in parts) for name in ("before", "removed", "relabelled_away"))
        before, removed, moved = sums
        return SizeChange("all", before, removed, moved, moved)

    @cached_property
    def outcomes(self) -> dict[str, int]:
        counts = Counter(outcome_of(o) for o in self.content.outcomes)
        return {name: counts[name] for name in OUTCOMES}

    @property
    def flagged(self) -> int:
        return len(self.content.outcomes)

    @property
    def settled(self) -> int:
        return self.flagged - self.outcomes["open"] - self.outcomes["conflict"]

    @property
    def reviewed(self) -> int:
        return int(self.content.snapshot["reviewed"])

    @property
    def flags(self) -> int:
        return sum(self.content.snapshot["issues"].values())

    @cached_property
    def flow(self) -> Counter[tuple[str, str, str]]:
        """Samples by (issue type of the surest flag, settled by, outcome)."""
        return Counter((first_issue(o), settled_by(o), outcome_of(o)) for o in self.content.outcomes)

    @cached_property
    def by_issue(self) -> dict[str, dict[str, int]]:
        """Samples by issue type and outcome; a sample with flags of two types counts in both."""
        counts = Counter((issue, outcome_of(o)) for o in self.content.outcomes for issue in issues_of(o))
        known = [*(issue.value for issue in IssueType), LEAK_SEARCH]
        found = {issue for issue, _ in counts}
        return {issue: {name: counts[issue, name] for name in OUTCOMES} for issue in known if issue in found}

    @cached_property
    def precision(self) -> list[Precision]:
        """By issue type, over flags on samples that people settled one by one: no other rule is evidence for itself."""
        right, decided, all_flags = Counter[str](), Counter[str](), Counter[str]()
        for outcome in self.content.outcomes:
            for flag in outcome["flags"]:
                issue = flag["issue_type"]
                all_flags[issue] += 1
                if outcome["decision"] and outcome["rule"] not in _UNSEEN:
                    decided[issue] += 1
                    right[issue] += is_borne_out(IssueType(issue), Decision(outcome["decision"]))
        return [
            Precision(i, decided[i], right[i], *wilson(right[i], decided[i]), all_flags[i] - decided[i])
            for i in IssueType
            if all_flags[i]
        ]

    @cached_property
    def changed_classes(self) -> list[SizeChange]:
        """Classes that change, those that change most first."""
        changed = [c for c in self.content.by_class if _moves(c)]
        return sorted(changed, key=lambda c: (-_moves(c), c.name))

    @cached_property
    def relabels(self) -> list[Relabels]:
        """From which class to which, the most frequent first."""
        counts = Counter(
            (o["given_label"], o["new_label"])
            for o in self.content.outcomes
            if o["decision"] == Decision.RELABEL and o["new_label"]
        )
        sizes = {change.name: change.before for change in self.content.by_class}
        found = [Relabels(a, b, n, n / sizes[a] if sizes.get(a) else 0.0) for (a, b), n in counts.items()]
        return sorted(found, key=lambda r: (-r.count, r.from_label, r.to_label))

    @cached_property
    def rules(self) -> dict[str, int]:
        """Samples by the rule that settled them, the strongest first, and those of which several people said why."""
        counts = Counter(o["rule"] for o in self.content.outcomes)
        return {rule.value: counts[rule.value] for rule in MergeRule}

    @cached_property
    def conflicts(self) -> list[tuple[Outcome, str]]:
        return [(o, text) for o in self.content.outcomes for text in o["conflicts"]]

    @cached_property
    def tags(self) -> list[tuple[str, int]]:
        counts = Counter(tag for o in self.content.outcomes for tag in o["tags"])
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    @cached_property
    def shared(self) -> dict[str, int]:
        """What became of the samples that two or more people answered."""
        counts = Counter(_ending(o) for o in self.content.outcomes if len(o["reviewers"]) > 1)
        order = ("all agreed", "the majority counted", "a lead settled it", "a leak settled it", "still in conflict")
        return {name: counts[name] for name in order if counts[name]}


def outcome_of(outcome: Outcome) -> str:
    return outcome["decision"] or ("conflict" if outcome["state"] == "conflict" else "open")


def issues_of(outcome: Outcome) -> Sequence[str]:
    """Issue types of its flags, the surest first; what no detector flagged came from the leak search."""
    flags = sorted(outcome["flags"], key=lambda f: -(f["confidence"] if f["confidence"] is not None else -1.0))
    return list(dict.fromkeys(str(flag["issue_type"]) for flag in flags)) or [LEAK_SEARCH]


def first_issue(outcome: Outcome) -> str:
    return issues_of(outcome)[0]


def settled_by(outcome: Outcome) -> str:
    if outcome["rule"] is None:
        return "nobody yet"
    if outcome["rule"] == MergeRule.CONSENSUS:
        return "one reviewer" if outcome["how"] == "sole" else "several reviewers"
    return _SETTLERS[MergeRule(outcome["rule"])]


def surest(outcome: Outcome) -> float:
    return max((f["confidence"] for f in outcome["flags"] if f["confidence"] is not None), default=-1.0)


def histogram(values: Sequence[float], low: float, high: float, bins: int) -> list[int]:
    """Counts of ``bins`` equal stretches from ``low`` to ``high``; what lies outside counts at the end."""
    counts = [0] * bins
    for value in values:
        place = int((value - low) / (high - low) * bins) if high > low else 0
        counts[min(max(place, 0), bins - 1)] += 1
    return counts


def edges(low: float, high: float, bins: int) -> Iterator[tuple[float, float]]:
    step = (high - low) / bins
    for i in range(bins):
        yield low + i * step, low + (i + 1) * step


def _moves(change: SizeChange) -> int:
    return change.removed + change.relabelled_away + change.relabelled_in


def _ending(outcome: Outcome) -> str:
    by_rule = {MergeRule.ADJUDICATED: "a lead settled it", MergeRule.LEAK_REMOVAL: "a leak settled it"}
    if outcome["rule"] in by_rule:
        return by_rule[MergeRule(outcome["rule"])]
    if outcome["how"] == "majority":
        return "the majority counted"
    return "still in conflict" if outcome["state"] != "resolved" else "all agreed"
