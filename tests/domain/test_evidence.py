"""What several flags of a sample say together, and what a source's flags are worth."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from app.domain.evidence import differs, likelihood, place, strongest, weigh

A, B = ("fastdup", "outlier"), ("Winnow", "mislabel")


@pytest.mark.parametrize(("right", "settled"), [(0, 1), (3, 4), (17, 20), (200, 200), (1, 500)])
def test_a_weight_is_the_middle_of_the_wilson_interval(right, settled):
    ends = binomtest(right, settled).proportion_ci(0.95, method="wilson")
    assert weigh(right, settled) == pytest.approx((ends.low + ends.high) / 2)


def test_an_unreviewed_source_counts_half():
    assert weigh(0, 0) == 0.5
    assert place({A: 0.8}, {}) == pytest.approx(0.8)


def test_what_two_agree_on_comes_before_what_one_is_sure_of():
    assert place({A: 0.6, B: 0.6}, {}) > place({A: 1.0}, {})
    assert place({A: 0.9}, {}) > place({A: 0.3, B: 0.3}, {})


def test_a_source_that_was_wrong_falls_behind():
    weights = {A: weigh(1, 50), B: weigh(48, 50)}
    assert place({B: 0.4}, weights) > place({A: 0.99}, weights)


def test_two_flags_of_one_source_about_one_thing_are_one_opinion():
    assert strongest([("x", "quality", 0.2), ("x", "quality", 0.7), ("x", "quality", None)]) == {("x", "quality"): 0.7}
    assert strongest([("x", "quality", None), ("y", "quality", 0.1)]) == {("x", "quality"): None, ("y", "quality"): 0.1}


def test_a_flag_without_confidence_counts_little_and_not_nothing():
    assert 0 < likelihood({A: None}, {}) < likelihood({A: 0.2}, {})
    assert likelihood({}, {}) == 0


def test_small_changes_of_weights_are_none():
    assert not differs({A: 0.5}, {}, 0.02)
    assert not differs({A: 0.81}, {A: 0.82}, 0.02)
    assert differs({}, {A: 0.6}, 0.02)
