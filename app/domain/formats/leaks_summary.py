"""The summary that goes with a leak report: what was searched, how, and what was found, on a page of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from app.domain.formats.leaks_report import LeakReportRow
from app.domain.leaks import LeakType, MatchMethod, Transform, Verdict

_BAR_WIDTH = 40
_BINS = 10


@dataclass(frozen=True, slots=True)
class LeaksSummary:
    """What the summary tells beside the candidates themselves.

    ``parameters`` and ``images`` (split to number of images) are printed in their own order. ``run_id`` and
    ``finished_at`` are left out where not given, so that equal results give equal files.
    """

    dataset: str
    parameters: Mapping[str, object]
    images: Mapping[str, int]
    problems: Mapping[str, int] = field(default_factory=dict)
    run_id: str | None = None
    finished_at: str | None = None


def write_leaks_summary(stream: TextIO, summary: LeaksSummary, rows: Sequence[LeakReportRow]) -> None:
    sections = [
        _heading(summary),
        _table("Parameters", summary.parameters),
        _table("Images read", _images_read(summary)),
        _table("Images that could not be read", dict(sorted(summary.problems.items()))),
        _table("Candidates", _totals(rows)),
        _table("Candidates by method", _count((row.method for row in rows), MatchMethod)),
        _table("Candidates by type", _count((row.leak_type for row in rows), LeakType)),
        _table("Candidates by transform", _count((row.transform for row in rows if row.transform), Transform)),
        _table("Candidates by verdict", _count((row.verdict for row in rows if row.verdict), Verdict)),
        _table("Test images affected, by class", _affected_by_class(rows)),
        *(_histogram(method, rows) for method in MatchMethod),
    ]
    stream.write("\n".join("\n".join(lines) + "\n" for lines in sections if lines))


def _heading(summary: LeaksSummary) -> list[str]:
    title = f"Leak report: {_one_line(summary.dataset)}"
    extra = [f"Run {summary.run_id}"] if summary.run_id else []
    extra += [f"Finished {summary.finished_at}"] if summary.finished_at else []
    return [title, "=" * len(title), *extra]


def _images_read(summary: LeaksSummary) -> dict[str, int]:
    total, unread = sum(summary.images.values()), sum(summary.problems.values())
    return {**summary.images, "all": total, "of these not readable": unread}


def _totals(rows: Sequence[LeakReportRow]) -> dict[str, int]:
    pairs = {(row.train_image, row.test_image): row for row in rows}
    return {
        "candidates (a pair counts once a method)": len(rows),
        "distinct pairs": len(pairs),
        "distinct test images affected": len({row.test_image for row in rows}),
        "distinct train images affected": len({row.train_image for row in rows}),
        "pairs with a label conflict": sum(row.label_conflict is True for row in pairs.values()),
    }


def _count(values: Iterable[str], order: Iterable[str]) -> dict[str, int]:
    counts = Counter(values)
    return {str(value): counts[value] for value in order if counts[value]}


def _affected_by_class(rows: Sequence[LeakReportRow]) -> dict[str, int]:
    labels = {row.test_image: row.test_label or "(no class)" for row in rows}
    return dict(sorted(Counter(labels.values()).items()))


def _table(title: str, values: Mapping[str, object]) -> list[str]:
    if not values:
        return []
    width = max(len(_one_line(name)) for name in values)
    lines = (f"  {_one_line(name):<{width}}  {_shown(value)}" for name, value in values.items())
    return [title, "-" * len(title), *lines]


def _shown(value: object) -> str:
    return f"{value:>10,}" if type(value) is int else _one_line(str(value))


def _histogram(method: MatchMethod, rows: Sequence[LeakReportRow]) -> list[str]:
    """Exact candidates have one similarity, their count says it all; perceptual ones come in whole bits."""
    found = [row for row in rows if row.method is method]
    if not found or method is MatchMethod.EXACT:
        return []
    title = f"Similarity of {method.value} candidates"
    if method is MatchMethod.PERCEPTUAL:
        lines = _bars_by_distance(row.hamming_distance or 0 for row in found)
    else:
        lines = _bars_by_range([row.similarity for row in found])
    return [title, "-" * len(title), *lines]


def _bars_by_distance(distances: Iterable[int]) -> Iterator[str]:
    counts = Counter(distances)
    for distance in range(max(counts) + 1):
        yield _bar(f"distance {distance:>2}", counts[distance], max(counts.values()))


def _bars_by_range(values: Sequence[float]) -> Iterator[str]:
    low, high = min(values), max(values)
    step = (high - low) / _BINS or 1.0
    counts = Counter(min(int((value - low) / step), _BINS - 1) for value in values)
    tallest = max(counts.values())
    # The closest candidates come first, as in any list of them.
    for i in range(max(counts), -1, -1):
        upper = min(low + (i + 1) * step, high)
        yield _bar(f"{low + i * step:.4f} to {upper:.4f}", counts[i], tallest)


def _bar(name: str, count: int, tallest: int) -> str:
    # Rounded up, so that a single candidate still shows beside thousands.
    return f"  {name}  {count:>8,}  {'#' * -(-count * _BAR_WIDTH // tallest)}".rstrip()


def _one_line(text: str) -> str:
    """Names come from folders and people: a line break in one must not forge a line of the summary."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
