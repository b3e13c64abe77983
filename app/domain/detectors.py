"""Winnow's own detectors: what they are called, and what one of them claims about an image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.samples import IssueType

SOURCE = "Winnow"
"""What the flags of an analysis are counted under."""


class Detector(StrEnum):
    """What an analysis looks for."""

    QUALITY = "quality"
    DUPLICATES = "duplicates"
    OUTLIERS = "outliers"
    MISLABELS = "mislabels"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Detector.QUALITY: "quality: blurry, dark, overexposed, empty, grey, odd in size or shape, not readable",
    Detector.DUPLICATES: "duplicates: the same picture twice, and copies whose labels differ",
    Detector.OUTLIERS: "outliers: unlike all others, or unlike their class (needs a network's weights)",
    Detector.MISLABELS: "mislabels: a label that the pictures like it speak against (needs a network's weights)",
}

NEEDS_EMBEDDINGS = frozenset({Detector.OUTLIERS, Detector.MISLABELS})


@dataclass(frozen=True, slots=True)
class Claim:
    """One flag in the making: an image, what is wrong with it, how surely (0 to 1), and why, in words.

    ``issue`` is the detector's own word, such as ``blurry``. ``group`` names images that belong together.
    """

    key: str
    issue_type: IssueType
    issue: str
    confidence: float
    reason: str
    suggested_label: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """A detector's score over the whole dataset, for a histogram: ``counts`` of equal bins from ``low`` to ``high``.

    What is above ``threshold`` was flagged; ``flagged`` says how many.
    """

    issue: str
    score: str
    version: int
    low: float
    high: float
    counts: tuple[int, ...]
    threshold: float
    flagged: int
