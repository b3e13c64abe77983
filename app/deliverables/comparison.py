"""Versions of several projects side by side: the same figures of each, from their summaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from app.deliverables.figures import OUTCOME_WORDS
from app.domain.formats.csv_lines import exact_writer

SETTLERS = {
    "adjudicated": "a lead", "leak_removal": "a confirmed leak", "consensus": "reviewers", "bulk": "a bulk decision",
    "suggestion": "a suggestion",
}  # fmt: skip
"""Rules of merging, the strongest first, in words."""

Summary = Mapping[str, Any]
"""What ``summary_json.make_summary`` made."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of every version. ``values`` are counts, shares (``is_share``) or text; None where it has none."""

    part: str
    name: str
    values: tuple[int | float | str | None, ...]
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class ProjectComparison:
    """``names`` head the columns; ``summaries`` stand in the same order."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    summaries: tuple[Summary, ...]

    @property
    def parts(self) -> list[tuple[str, list[Row]]]:
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.part, []).append(row)
        return list(found.items())


def compare_summaries(summaries: Sequence[Summary]) -> ProjectComparison:
    """Every figure that any of the summaries has, in the order of a report."""
    names = tuple(f"{summary['dataset']} v{summary['version']}" for summary in summaries)
    rows = [row for part in (_sizes, _flow, _issues, _precision, _people) for row in part(summaries)]
    return ProjectComparison(names, tuple(rows), tuple(summaries))


def _sizes(summaries: Sequence[Summary]) -> Iterator[Row]:
    def of(name: str) -> tuple[Any, ...]:
        return tuple(summary["samples"][name] for summary in summaries)

    yield Row("size", "samples before", of("before"))
    yield Row("size", "samples after", of("after"))
    yield Row("size", "removed", of("removed"))
    yield Row("size", "share removed", of("share_removed"), is_share=True)
    yield Row("size", "relabelled", of("relabelled_away"))
    relabelled = tuple(_ratio(s["samples"]["relabelled_away"], s["samples"]["before"]) for s in summaries)
    yield Row("size", "share relabelled", relabelled, is_share=True)
    yield Row("size", "classes", tuple(len(summary["classes"]) for summary in summaries))
    worst = tuple(max((c["share_removed"] for c in summary["classes"]), default=None) for summary in summaries)
    yield Row("size", "largest share of a class removed", worst, is_share=True)


def _flow(summaries: Sequence[Summary]) -> Iterator[Row]:
    yield Row("flow", "flagged or leaking", tuple(s["flagged"] for s in summaries))
    shares = tuple(_ratio(s["flagged"], s["samples"]["before"]) for s in summaries)
    yield Row("flow", "share flagged or leaking", shares, is_share=True)
    yield Row("flow", "reviewed by people", tuple(s["reviewed"] for s in summaries))
    for name, word in OUTCOME_WORDS.items():
        yield Row("flow", word, tuple(s["outcomes"][name] for s in summaries))
        of_flagged = tuple(_ratio(s["outcomes"][name], s["flagged"]) for s in summaries)
        yield Row("flow", f"{word}, of those flagged", of_flagged, is_share=True)
    for rule, who in SETTLERS.items():
        yield Row("flow", f"settled by {who}", tuple(s["rules"].get(rule, 0) for s in summaries))


def _issues(summaries: Sequence[Summary]) -> Iterator[Row]:
    for issue in _all_keys(s["by_issue"] for s in summaries):
        counts = [s["by_issue"].get(issue) for s in summaries]
        yield Row("issues", f"{issue}: samples", tuple(sum(c.values()) if c else 0 for c in counts))
        acted = tuple(_ratio(c["remove"] + c["relabel"], sum(c.values())) if c else None for c in counts)
        yield Row("issues", f"{issue}: removed or relabelled", acted, is_share=True)


def _precision(summaries: Sequence[Summary]) -> Iterator[Row]:
    found = [{row["issue_type"]: row for row in s["precision"]} for s in summaries]
    for issue in _all_keys(found):
        rows = [by_issue.get(issue) for by_issue in found]
        judged = [row if row and row["decided"] else None for row in rows]
        yield Row("precision", f"{issue}: judged flags", tuple(row["decided"] if row else 0 for row in rows))
        for name, word in (("share", "right"), ("low", "95 % interval from"), ("high", "95 % interval to")):
            yield Row("precision", f"{issue}: {word}", tuple(r[name] if r else None for r in judged), is_share=True)


def _people(summaries: Sequence[Summary]) -> Iterator[Row]:
    for name in ("confirmed", "rejected", "open", "label_conflicts"):
        yield Row("leaks", f"pairs {name.replace('_', ' ')}", tuple(s["leaks"].get(name, 0) for s in summaries))
    yield Row("people", "reviewers", tuple(len(s["reviewers"]) for s in summaries))
    yield Row("people", "agreement", tuple(s["agreement"] for s in summaries))
    yield Row("people", "conflicts", tuple(s["conflicts"] for s in summaries))


def _all_keys(found: Any) -> list[str]:
    return list(dict.fromkeys(key for one in found for key in one))


def _ratio(count: int, total: int) -> float | None:
    return count / total if total else None


def write_comparison_csv(stream: TextIO, found: ProjectComparison) -> int:
    """One row a figure, one column a version; shares as plain numbers. Open the stream with ``newline=""``."""
    writer = exact_writer(stream)
    writer.writerow(("part", "figure", *found.names))
    for row in found.rows:
        writer.writerow((row.part, row.name, *("" if value is None else value for value in row.values)))
    return len(found.rows)
