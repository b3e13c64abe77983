"""What counts as shown, and what is said where nothing is."""

from __future__ import annotations

import pytest

from app.domain.retraining.statistics import Comparison, Interval, McNemar
from app.domain.retraining.verdicts import Finding, judge, tell_p


def comparison(
    mean: float = 0.02, *, second: str = "raw", images: tuple[float, float] = (0.01, 0.03), p_holm: float = 0.01,
    needed: int | None = 4,
) -> Comparison:  # fmt: skip
    test = McNemar(10, 5, 0.3)
    seeds = Interval(mean, mean - 0.005, mean + 0.005)
    return Comparison(
        "reviewed", second, seeds, 0.001, p_holm, 2.0, Interval(mean, *images), test, (test,) * 3, 3, needed, 0.01
    )


@pytest.mark.parametrize(
    ("against_raw", "finding"),
    [
        (comparison(), Finding.BETTER),
        (comparison(-0.02, images=(-0.03, -0.01)), Finding.WORSE),
        (comparison(p_holm=0.06), Finding.NOT_SHOWN),
        (comparison(images=(-0.001, 0.041)), Finding.NOT_SHOWN),
        (comparison(-0.02, images=(-0.041, 0.001)), Finding.NOT_SHOWN),
    ],
)
def test_both_kinds_of_chance_must_be_ruled_out(against_raw: Comparison, finding: Finding) -> None:
    assert judge(against_raw, []).finding is finding


@pytest.mark.parametrize(
    ("against_controls", "finding"),
    [
        ([comparison(second="removal"), comparison(second="relabel")], Finding.HELPED),
        ([comparison(second="removal"), comparison(second="relabel", p_holm=0.2)], Finding.BETTER),
        ([], Finding.BETTER),
    ],
)
def test_help_needs_every_control_to_be_beaten(against_controls: list[Comparison], finding: Finding) -> None:
    assert judge(comparison(), against_controls).finding is finding


def test_a_control_that_is_not_beaten_is_named() -> None:
    verdict = judge(comparison(), [comparison(second="removal", p_holm=0.2), comparison(second="relabel")])
    assert "it was not shown to be better than 'removal'." in verdict.follows


def test_sentences_tell_figures_in_points_and_never_that_there_is_no_difference() -> None:
    verdict = judge(comparison(p_holm=0.06, needed=12), [])
    assert "+2.00 points of accuracy (95 % over 3 seeds: +1.50 to +2.50; over images: +1.00 to +3.00" in verdict.follows
    assert "does not follow that there is none" in verdict.does_not_follow
    assert "about 12 seeds would show it" in verdict.does_not_follow
    assert "more than 1,000 seeds" in judge(comparison(p_holm=0.5, needed=None), []).does_not_follow
    few = judge(comparison(p_holm=0.06, needed=3), []).does_not_follow
    assert "The 3 seeds here are enough for one comparison of this effect by itself" in few


@pytest.mark.parametrize(("p", "told"), [(0.0004, "< 0.001"), (0.031, "= 0.031"), (1.0, "= 1.000")])
def test_p_is_told_with_three_places(p: float, told: str) -> None:
    assert tell_p(p) == told
