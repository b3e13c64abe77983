"""Suspected leaks: pairs of images that may show the same picture.

Finding them is the work of ``workers.engines``; this module says what a candidate is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_MAX_DISTANCE = 5
"""Largest Hamming distance, in bits of a 64-bit pHash, at which two images are candidates."""

DEFAULT_MIN_SIMILARITY = 0.95
"""Smallest cosine similarity of two embeddings at which two images are candidates."""


class MatchMethod(StrEnum):
    """How candidates are sought; one, two or all three in one run."""

    EXACT = "exact"
    PERCEPTUAL = "perceptual"
    SEMANTIC = "semantic"


class LeakType(StrEnum):
    """What links the two images of a candidate."""

    IDENTICAL_FILE = "identical_file"
    IDENTICAL_PIXELS = "identical_pixels"
    NEAR_DUPLICATE = "near_duplicate"
    SAME_SCENE = "same_scene"


class Verdict(StrEnum):
    """What people said of a candidate pair."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, order=True)
class LeakCandidate:
    """A suspected pair, found by one method.

    ``train_image`` and ``test_image`` are sample keys; inside one split they are the lexically later and earlier
    one. ``similarity`` is in 0..1, larger meaning closer: 1 for exact, ``1 - distance / 64`` for perceptual, the
    cosine for semantic. ``hamming_distance`` is in bits, and only set for perceptual candidates.
    """

    train_image: str
    test_image: str
    method: MatchMethod
    similarity: float
    leak_type: LeakType
    hamming_distance: int | None = None
