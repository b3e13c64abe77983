"""Leak candidates in figures: pairs by method, type and change, each with what people said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.deliverables.content import VersionContent
from app.deliverables.figures import edges, histogram
from app.domain.leak_words import TRANSFORM_WORDS
from app.domain.leaks import LeakType, MatchMethod, Transform, Verdict

VERDICTS = (Verdict.CONFIRMED.value, Verdict.REJECTED.value, Verdict.OPEN.value)
BINS = 20
_WORDS: Mapping[str, str] = {transform.value: words for transform, words in TRANSFORM_WORDS.items()}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeakTable:
    """Pairs by one property: ``rows`` maps each of its values to counts by verdict."""

    title: str
    rows: Mapping[str, Mapping[str, int]]


class LeakFigures:
    """Over all runs that a version rests on. A pair that several methods found counts once, but once in each method."""

    def __init__(self, content: VersionContent) -> None:
        self._rows: list[Row] = list(content.snapshot["leak_rows"])
        self.runs: list[Row] = list(content.snapshot["leak_runs"])

    @cached_property
    def pairs(self) -> list[Row]:
        """A row a pair, the surest of its methods, the surest pair first."""
        best: dict[tuple[str, str], Row] = {}
        for row in self._rows:
            place = (row["train_image"], row["test_image"])
            if place not in best or surety(row) > surety(best[place]):
                best[place] = row
        return sorted(best.values(), key=lambda r: (-surety(r), r["test_image"], r["train_image"]))

    @cached_property
    def by_verdict(self) -> dict[str, int]:
        counts = Counter(verdict_of(row) for row in self.pairs)
        return {verdict: counts[verdict] for verdict in VERDICTS}

    @property
    def label_conflicts(self) -> int:
        return sum(
            bool(r["train_label"] and r["test_label"]) and r["train_label"] != r["test_label"] for r in self.pairs
        )

    @cached_property
    def tables(self) -> list[LeakTable]:
        """Empty ones are left out: versions of before pairs were verified have no change."""
        found = [
            LeakTable("method", _counted(self._rows, lambda r: r["method"], [m.value for m in MatchMethod])),
            LeakTable("type", _counted(self.pairs, lambda r: r["leak_type"], [t.value for t in LeakType])),
            LeakTable("change", _counted(self.pairs, lambda r: r.get("transform"), [t.value for t in Transform])),
        ]
        return [table for table in found if table.rows]

    @cached_property
    def scores(self) -> list[tuple[float, float, Mapping[str, int]]]:
        """From, to and counts by verdict of equal stretches of the score (the similarity where there is none)."""
        if not self.pairs:
            return []
        low = min(0.9, int(min(surety(r) for r in self.pairs) * 10) / 10)
        by_verdict = {
            verdict: histogram([surety(r) for r in self.pairs if verdict_of(r) == verdict], low, 1.0, BINS)
            for verdict in VERDICTS
        }
        return [
            (start, end, {verdict: by_verdict[verdict][i] for verdict in VERDICTS})
            for i, (start, end) in enumerate(edges(low, 1.0, BINS))
        ]


def words_of(value: str) -> str:
    """A method, type or change as people write it."""
    return _WORDS.get(value, value.replace("_", " "))


def surety(row: Row) -> float:
    score = row.get("score")
    return float(row["similarity"] if score is None else score)


def verdict_of(row: Row) -> str:
    return str(row["verdict"] or Verdict.OPEN.value)


def _counted(rows: list[Row], of: Callable[[Row], str | None], order: list[str]) -> dict[str, dict[str, int]]:
    counts = Counter((of(row), verdict_of(row)) for row in rows)
    found = {value for value, _ in counts}
    return {
        words_of(value): {verdict: counts[value, verdict] for verdict in VERDICTS} for value in order if value in found
    }
