"""How much reviewers agree: Cohen's kappa per pair of people, Krippendorff's alpha for all.

Figures come from kept libraries (scikit-learn and krippendorff); here the answers are only put in their shape.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

Answer = tuple[int, str, str]
"""(sample, reviewer, decision)."""

MOST_NUMBERS = 20_000_000
"""The library lays out samples x answers x answers numbers; for more than this alpha is not measured."""


@dataclass(frozen=True)
class Agreement:
    """``alpha`` is None without a sample that two people answered. ``kappas`` maps a pair of names to kappa."""

    shared: int = 0
    alpha: float | None = None
    kappas: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        if self.alpha is None:
            return "not measured: too few samples have two reviews"
        pairs = ", ".join(f"{a} and {b} {kappa:.2f}" for (a, b), kappa in sorted(self.kappas.items()))
        return f"Krippendorff's alpha {self.alpha:.2f} over {self.shared:,} shared samples; Cohen's kappa: {pairs}"

    def kappa_of(self, reviewer: str) -> float | None:
        """Mean kappa of one person with the others."""
        own = [kappa for pair, kappa in self.kappas.items() if reviewer in pair]
        return sum(own) / len(own) if own else None


def measure_agreement(answers: Iterable[Answer]) -> Agreement:
    """Measure over the samples that at least two people answered."""
    by_sample: dict[int, dict[str, str]] = defaultdict(dict)
    for sample, reviewer, decision in answers:
        by_sample[sample][reviewer] = decision
    shared = [given for given in by_sample.values() if len(given) > 1]
    names = sorted({name for given in shared for name in given})
    kappas = {(a, b): kappa for a, b in combinations(names, 2) if (kappa := _kappa(shared, a, b)) is not None}
    return Agreement(len(shared), _alpha(shared, names), kappas)


def _kappa(shared: Sequence[dict[str, str]], a: str, b: str) -> float | None:
    both = [(given[a], given[b]) for given in shared if a in given and b in given]
    if not both:
        return None
    if len({decision for pair in both for decision in pair}) == 1:
        return 1.0  # kappa divides by zero when only one answer was ever given
    from sklearn.metrics import cohen_kappa_score  # loads for a second: only where it is needed

    return float(cohen_kappa_score([pair[0] for pair in both], [pair[1] for pair in both]))


def _alpha(shared: Sequence[dict[str, str]], names: Sequence[str]) -> float | None:
    decisions = sorted({decision for given in shared for decision in given.values()})
    if not shared:
        return None
    if len(decisions) == 1:
        return 1.0
    import krippendorff

    code = {decision: float(index) for index, decision in enumerate(decisions)}
    table = [[code[given[name]] if name in given else np.nan for given in shared] for name in names]
    return float(krippendorff.alpha(reliability_data=np.array(table), level_of_measurement="nominal"))


def kappa_of_cells(cells: Mapping[tuple[str, str], int]) -> float | None:
    """Cohen's kappa from how often one said this and the other that; None where they share no sample."""
    counts = {pair: count for pair, count in cells.items() if count}
    if not counts:
        return None
    if len({said for pair in counts for said in pair}) == 1:
        return 1.0  # kappa divides by zero when only one answer was ever given
    from sklearn.metrics import cohen_kappa_score  # loads for a second: only where it is needed

    first, second = zip(*counts, strict=True)
    return float(cohen_kappa_score(first, second, sample_weight=list(counts.values())))


def alpha_of_patterns(patterns: Mapping[tuple[int, ...], int]) -> float | None:
    """Krippendorff's alpha from samples by pattern: how often each answer was given on one, and on how many so."""
    if not patterns:
        return None
    table = np.array(list(patterns), dtype=np.int64)
    return alpha_of_table(np.repeat(table, list(patterns.values()), axis=0))


def alpha_of_table(table: npt.NDArray[np.int64]) -> float | None:
    """Krippendorff's alpha of a table with a row a sample and a column an answer, holding how often it was given.

    None where no sample has two answers, or there are too many different ones to measure.
    """
    shared = table[table.sum(axis=1) > 1]
    used = shared[:, shared.any(axis=0)]
    if not used.size or used.shape[0] * used.shape[1] ** 2 > MOST_NUMBERS:
        return None
    if used.shape[1] == 1:
        return 1.0
    import krippendorff

    return float(krippendorff.alpha(value_counts=used, level_of_measurement="nominal"))
