"""The cleaning summary: what was done to a dataset, in figures, as text that a paper can quote from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from app.domain.checks import SizeChange
from app.domain.consensus import State
from app.domain.merge import MergedSample, MergeRule, Policies
from app.domain.taxonomy import Decision


@dataclass(frozen=True)
class SummaryInput:
    """Everything the summary tells. ``issues`` counts flags by type; ``leaks`` counts pairs by verdict.

    ``bulk`` says of each bulk decision what it was for, on what proof, and who applied it.
    """

    dataset: str
    version: int
    frozen_at: str
    author: str
    policies: Policies
    by_split: Sequence[SizeChange]
    by_class: Sequence[SizeChange]
    merged: Sequence[MergedSample]
    issues: Mapping[str, int]
    reviewed: int
    reviewers: Mapping[str, int]
    leaks: Mapping[str, int] = field(default_factory=dict)
    agreement: str = "not measured: no sample has two reviews"
    accepted: Sequence[str] = ()
    bulk: Sequence[str] = ()


def write_cleaning_summary(stream: TextIO, given: SummaryInput) -> None:
    for part in (_head, _sizes, _flow, _issues, _decisions, _bulk, _conflicts, _people, _classes, _policies):
        stream.write(part(given))


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    cells = [[str(c) if not isinstance(c, int) else f"{c:,}" for c in row] for row in (list(header), *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "  " + "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in cells
    ]
    return f"\n{title}\n" + "\n".join(line.rstrip() for line in lines) + "\n"


def _head(g: SummaryInput) -> str:
    return f"Cleaning summary of {g.dataset}, version {g.version}\nfrozen {g.frozen_at} by {g.author}\n"


def _size_rows(changes: Sequence[SizeChange]) -> list[list[object]]:
    return [
        [c.name, c.before, c.removed, c.relabelled_away, c.relabelled_in, c.after, f"{c.share_removed:.2%}"]
        for c in changes
    ]


_SIZE_HEADER = ("", "before", "removed", "relabelled away", "relabelled in", "after", "removed share")


def _sizes(g: SummaryInput) -> str:
    total = SizeChange("all", *(sum(getattr(c, n) for c in g.by_split) for n in _SUMMED))
    return _table("Size per split", _SIZE_HEADER, _size_rows([*g.by_split, total]))


_SUMMED = ("before", "removed", "relabelled_away", "relabelled_in")


def _flow(g: SummaryInput) -> str:
    decisions = Counter(m.decision for m in g.merged)
    rows = [
        ["flagged or leaking samples", len(g.merged)],
        ["reviewed by people", g.reviewed],
        *_bulk_rows(g),
        ["removed", decisions[Decision.REMOVE]],
        ["relabelled", decisions[Decision.RELABEL]],
        ["kept after a look", decisions[Decision.KEEP]],
        ["undecided, left as they are", sum(m.state is State.OPEN for m in g.merged)],
        ["in open conflict, left as they are", sum(m.state is State.CONFLICT for m in g.merged)],
    ]
    return _table("From flag to outcome", ("", "samples"), rows)


def _bulk_rows(g: SummaryInput) -> list[list[object]]:
    """Only where there are some, so that files of versions without them stay as they are."""
    in_bulk = sum(m.rule is MergeRule.BULK for m in g.merged)
    return [["decided in bulk, after a look at drawn samples", in_bulk]] if in_bulk or g.bulk else []


def _bulk(g: SummaryInput) -> str:
    return "\nBulk decisions\n" + "".join(f"  {line}\n" for line in g.bulk) if g.bulk else ""


def _issues(g: SummaryInput) -> str:
    return _table("Flags by issue type", ("", "flags"), [[name, count] for name, count in sorted(g.issues.items())])


def _decisions(g: SummaryInput) -> str:
    rules = Counter(m.rule.value if m.rule else "none" for m in g.merged)
    tags = Counter(tag for m in g.merged for tag in m.tags)
    leaks = [[name, count] for name, count in sorted(g.leaks.items())]
    text = _table("Outcomes by rule", ("", "samples"), [[n, c] for n, c in sorted(rules.items())])
    text += _table("Tags", ("", "samples"), [[n, c] for n, c in sorted(tags.items())])
    return text + _table("Leak pairs", ("", "pairs"), leaks)


def _conflicts(g: SummaryInput) -> str:
    rows = [[m.key, conflict] for m in g.merged for conflict in m.conflicts]
    if not rows:
        return "\nConflicts\n  none\n"
    lines = "\n".join(f"  {key}: {text}" for key, text in rows)
    return f"\nConflicts ({len(rows):,})\n{lines}\n"


def _people(g: SummaryInput) -> str:
    rows = [[name, count] for name, count in sorted(g.reviewers.items())]
    return _table("Reviews by person", ("", "reviews"), rows) + f"  agreement: {g.agreement}\n"


def _classes(g: SummaryInput) -> str:
    changed = [c for c in g.by_class if c.removed or c.relabelled_away or c.relabelled_in]
    return _table("Size per class, where it changed", _SIZE_HEADER, _size_rows(changed))


def _policies(g: SummaryInput) -> str:
    p = g.policies
    accepted = ", ".join(g.accepted) or "none"
    return (
        "\nPolicies\n"
        f"  reviews needed: {p.min_submitted}, rule: {p.rule}\n"
        f"  a confirmed leak removes: {p.leak_side}\n"
        f"  largest share a class may lose: {p.max_class_share:.0%}\n"
        f"{_unseen(p)}"
        f"  checks accepted when freezing: {accepted}\n"
    )


def _unseen(p: Policies) -> str:
    """Only where it counts, so that files of versions from before stay as they are."""
    if p.suggestion_threshold is None:
        return ""
    return f"  a flag's suggestion counts unseen from: {p.suggestion_threshold:g}\n"
