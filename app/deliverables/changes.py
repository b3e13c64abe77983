"""What differs between two versions: which samples now go, stay or carry another label, and who decided so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TextIO

from app.deliverables.content import Outcome
from app.domain.consensus import describe
from app.domain.formats.csv_lines import exact_writer
from app.domain.taxonomy import Decision


class Change(StrEnum):
    """What became of a sample between two versions, as the dataset shows it."""

    REMOVED = "removed"
    BROUGHT_BACK = "brought_back"
    RELABELLED = "relabelled"
    LABEL_CHANGED = "label_changed"
    LABEL_BROUGHT_BACK = "label_brought_back"

    @property
    def text(self) -> str:
        return _TEXTS[self]


_TEXTS = {
    Change.REMOVED: "removed now",
    Change.BROUGHT_BACK: "no longer removed",
    Change.RELABELLED: "relabelled now",
    Change.LABEL_CHANGED: "relabelled otherwise",
    Change.LABEL_BROUGHT_BACK: "no longer relabelled",
}


@dataclass(frozen=True, slots=True)
class SampleChange:
    """One sample that the two versions treat differently; ``by``, ``rule`` and ``explanation`` are the newer one's."""

    key: str
    split: str
    given_label: str
    change: Change
    before: str
    after: str
    by: tuple[str, ...]
    rule: str
    explanation: str


def compare_outcomes(pairs: Iterable[tuple[Outcome | None, Outcome | None]]) -> list[SampleChange]:
    """The changes among (earlier, later) outcomes of the same sample, by split and key.

    None stands where a version does not know the sample: it stays as it is there. A sample that both treat alike is
    left out, whoever decided it.
    """
    changes = [change for earlier, later in pairs if (change := _compare(earlier, later)) is not None]
    return sorted(changes, key=lambda change: (change.split, change.key))


def _compare(earlier: Outcome | None, later: Outcome | None) -> SampleChange | None:
    sample = later or earlier
    if sample is None:
        return None
    before, after = _effect(earlier), _effect(later)
    kind = _kind(before, after)
    if kind is None:
        return None
    told = later or {}
    return SampleChange(
        sample["key"], sample["split"], sample["given_label"], kind, describe(*before), describe(*after),
        tuple(told.get("by", ())), told.get("rule") or "", told.get("explanation") or "not flagged any more",
    )  # fmt: skip


def _effect(outcome: Outcome | None) -> tuple[Decision, str | None]:
    """What a version does to the sample. An open one is kept: nothing happens to it."""
    if outcome is None or outcome["decision"] is None:
        return Decision.KEEP, None
    return Decision(outcome["decision"]), outcome["new_label"]


def _kind(before: tuple[Decision, str | None], after: tuple[Decision, str | None]) -> Change | None:
    if before == after:
        return None
    if after[0] is Decision.REMOVE:
        return Change.REMOVED
    if before[0] is Decision.REMOVE:
        return Change.BROUGHT_BACK
    if after[0] is Decision.KEEP:
        return Change.LABEL_BROUGHT_BACK
    return Change.RELABELLED if before[0] is Decision.KEEP else Change.LABEL_CHANGED


def count_changes(changes: Iterable[SampleChange]) -> dict[Change, int]:
    counts = Counter(change.change for change in changes)
    return {kind: counts[kind] for kind in Change if counts[kind]}


def changed_policies(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(policy, earlier value, later value) of those that differ."""
    names = sorted({*before, *after})
    return [(n, str(before.get(n)), str(after.get(n))) for n in names if before.get(n) != after.get(n)]


COLUMNS = ("image_id", "split", "original_label", "change", "before", "after", "decided_by", "rule", "explanation")


def write_changes(stream: TextIO, changes: Sequence[SampleChange]) -> int:
    """The changes as CSV; open the stream with ``newline=""``."""
    writer = exact_writer(stream)
    writer.writerow(COLUMNS)
    for c in changes:
        row = (c.key, c.split, c.given_label, c.change.value, c.before, c.after, ",".join(c.by), c.rule, c.explanation)
        writer.writerow(row)
    return len(changes)
