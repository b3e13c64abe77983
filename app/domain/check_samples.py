"""Check samples: where in a reviewer's work they stand, and how right the answers on them were."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

MAX_SHARE = 0.5
"""Largest share of check samples in a reviewer's queue."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many answers on check samples were right, with the 95 % Wilson interval of that share."""

    right: int
    answered: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.right / self.answered


def check_slots(share: float, reviewer_id: int, seen: int, count: int, given: int) -> list[int]:
    """Places of check samples among the next ``count`` samples of a reviewer who has ``seen`` so many.

    ``given`` is how many of them were check samples. Each stretch of ``1 / share`` samples has one, at a place that
    differs from stretch to stretch, so that nobody can count up to it.
    """
    if share <= 0.0:
        return []
    length = 1.0 / share
    slots: list[int] = []
    number = given
    while len(slots) < count:
        place = int((number + _random(reviewer_id, number)) * length)
        if place >= seen + count:
            break
        slots.append(max(place - seen, slots[-1] + 1 if slots else 0))
        number += 1
    return [slot for slot in slots if slot < count]


def _random(reviewer_id: int, number: int) -> float:
    """From 0 to below 1, the same each time."""
    digest = hashlib.blake2b(f"{reviewer_id}:{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def draw_order(reviewer_id: int, sample_id: int) -> bytes:
    """Sorts check samples differently for each reviewer, so that two side by side don't notice the same ones."""
    return hashlib.blake2b(f"{reviewer_id}/{sample_id}".encode(), digest_size=8).digest()


def measure_accuracy(right: int, answered: int) -> Accuracy | None:
    """None where nothing was answered."""
    if not answered:
        return None
    from scipy.stats import binomtest  # loads for a second: only where it is needed

    interval = binomtest(right, answered).proportion_ci(0.95, method="wilson")
    return Accuracy(right, answered, float(interval.low), float(interval.high))
