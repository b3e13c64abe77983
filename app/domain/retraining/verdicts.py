"""What follows from a comparison, and what does not, in sentences. The rules were fixed before any result was seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.retraining.statistics import ALPHA, Comparison


class Finding(StrEnum):
    """What a comparison with the raw data shows.

    ``BETTER`` and ``WORSE`` take both kinds of chance: p below 0.05 over seeds after correction, and an interval over
    images that leaves out 0. ``HELPED`` takes that the condition is better than each of its random controls as well.
    """

    HELPED = "helped"
    BETTER = "better"
    WORSE = "worse"
    NOT_SHOWN = "not_shown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``follows`` and ``does_not_follow`` are sentences for people."""

    condition: str
    finding: Finding
    follows: str
    does_not_follow: str


def is_shown(comparison: Comparison) -> int:
    """1 where the first is better by both kinds of chance, -1 where it is worse, else 0."""
    if comparison.p_holm >= ALPHA:
        return 0
    if comparison.seeds.mean > 0 and comparison.images.low > 0:
        return 1
    return -1 if comparison.seeds.mean < 0 and comparison.images.high < 0 else 0


def judge(against_raw: Comparison, against_controls: Sequence[Comparison]) -> Verdict:
    """The verdict on the first condition of ``against_raw``."""
    shown = is_shown(against_raw)
    beaten = [one for one in against_controls if is_shown(one) > 0]
    if shown > 0 and against_controls and len(beaten) == len(against_controls):
        finding = Finding.HELPED
    else:
        finding = {1: Finding.BETTER, -1: Finding.WORSE, 0: Finding.NOT_SHOWN}[shown]
    not_beaten = [one.second for one in against_controls if one not in beaten]
    return Verdict(
        against_raw.first, finding, _follows(finding, against_raw, not_beaten), _limits(finding, against_raw)
    )


def _follows(finding: Finding, comparison: Comparison, not_beaten: Sequence[str]) -> str:
    name, raw, by = comparison.first, comparison.second, _by(comparison)
    if finding is Finding.HELPED:
        return (
            f"{name!r} gives a better model than {raw!r}, {by}, and a better one than as many changes at random. "
            "So the gain comes from which samples were changed, not from changing so many."
        )
    if finding is Finding.BETTER and not_beaten:
        listed = " and ".join(map(repr, not_beaten))
        return (
            f"{name!r} gives a better model than {raw!r}, {by}, but it was not shown to be better than {listed}. So "
            "the gain can't be put down to which samples were changed."
        )
    if finding is Finding.BETTER:
        return f"{name!r} gives a better model than {raw!r}, {by}."
    if finding is Finding.WORSE:
        return f"{name!r} gives a worse model than {raw!r}, {by}."
    return f"No difference between {name!r} and {raw!r} was shown: {by}."


def _limits(finding: Finding, comparison: Comparison) -> str:
    if finding is not Finding.NOT_SHOWN:
        return (
            "It holds for this model, this training and images like these evaluation images. Other models, longer "
            "training and other data were not tried."
        )
    low, high = (f"{100 * end:+.2f}" for end in (comparison.seeds.low, comparison.seeds.high))
    needed = _needed(comparison)
    return (
        f"It does not follow that there is none: over seeds, any difference from {low} to {high} points fits what was "
        f"measured. {needed}"
    )


def _needed(comparison: Comparison) -> str:
    seeds = len(comparison.mcnemar_by_seed)
    if comparison.effect_size is None:
        return "The differences have no spread to plan by."
    if comparison.seeds.mean == 0:
        return "The mean difference is 0: there is no effect to plan by."
    if comparison.seeds_needed is None:
        return "If the true effect is as small as measured, more than 1,000 seeds would be needed to see it."
    if comparison.seeds_needed <= seeds:
        return (
            f"The {seeds} seeds here are enough for one comparison of this effect by itself; corrected for all, or "
            "with the chance of the images, it is not shown."
        )
    return (
        f"If the true effect is as measured, about {comparison.seeds_needed} seeds would show it in four of five "
        f"tries, uncorrected; there were {seeds}."
    )


def _by(comparison: Comparison) -> str:
    """``by +2.10 points (95 % over 5 seeds: +1.72 to +2.48; over images: ...; corrected p = 0.003)``."""

    def span(low: float, high: float) -> str:
        return "not known" if math.isnan(low) else f"{100 * low:+.2f} to {100 * high:+.2f}"

    seeds, images = comparison.seeds, comparison.images
    return (
        f"by {100 * seeds.mean:+.2f} points of accuracy (95 % over {len(comparison.mcnemar_by_seed)} seeds: "
        f"{span(seeds.low, seeds.high)}; over images: {span(images.low, images.high)}; corrected p "
        f"{tell_p(comparison.p_holm)})"
    )


def tell_p(p: float) -> str:
    """``= 0.031``, or ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"= {min(p, 1.0):.3f}"
