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


MIN_SCORE = 0.3
"""Smallest score at which a verified pair is accepted: below, fewer than one in three would be the same shot."""

SMALLEST_CROP = 0.5
"""Crops down to this share of a side are sought, where the pictures are large enough to tell them apart."""


class MatchMethod(StrEnum):
    """How candidates are sought; any of them in one run. ``verified`` seeks copies however they were changed, and
    checks the candidates of all methods on their pixels."""

    EXACT = "exact"
    PERCEPTUAL = "perceptual"
    SEMANTIC = "semantic"
    VERIFIED = "verified"


DEFAULT_METHODS = (MatchMethod.EXACT, MatchMethod.PERCEPTUAL, MatchMethod.VERIFIED)


class LeakType(StrEnum):
    """What links the two images of a candidate."""

    IDENTICAL_FILE = "identical_file"
    IDENTICAL_PIXELS = "identical_pixels"
    NEAR_DUPLICATE = "near_duplicate"
    SAME_SCENE = "same_scene"
    REJECTED = "rejected_by_verification"


class Transform(StrEnum):
    """What was done to one image of a pair to make it the other; the most telling change where there are
    several."""

    IDENTICAL_FILE = "identical_file"
    IDENTICAL_PIXELS = "identical_pixels"
    RE_ENCODED = "re_encoded"
    RESIZED = "resized"
    MIRRORED = "mirrored"
    ROTATED = "rotated"
    CROPPED = "cropped"
    RECOLOURED = "recoloured"
    SAME_SCENE = "same_scene"


class Verdict(StrEnum):
    """What people said of a candidate pair."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class LeakCandidate:
    """A suspected pair, found by one method.

    ``train_image`` and ``test_image`` are sample keys; inside one split they are the lexically later and earlier
    one. ``similarity`` is in 0..1, larger meaning closer: 1 for exact, ``1 - distance / 64`` for perceptual, the
    cosine for semantic, the score for verified. ``hamming_distance`` is in bits, and only set for perceptual
    candidates. ``score``, 0..1, says how surely both are the same shot, and ``transform`` what links them; both are
    set where the run verified its candidates.
    """

    train_image: str
    test_image: str
    method: MatchMethod
    similarity: float
    leak_type: LeakType
    hamming_distance: int | None = None
    score: float | None = None
    transform: Transform | None = None

    @property
    def order(self) -> tuple[str, str, int]:
        """The order of reports: by test image, then by train image, then by method."""
        return (self.test_image, self.train_image, list(MatchMethod).index(self.method))
