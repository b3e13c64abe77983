"""Statistics, against values worked out by other means."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from app.domain.retraining import statistics as s


def models(accuracy: float, *, seeds: int, images: int, number: int) -> np.ndarray:
    """Hits (seeds, images) of models that are right on this share of images."""
    return (np.random.default_rng(number).random((seeds, images)) < accuracy).astype(np.float64)


def test_the_interval_over_seeds_is_students() -> None:
    found = s.mean_interval([0.70, 0.72, 0.74])
    half = stats.t.ppf(0.975, 2) * 0.02 / math.sqrt(3)
    assert found.mean == pytest.approx(0.72)
    assert (found.low, found.high) == (pytest.approx(0.72 - half), pytest.approx(0.72 + half))


def test_one_value_has_no_interval_and_equal_ones_have_none_to_show() -> None:
    assert math.isnan(s.mean_interval([0.5]).low)
    assert s.mean_interval([0.5, 0.5]) == s.Interval(0.5, 0.5, 0.5)


def test_differences_without_spread_are_judged_by_their_signs() -> None:
    assert s.paired_p(np.array([0.01, 0.01, 0.01])) == pytest.approx(0.25)
    assert s.paired_p(np.zeros(3)) == 1.0


def test_intervals_over_seeds_hold_the_truth_as_often_as_they_say() -> None:
    chance = np.random.default_rng(5)
    held = [
        found.low <= 0.02 <= found.high for found in (s.mean_interval(chance.normal(0.02, 0.01, 4)) for _ in range(600))
    ]
    assert 0.92 < np.mean(held) < 0.98


def test_bootstrap_intervals_over_images_hold_the_truth_as_often_as_they_say() -> None:
    held = []
    for number in range(150):
        first, second = (
            models(0.8, seeds=1, images=400, number=number),
            models(0.75, seeds=1, images=400, number=-number + 10**6),
        )
        found = s.bootstrap_images(first, second, resamples=300)
        held.append(found.low <= 0.05 <= found.high)
    assert 0.88 < np.mean(held) <= 1.0


def test_mcnemar_counts_what_only_one_is_right_on() -> None:
    first = np.array([True] * 12 + [False] * 2 + [True] * 5)
    second = np.array([False] * 12 + [True] * 2 + [True] * 5)
    found = s.compare_hits(first, second)
    assert (found.only_first, found.only_second) == (12, 2)
    assert found.p == pytest.approx(stats.binomtest(2, 14).pvalue)
    assert s.compare_hits(first, first).p == 1.0


def test_holms_correction_of_a_worked_example() -> None:
    assert s.correct_for_several([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert s.correct_for_several([]) == []


@pytest.mark.parametrize("p", [[0.2], [0.0, 1.0], [0.5, 0.5, 0.5], [0.001, 0.2, 0.9, 0.04]])
def test_correction_never_makes_p_smaller(p) -> None:
    assert all(after >= before - 1e-12 for before, after in zip(p, s.correct_for_several(p), strict=True))


@pytest.mark.parametrize(("size", "seeds"), [(0.5, 34), (1.0, 10), (2.0, 5)])
def test_seeds_needed_are_those_of_the_tables(size, seeds) -> None:
    """Cohen's tables for a paired t-test, two-sided, 5 %, power 80 %."""
    assert s.seeds_needed(size) == seeds
    assert s.seeds_needed(-size) == seeds


def test_no_effect_needs_more_seeds_than_are_told_and_a_huge_one_two() -> None:
    assert s.seeds_needed(0.01) is None
    assert s.seeds_needed(0.0) is None
    assert s.seeds_needed(1e9) == 2


@pytest.mark.parametrize("seeds", [2, 3, 5, 10, 100])
def test_what_is_detectable_needs_no_more_seeds_than_there_are(seeds) -> None:
    assert s.seeds_needed(s.detectable_effect(seeds) * 1.001) <= seeds


def test_a_gain_is_found_and_none_is_not_where_there_is_none() -> None:
    labels = np.zeros(2000, np.int64)
    low, low2, high = (
        np.where(models(share, seeds=5, images=2000, number=n) == 1, 0, 1).astype(np.int32)
        for n, share in enumerate((0.70, 0.70, 0.78))
    )
    gain = s.compare(("a", "b"), high, low, labels, resamples=500)
    none = s.compare(("a", "b"), low2, low, labels, resamples=500)
    assert gain.p < 0.01
    assert gain.images.low > 0
    assert gain.seeds_better == 5
    assert none.p > 0.05


def test_comparing_the_other_way_round_turns_every_sign() -> None:
    labels = np.zeros(500, np.int64)
    first, second = ((models(x, seeds=3, images=500, number=n) == 0).astype(np.int32) for n, x in enumerate((0.8, 0.7)))
    one, other = (s.compare(("a", "b"), *pair, labels, resamples=200) for pair in ((first, second), (second, first)))
    assert one.seeds.mean == pytest.approx(-other.seeds.mean)
    assert one.seeds.low == pytest.approx(-other.seeds.high)
    assert one.effect_size == pytest.approx(-other.effect_size)
    assert one.p == pytest.approx(other.p)
    assert one.mcnemar.only_first == other.mcnemar.only_second


def test_calibration_error_is_none_where_confidence_is_accuracy_and_the_gap_elsewhere() -> None:
    sure = np.full(1000, 0.75, np.float32)
    right = np.arange(1000) < 750
    assert s.expected_calibration_error(sure, right) == pytest.approx(0, abs=1e-6)
    assert s.expected_calibration_error(np.ones(1000, np.float32), right) == pytest.approx(0.25)


def test_a_majority_of_seeds_decides() -> None:
    votes = s.majority(np.array([[0, 2, 1], [1, 2, 2], [1, 0, 0]], np.int32))
    assert votes.tolist() == [1, 2, 0]
