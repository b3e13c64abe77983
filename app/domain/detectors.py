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
    Detector.OUTLIERS: "outliers: unlike all others, or unlike their class",
    Detector.MISLABELS: "mislabels: a label that the pictures like it speak against",
}


class Features(StrEnum):
    """By what an analysis tells which pictures are alike."""

    AUTO = "auto"
    NETWORK = "network"
    LEARNED = "learned"
    PATCHES = "patches"
    FILE = "file"

    @property
    def label(self) -> str:
        return _FEATURES[self]


_FEATURES = {
    Features.AUTO: "the network where its weights are there, else patches",
    Features.NETWORK: "a trained network's weights (WINNOW_WEIGHTS, WINNOW_MODEL)",
    Features.LEARNED: "a small network trained on these images, without labels: minutes, much faster with a GPU",
    Features.PATCHES: "typical patches of these images: half a minute for 25,000 small ones, no network at all",
    Features.FILE: "vectors from a file",
}

WITH_THRESHOLDS = ("blurry", "dark", "overexposed", "low_information", "odd_size", "odd_aspect_ratio")
"""Issues of quality whose threshold can be set by hand."""

DEFAULT_EPOCHS = 12
"""How often a training on the images sees each of them."""

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

    What is above ``threshold`` was flagged; ``flagged`` says how many. ``above`` says how many images are above each of
    equal steps from ``low`` to ``high``, both ends included: what another threshold would flag. Those of quality can be
    set by hand.
    """

    issue: str
    score: str
    version: int
    low: float
    high: float
    counts: tuple[int, ...]
    threshold: float
    flagged: int
    above: tuple[int, ...] = ()
    is_quality: bool = True
