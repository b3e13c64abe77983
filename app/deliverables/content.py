"""What a version's files are made from. Nothing here reads a database: the same content gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from app.domain.agreement import Agreement
from app.domain.checks import SizeChange, sizes_by_class, sizes_by_split
from app.domain.consensus import How, Rule, State
from app.domain.merge import LeakSide, MergedSample, MergeRule, Policies
from app.domain.taxonomy import Decision

Outcome = dict[str, Any]
"""One sample's outcome as it was frozen: the fields of ``MergedSample``, its flags, reviewers, notes and times."""


@dataclass(frozen=True)
class VersionContent:
    """A frozen version: the snapshot, one outcome a sample by split and key, and the history until then."""

    snapshot: Mapping[str, Any]
    outcomes: Sequence[Outcome]
    number: int
    created_at: datetime
    note: str
    digest: str
    events: Sequence[Mapping[str, Any]]

    @property
    def dataset(self) -> str:
        return str(self.snapshot["dataset"])

    @property
    def author(self) -> str:
        return str(self.snapshot["author"])

    @property
    def frozen_at(self) -> str:
        return self.created_at.strftime("%Y-%m-%d %H:%M UTC")

    @property
    def class_sizes(self) -> dict[tuple[str, str], int]:
        """Samples before cleaning per (split, label)."""
        return {(split, label): count for split, label, count in self.snapshot["class_sizes"]}

    @property
    def classes(self) -> dict[str, int]:
        """Index of each class name."""
        return dict(self.snapshot["classes"])

    @property
    def splits(self) -> list[str]:
        return sorted({split for split, _ in self.class_sizes})

    @property
    def policies(self) -> Policies:
        raw = self.snapshot["policies"]
        return Policies(**{**raw, "rule": Rule(raw["rule"]), "leak_side": LeakSide(raw["leak_side"])})

    @cached_property
    def merged(self) -> list[MergedSample]:
        """The outcomes as the rules of merging made them."""
        return [_merged(outcome) for outcome in self.outcomes]

    @cached_property
    def by_split(self) -> list[SizeChange]:
        return sizes_by_split(self.merged, self.class_sizes)

    @cached_property
    def by_class(self) -> list[SizeChange]:
        return sizes_by_class(self.merged, self.class_sizes)

    @property
    def agreement(self) -> Agreement | None:
        """Figures of the reviewers' agreement; None for versions of before they were kept beside the text."""
        raw = self.snapshot.get("agreement_figures")
        if raw is None:
            return None
        return Agreement(raw["shared"], raw["alpha"], {(one, other): kappa for one, other, kappa in raw["kappas"]})

    @property
    def bare_splits(self) -> list[str]:
        """Splits whose lists name images by their id alone; elsewhere an id is the sample's key."""
        return list(self.snapshot.get("bare_splits", ()))

    @property
    def has_combined_lists(self) -> bool:
        """Whether one list can name the images of all splits: not where an id occurs in two of them."""
        return not self.snapshot.get("repeated_ids", False)

    def list_id(self, outcome: Outcome) -> str:
        """What lists call a sample: in a split of bare ids its key without the split."""
        key, split = outcome["key"], outcome["split"]
        return str(key).removeprefix(f"{split}/") if split in self._bare else str(key)

    @cached_property
    def _bare(self) -> frozenset[str]:
        return frozenset(self.bare_splits)

    def chosen(self, decision: Decision, split: str | None) -> list[Outcome]:
        """The outcomes with this decision, of one split or of all."""
        return [o for o in self.outcomes if o["decision"] == decision.value and split in (None, o["split"])]


def _merged(o: Outcome) -> MergedSample:
    return MergedSample(
        o["key"], o["split"], o["given_label"], State(o["state"]), Decision(o["decision"]) if o["decision"] else None,
        o["new_label"], tuple(o["tags"]), How(o["how"]) if o["how"] else None, tuple(o["by"]),
        MergeRule(o["rule"]) if o["rule"] else None, o["explanation"], tuple(o["conflicts"]),
    )  # fmt: skip
