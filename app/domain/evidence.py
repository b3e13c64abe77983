"""How likely a sample has a problem, by all that flag it: what the queue is sorted by.

Each source's flags of one issue type are one opinion. It counts as its confidence times how often that source was right
so far; opinions add up as independent ones do, so what several agree on comes before what one is sure of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod

Opinions = Mapping[tuple[str, str], float | None]
"""The largest confidence of each (source, issue type)."""

Z = 1.959963984540054
"""Standard deviations on either side that hold 95 % of a normal distribution."""

NO_REVIEWS = 0.5
"""The weight of a source on whose flags nobody decided. Two flags at 0.6 so come before any single one."""

UNSCORED = 0.1
"""What a flag without a confidence counts for: less than nearly all that have one, and more than none."""


def weigh(right: int, settled: int) -> float:
    """The middle of the Wilson interval of a source's precision: 0.5 before anything is settled, and ever nearer to
    what was measured (Wilson 1927)."""
    return (right + Z * Z / 2) / (settled + Z * Z)


def likelihood(opinions: Opinions, weights: Mapping[tuple[str, str], float]) -> float:
    """From 0 to 1: one minus the chance that every opinion is wrong. Missing ``weights`` are ``NO_REVIEWS``."""
    return 1 - prod(
        1 - weights.get(who, NO_REVIEWS) * (UNSCORED if sure is None else sure) for who, sure in opinions.items()
    )


def place(opinions: Opinions, weights: Mapping[tuple[str, str], float]) -> float:
    """What the queue is sorted by, larger first, from 0 to 2: the likelihood, so scaled that a single flag of a source
    that nobody reviewed yet stands at its own confidence."""
    return likelihood(opinions, weights) / NO_REVIEWS


def differs(old: Mapping[tuple[str, str], float], new: Mapping[tuple[str, str], float], by: float) -> bool:
    """Whether any weight changed by more than ``by``."""
    return any(abs(old.get(who, NO_REVIEWS) - new.get(who, NO_REVIEWS)) > by for who in {*old, *new})


def strongest(rows: Iterable[tuple[str, str, float | None]]) -> dict[tuple[str, str], float | None]:
    """Opinions from (source, issue type, confidence) of one sample's flags."""
    found: dict[tuple[str, str], float | None] = {}
    for source, issue, sure in rows:
        known = found.get((source, issue))
        found[source, issue] = sure if known is None else known if sure is None else max(known, sure)
    return found
