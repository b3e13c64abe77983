"""Where a score becomes a flag: beyond what is bad anywhere, and beyond what is usual in this dataset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.detectors import Distribution

Scores = NDArray[np.float64]

DEVIATIONS = 3.5
"""Robust standard deviations from the median that are usual still (Iglewicz and Hoaglin 1993)."""

_TO_SIGMA = 1.4826
"""A median absolute deviation times this is the standard deviation of normally distributed values."""

_BINS = 40
_STEPS = 200
"""Places at which a threshold can be set by hand, from the lowest score to the highest."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """``value`` is the larger of ``limit``, which holds for any dataset, and ``usual``, which this dataset sets; where
    somebody set it ``by_hand``, it is that.

    ``spread`` is a robust standard deviation.
    """

    value: float
    limit: float
    median: float
    spread: float
    by_hand: bool = False

    @property
    def is_usual(self) -> bool:
        """Whether it is the dataset that sets it: what would be bad elsewhere is ordinary here."""
        return self.value > self.limit

    def severity(self, scores: Scores, unit: float) -> Scores:
        """From 0.5 at the threshold towards 1; ``unit`` beyond it makes 0.82."""
        return np.asarray(1 - 0.5 * np.exp(-np.maximum(scores - self.value, 0.0) / unit))


def find_threshold(
    scores: Scores, limit: float, *, floor: float, deviations: float = DEVIATIONS, by_hand: float | None = None
) -> Threshold:
    """The threshold of scores of which higher is worse. ``floor`` is the least spread that is believed: where all
    images are alike, a hair's breadth is not odd. ``by_hand`` is taken as it is."""
    if not len(scores):
        return Threshold(limit, limit, 0.0, floor)
    median = float(np.median(scores))
    spread = max(_TO_SIGMA * float(np.median(np.abs(scores - median))), floor)
    if by_hand is not None:
        return Threshold(by_hand, limit, median, spread, by_hand=True)
    return Threshold(max(limit, median + deviations * spread), limit, median, spread)


def describe_distribution(
    issue: str, score: str, version: int, scores: Scores, threshold: float, flagged: int, *, is_quality: bool = True
) -> Distribution:
    """The histogram of a score, with its threshold inside."""
    low, high = (float(scores.min()), float(scores.max())) if len(scores) else (0.0, 1.0)
    high = max(high, threshold + 0.05 * abs(threshold - low), low + 1e-6)  # the line lies inside
    counts = np.histogram(scores, bins=_BINS, range=(low, high))[0]
    ordered = np.sort(scores)
    above = len(scores) - np.searchsorted(ordered, np.linspace(low, high, _STEPS + 1), side="right")
    return Distribution(
        issue, score, version, low, high, tuple(counts.tolist()), threshold, flagged, tuple(above.tolist()), is_quality
    )
