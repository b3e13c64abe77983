"""Is a difference between two conditions more than chance? By scipy and statsmodels; nothing here is a formula of ours.

Two kinds of chance are kept apart. Seeds: the same data trained again gives another model. Images: another evaluation
set of the same kind gives another accuracy. Conditions are compared seed by seed, since runs of one seed begin with the
same weights, and image by image, since all are measured on the same images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
ALPHA = 0.05
POWER = 0.8
MOST_SEEDS_TOLD = 1000
"""An effect that would need more seeds than this is told as needing more than this."""

_LARGEST_SIZE = 50.0
"""Effect sizes beyond are as good as certain with two seeds."""

_CERTAIN = 30.0
"""A noncentrality at which even two seeds have a power of 0.96."""

Hits = NDArray[np.float64]
"""(seeds, images): 1 where the model of a seed was right on an image, 0 where it was wrong."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval; with fewer than two values both ends are missing (NaN)."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class McNemar:
    """Images that one is right on and the other is not: ``only_first``, ``only_second``, and the exact test's p."""

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """``first`` minus ``second`` in accuracy (a share, so 0.01 is a point of percent).

    Args:
        seeds: mean difference with Student's 95 % interval over seeds, paired by seed.
        p: of the paired t-test over seeds, two-sided; ``p_holm`` after Holm's correction over all comparisons.
        effect_size: Cohen's d of paired samples: mean over standard deviation of the differences. None where the
            differences have no spread.
        images: mean difference with the 95 % percentile interval of a bootstrap over evaluation images, models fixed.
        mcnemar: on the seeds' majority votes; ``mcnemar_by_seed`` for the models of each seed.
        seeds_better: in so many seeds the first was the more accurate.
        seeds_needed: to see an effect of the measured size at p < 0.05 with 80 % power, not corrected; None where that
            is more than 1,000.
        detectable: the smallest difference that these seeds would have shown with 80 % power.
    """

    first: str
    second: str
    seeds: Interval
    p: float
    p_holm: float
    effect_size: float | None
    images: Interval
    mcnemar: McNemar
    mcnemar_by_seed: tuple[McNemar, ...]
    seeds_better: int
    seeds_needed: int | None
    detectable: float | None


def mean_interval(values: Sequence[float] | NDArray[np.float64]) -> Interval:
    """Mean and Student's 95 % interval."""
    from statsmodels.stats.weightstats import DescrStatsW

    given = np.asarray(values, np.float64)
    mean = float(given.mean())
    if len(given) < 2:
        return Interval(mean, math.nan, math.nan)
    if np.ptp(given) == 0:
        return Interval(mean, mean, mean)
    low, high = DescrStatsW(given).tconfint_mean(alpha=1 - LEVEL)
    return Interval(mean, float(low), float(high))


def paired_p(differences: NDArray[np.float64]) -> float:
    """Two-sided p of differences around 0: Student's t, or the sign test where they have no spread."""
    from scipy.stats import binomtest, ttest_1samp

    if not differences.any():
        return 1.0
    if np.ptp(differences) == 0:
        return float(binomtest(len(differences), len(differences)).pvalue)
    return float(ttest_1samp(differences, 0.0).pvalue)


def bootstrap_images(first: Hits, second: Hits, *, resamples: int, seed: int = 0) -> Interval:
    """Mean difference and its 95 % interval over draws of evaluation images, each image with all its seeds."""
    from scipy.stats import bootstrap

    differences = (first - second).mean(axis=0)
    mean = float(differences.mean())
    if np.ptp(differences) == 0:
        return Interval(mean, mean, mean)
    found = bootstrap(
        (differences,), np.mean, n_resamples=resamples, batch=max(1, 2_000_000 // len(differences)),
        confidence_level=LEVEL, method="percentile", rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Interval(mean, float(found.low), float(found.high))


def compare_hits(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """McNemar's exact test on the same images (n)."""
    from statsmodels.stats.contingency_tables import mcnemar

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return McNemar(0, 0, 1.0)
    table = [[int((first & second).sum()), only_first], [only_second, int((~first & ~second).sum())]]
    return McNemar(only_first, only_second, float(mcnemar(table, exact=True).pvalue))


def correct_for_several(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979) of p values of one family."""
    from statsmodels.stats.multitest import multipletests

    return [float(x) for x in multipletests(list(p), alpha=ALPHA, method="holm")[1]] if p else []


def _power(size: float, seeds: int) -> float:
    """Power of a paired t-test at 5 %, two-sided, to find an effect of this size (above 0) in its own direction.

    Half of the 5 % on one side: statsmodels' two-sided power adds the chance to find the opposite, which is next to
    nothing here, and whose tail scipy gives as NaN for some sizes. It does so above a noncentrality of 36, too, where
    power is 1 for all that is asked here.
    """
    from statsmodels.stats.power import TTestPower

    if size * math.sqrt(seeds) > _CERTAIN:
        return 1.0
    return float(TTestPower().power(size, seeds, ALPHA / 2, alternative="larger"))


def seeds_needed(effect_size: float) -> int | None:
    """The fewest seeds with which a paired t-test at 5 % sees an effect of this size in 80 % of cases; None where that
    is more than 1,000."""
    size = min(abs(effect_size), _LARGEST_SIZE)
    low, high = 2, MOST_SEEDS_TOLD
    if size == 0 or _power(size, high) < POWER:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(size, middle) >= POWER else (middle + 1, high)
    return low


def detectable_effect(seeds: int) -> float:
    """The smallest effect size that so many seeds (2 or more) show with 80 % power in a paired t-test at 5 %."""
    from scipy.optimize import brentq

    return float(brentq(lambda size: _power(size, seeds) - POWER, 1e-3, _LARGEST_SIZE, xtol=1e-4))


def majority(predicted: NDArray[np.int32]) -> NDArray[np.int32]:
    """The class that most seeds predict, of (seeds, images); of equally many the one that comes first."""
    from scipy.stats import mode

    return np.asarray(mode(predicted, axis=0).mode, np.int32)


def compare(
    names: tuple[str, str], first: NDArray[np.int32], second: NDArray[np.int32], labels: NDArray[np.int64], *,
    resamples: int,
) -> Comparison:  # fmt: skip
    """Compare predictions (seeds, images) of two conditions; seeds stand in the same order in both.

    ``p_holm`` is ``p`` until ``correct_family`` has seen all comparisons.
    """
    hits = [(predicted == labels).astype(np.float64) for predicted in (first, second)]
    differences = hits[0].mean(axis=1) - hits[1].mean(axis=1)
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    size = float(differences.mean()) / spread if spread > 0 else None
    p = paired_p(differences)
    votes = [majority(predicted) == labels for predicted in (first, second)]
    by_seed = tuple(compare_hits(a == 1, b == 1) for a, b in zip(*hits, strict=True))
    return Comparison(
        *names, mean_interval(differences), p, p, size, bootstrap_images(*hits, resamples=resamples),
        compare_hits(*votes), by_seed, int((differences > 0).sum()), seeds_needed(size) if size else None,
        detectable_effect(len(differences)) * spread if spread > 0 else None,
    )  # fmt: skip


def expected_calibration_error(confidence: NDArray[np.float32], is_right: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean distance of confidence from accuracy over bins of equal width (Guo et al. 2017), each bin by its images."""
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, weights=confidence.astype(np.float64) - is_right, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))
