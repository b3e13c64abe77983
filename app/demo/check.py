"""Compares what a clean-up found in a demo dataset with what was planted in it.

Copied and pixel-identical leaks have to be found by ``exact``, re-encoded ones by ``perceptual``, mirrored and
cropped ones by ``verified``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from app.demo.truth import DuplicateGroup, Truth

EXPECTED_METHOD: Mapping[str, str] = {
    "copied": "exact",
    "pixel_identical": "exact",
    "reencoded": "perceptual",
    "mirrored": "verified",
    "cropped": "verified",
}
"""The method that has to find each kind of leak."""

STRICT_METHODS = ("exact", "perceptual", "verified")
"""Methods that must not link two different scenes; others may find drawings of one class alike."""

MAX_NAMED = 3
"""Keys that the text table names in a row before it only counts."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One thing that was planted, and what became of it. Only a ``required`` row can fail the check."""

    what: str
    planted: int
    found: int
    missed: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    required: bool = True
    note: str = ""

    @property
    def ok(self) -> bool:
        return not self.required or not (self.missed or self.wrong)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All rows of one comparison."""

    rows: tuple[CheckRow, ...]

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)

    def row(self, what: str) -> CheckRow:
        return next(row for row in self.rows if row.what == what)


Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Found:
    """The outcome under comparison, with leak pairs by method, each pair in sorted order."""

    pairs: Mapping[str, Set[Pair]]
    unreadable: Set[str]
    removals: Set[str]
    relabels: Mapping[str, str]
    flagged: Set[str]

    @property
    def all_pairs(self) -> set[Pair]:
        return {pair for pairs in self.pairs.values() for pair in pairs}


def compare_with_truth(
    truth: Truth,
    *,
    leak_pairs: Iterable[tuple[str, str, str]],
    unreadable: Mapping[str, str],
    removal_ids: Set[str],
    relabel_map: Mapping[str, str],
    flagged: Set[str],
) -> CheckReport:
    """Judges an outcome. ``leak_pairs`` are (one key, other key, method); the rest is by sample key."""
    pairs: dict[str, set[Pair]] = {}
    for first, second, method in leak_pairs:
        pairs.setdefault(str(method), set()).add(_pair(first, second))
    found = _Found(pairs, set(unreadable), removal_ids, relabel_map, flagged)
    rows = [
        _set_row("flags imported", set(truth.answers), flagged),
        _set_row("corrupt files reported", set(truth.corrupt), found.unreadable),
        *_leak_rows(truth, found),
        *_unplanted_rows(truth, found),
        _relabel_row(truth, found),
        _duplicate_row(truth, found),
        *_removal_rows(truth, found),
    ]
    return CheckReport(tuple(rows))


def _pair(first: str, second: str) -> Pair:
    return (first, second) if first <= second else (second, first)


def _set_row(what: str, planted: Set[str], found: Set[str]) -> CheckRow:
    return CheckRow(
        what,
        len(planted),
        len(planted & found),
        tuple(sorted(planted - found)),
        tuple(sorted(found - planted)),
    )


def _leak_rows(truth: Truth, found: _Found) -> list[CheckRow]:
    kinds = sorted({leak.kind for leak in truth.leaks}, key=lambda kind: list(EXPECTED_METHOD).index(kind))
    return [_leak_row(truth, found, kind) for kind in kinds]


def _leak_row(truth: Truth, found: _Found, kind: str) -> CheckRow:
    planted = {_pair(leak.train_key, leak.test_key) for leak in truth.leaks if leak.kind == kind}
    seen = found.pairs.get(EXPECTED_METHOD[kind], set())
    by_method = ", ".join(f"{name} {len(planted & pairs)}" for name, pairs in sorted(found.pairs.items()))
    missed = tuple(_named(pair) for pair in sorted(planted - seen))
    what = f"leaks, {kind.replace('_', '-')}"
    return CheckRow(what, len(planted), len(planted & seen), missed, note=by_method)


def _named(pair: Pair) -> str:
    return f"{pair[0]} = {pair[1]}"


def _unplanted_rows(truth: Truth, found: _Found) -> list[CheckRow]:
    """Pairs that no planted leak and no planted duplicate accounts for."""
    planted = {_pair(leak.train_key, leak.test_key) for leak in truth.leaks}
    for group in truth.duplicates:
        planted |= {_pair(a, b) for a in group.keys for b in group.keys if a != b}
    rows = []
    for method in sorted({*found.pairs, *STRICT_METHODS}):
        extra = tuple(_named(pair) for pair in sorted(found.pairs.get(method, set()) - planted))
        note = "" if method in STRICT_METHODS else "drawings of one class may well be alike"
        rows.append(CheckRow(f"pairs not planted, {method}", 0, 0, (), extra, method in STRICT_METHODS, note))
    return rows


def _leaked(truth: Truth) -> set[str]:
    """Test samples that a leak may take away, whatever a review says of them."""
    return {leak.test_key for leak in truth.leaks}


def _with_answer(truth: Truth, decision: str) -> set[str]:
    return {key for key, answer in truth.answers.items() if answer[0] == decision} - _leaked(truth)


def _relabel_row(truth: Truth, found: _Found) -> CheckRow:
    expected = {key: truth.answers[key][1] for key in _with_answer(truth, "relabel")}
    right = {key for key, label in expected.items() if found.relabels.get(key) == label}
    missed = tuple(sorted(key for key in expected if key not in found.relabels))
    wrong = tuple(sorted(set(found.relabels) - right))
    return CheckRow("mislabels relabelled", len(expected), len(right), missed, wrong)


def _duplicate_row(truth: Truth, found: _Found) -> CheckRow:
    """Groups of which exactly one member stayed, and the right one where it matters."""
    groups = [group for group in truth.duplicates if set(group.keys) <= set(truth.answers)]
    kept = {group.group_id: set(group.keys) - found.removals for group in groups}
    missed = tuple(group.keeper for group in groups if len(kept[group.group_id]) > 1)
    wrong = tuple(group.keeper for group in groups if _lost_keeper(group, kept[group.group_id]))
    settled = len(groups) - len(set(missed) | set(wrong))
    return CheckRow("duplicate groups, one kept", len(groups), settled, missed, wrong)


def _lost_keeper(group: DuplicateGroup, kept: Set[str]) -> bool:
    return not kept or (group.keeper not in kept and not group.any_may_stay)


def _removal_rows(truth: Truth, found: _Found) -> list[CheckRow]:
    doubles = {key for group in truth.duplicates for key in group.keys}
    reviewed = _with_answer(truth, "remove") - doubles
    confirmed = {leak.test_key for leak in truth.leaks if _pair(leak.train_key, leak.test_key) in found.all_pairs}
    allowed = reviewed | doubles | _leaked(truth) | set(truth.corrupt)
    return [
        _subset_row("outliers, blur and corrupt files removed", reviewed, found.removals),
        _subset_row("test sides of found leaks removed", confirmed, found.removals),
        CheckRow("removed without a reason", 0, 0, (), tuple(sorted(found.removals - allowed))),
    ]


def _subset_row(what: str, planted: Set[str], found: Set[str]) -> CheckRow:
    return CheckRow(what, len(planted), len(planted & found), tuple(sorted(planted - found)))


def format_report(report: CheckReport) -> str:
    """The report as an aligned table, with the first few missed and wrong keys below it."""
    heads = ("what", "planted", "found", "missed", "wrong", "", "note")
    lines = [
        (
            row.what,
            str(row.planted),
            str(row.found),
            str(len(row.missed)),
            str(len(row.wrong)),
            _verdict(row),
            row.note,
        )
        for row in report.rows
    ]
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    table = [_aligned(line, widths) for line in [heads, *lines]]
    table.insert(1, "-" * max(len(line) for line in table))
    summary = "Everything that was to be found was found." if report.ok else "Something is missing or wrong."
    return "\n".join([*table, *_details(report), "", summary]) + "\n"


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    left = cells[0].ljust(widths[0])
    numbers = [cell.rjust(width) for cell, width in zip(cells[1:5], widths[1:5], strict=True)]
    return "  ".join([left, *numbers, cells[5].ljust(widths[5]), cells[6]]).rstrip()


def _verdict(row: CheckRow) -> str:
    if not row.required:
        return "shown"
    return "ok" if row.ok else "FAILED"


def _details(report: CheckReport) -> list[str]:
    lines = []
    for row in report.rows:
        for kind, keys in (("missed", row.missed), ("wrong", row.wrong)):
            if keys and row.required:
                more = f" and {len(keys) - MAX_NAMED} more" if len(keys) > MAX_NAMED else ""
                lines.append(f"{row.what}, {kind}: {', '.join(keys[:MAX_NAMED])}{more}")
    return ["", *lines] if lines else []
