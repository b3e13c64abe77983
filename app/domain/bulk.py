"""Bulk with proof: how many samples to look at, what they say of all the others, and which of these an answer fits.

The interval is Wilson's as scipy computes it. It takes the samples for drawn from endlessly many, so where a large
part of a stratum is looked at it is wider than need be, never narrower.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from app.domain.consensus import State
from app.domain.errors import InvalidInput
from app.domain.taxonomy import Decision, Taxonomy

CONFIDENCE = 0.95
MIN_LOOKS = 10
"""Fewer looks prove nothing that anybody should apply."""

WIDTHS = (0.1, 0.2, 0.3, 0.4)
"""Widths of the interval that can be asked for, from one end to the other."""

DEFAULT_WIDTH = 0.2

BANDS = ((0.95, 1.0), (0.9, 0.95), (0.8, 0.9), (0.5, 0.8), (0.0, 0.5))
"""Bands of confidence by which strata are cut; each begins at its lower end and stops short of the upper one."""


class LeftOut(StrEnum):
    """Why the answer of a bulk decision does not fit a sample."""

    NO_SUGGESTION = "no_suggestion"
    UNKNOWN_CLASS = "unknown_class"
    SAME_LABEL = "same_label"
    LAST_OF_GROUP = "last_of_group"


class Said(StrEnum):
    """What a look at a drawn sample says of the proposed answer."""

    AGREES = "agrees"
    DIFFERS = "differs"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a bulk decision would say of each of its samples."""

    decision: Decision
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """What the looks at the drawn samples come to. ``share`` is None before the first."""

    drawn: int
    decided: int
    agreeing: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        return self.agreeing / self.decided if self.decided else None

    @property
    def open(self) -> int:
        return self.drawn - self.decided


def check_answer(decision: Decision, tags: Collection[str]) -> Answer:
    """Make the answer of a bulk decision.

    Raises:
        InvalidInput: a tag is unknown, contradicts the decision, or asks for discussion.
    """
    taxonomy = Taxonomy()
    checked = taxonomy.check(tags, decision)
    if taxonomy.needs_discussion(checked):
        raise InvalidInput("mislabel_uncertain sends samples to discussion one by one; it is no answer for many.")
    return Answer(decision, checked)


def check_width(width: float) -> float:
    if not 0.02 <= width <= 0.6:
        raise InvalidInput(f"The interval's width is between 0.02 and 0.6, not {width:g}.")
    return width


@lru_cache(maxsize=4096)
def wilson(agreeing: int, decided: int) -> tuple[float, float]:
    """The ends of the 95 % interval of a share; anything is possible before the first look."""
    if not decided:
        return 0.0, 1.0
    from scipy.stats import binomtest  # loads for a second: only where it is needed

    found = binomtest(agreeing, decided).proportion_ci(confidence_level=CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def prove(drawn: int, said: Collection[Said]) -> Proof:
    agreeing = sum(one is Said.AGREES for one in said)
    decided = agreeing + sum(one is Said.DIFFERS for one in said)
    return Proof(drawn, decided, agreeing, *wilson(agreeing, decided))


def read_look(
    answer: Answer, expected_label: str | None, state: State, decision: Decision | None, label: str | None
) -> Said:
    """What reviewers came to on a drawn sample. One that they want discussed does not bear the answer out."""
    if state is State.OPEN:
        return Said.OPEN
    same = state is State.RESOLVED and decision is answer.decision
    return Said.AGREES if same and (decision is not Decision.RELABEL or label == expected_label) else Said.DIFFERS


def least_favourable(agreeing: int, decided: int) -> float:
    """The share that needs the most looks of all that fit what was seen: the interval's point nearest to one half."""
    low, high = wilson(agreeing, decided)
    return min(max(0.5, low), high)


def looks_needed(width: float, population: int, share: float = 0.5) -> int:
    """Samples to look at so that the interval is no wider than ``width`` if ``share`` of them agree."""
    return min(population, max(MIN_LOOKS, _looks(width, round(share, 3))))


@lru_cache(maxsize=4096)
def _looks(width: float, share: float) -> int:
    few, many = 1, 2
    while _width(many, share) > width:
        few, many = many, many * 2
    while few < many:
        middle = (few + many) // 2
        few, many = (middle + 1, many) if _width(middle, share) > width else (few, middle)
    return many


def _width(looks: int, share: float) -> float:
    # The whole number of agreeing samples on the side of one half, where the interval is wider.
    agreeing = math.floor(looks * share) if share >= 0.5 else math.ceil(looks * share)
    low, high = wilson(agreeing, looks)
    return high - low


def band_of(index: int) -> tuple[float, float]:
    """The smallest and the largest confidence of a band, both of them in it, as filters take them."""
    low, high = BANDS[index]
    return low, high if index == 0 else math.nextafter(high, 0.0)


def label_problem(suggested: str | None, given_label: str, classes: Collection[str]) -> LeftOut | None:
    """Why a sample can't be relabelled to what is suggested; None where it can."""
    if not suggested:
        return LeftOut.NO_SUGGESTION
    if suggested not in classes:
        return LeftOut.UNKNOWN_CLASS
    return LeftOut.SAME_LABEL if suggested == given_label else None


_WORDS = {"issue_type": "", "given_label": "class ", "source": "from ", "split": "split "}


def describe_stratum(filters: Mapping[str, Any], *, over_bulk: bool = False) -> str:
    """The filters of a stratum in words: ``mislabel, from cleanlab, confidence 0.9 to 0.95``."""
    given = {name: value for name, value in filters.items() if value is not None}
    low, high = given.pop("min_confidence", None), given.pop("max_confidence", None)
    parts = [_WORDS.get(name, name.replace("_", " ") + " ") + str(given[name]) for name in sorted(given, key=_rank)]
    if low is not None or high is not None:
        parts.append(f"confidence {low or 0.0:.4g} to {1.0 if high is None else high:.4g}")
    words = ", ".join(parts) or "every flagged sample"
    return f"{words}, also where an earlier bulk decision stands" if over_bulk else words


def _rank(name: str) -> tuple[int, str]:
    order = list(_WORDS)
    return (order.index(name) if name in order else len(order)), name
