"""Samples, splits and the flags that bring a sample into the review queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
"""File endings (lower case) that count as images when a folder is listed."""


class IssueType(StrEnum):
    """What a flag claims about its sample."""

    MISLABEL = "mislabel"
    OUTLIER = "outlier"
    DUPLICATE = "duplicate"
    QUALITY = "quality"
    LEAK = "leak"
    OTHER = "other"


class PassedOver(StrEnum):
    """Why something in a dataset's folder is no sample, or (``GONE``) a sample is not in the folder any more."""

    NOT_AN_IMAGE = "not_an_image"
    LINK = "link"
    BAD_NAME = "bad_name"
    LONG_NAME = "long_name"
    HIDDEN = "hidden"
    BESIDE_SPLITS = "beside_splits"
    BESIDE_CLASSES = "beside_classes"
    INSIDE_CLASS = "inside_class"
    UNREADABLE = "unreadable"
    GONE = "gone"

    @property
    def text(self) -> str:
        return _PASSED_OVER[self]


_PASSED_OVER = {
    PassedOver.NOT_AN_IMAGE: "not an image by its name",
    PassedOver.LINK: "a link; links are not followed",
    PassedOver.BAD_NAME: "a name that can't be written in a list (control characters or not UTF-8)",
    PassedOver.LONG_NAME: "a name that is too long: a path has at most 1,024 characters, a split's folder 100",
    PassedOver.HIDDEN: "hidden: its name begins with a dot",
    PassedOver.BESIDE_SPLITS: "a file beside the split folders; images belong into split/class",
    PassedOver.BESIDE_CLASSES: "a file beside the class folders; images belong into split/class",
    PassedOver.INSIDE_CLASS: "a folder or special file inside a class folder; nothing below it was looked at",
    PassedOver.UNREADABLE: "a folder that could not be opened; nothing below it was looked at",
    PassedOver.GONE: "a sample whose file is not there any more; its flags and reviews are kept",
}


@dataclass(frozen=True, slots=True)
class SampleRef:
    """One image and its label in a dataset: ``key`` is its path relative to the dataset's root."""

    split: str
    key: str
    given_label: str


@dataclass(frozen=True, slots=True)
class Flag:
    """Why a sample is in the queue, as a detector said it.

    ``confidence`` is in 0..1, higher meaning surer that there is a problem; ``None`` where the detector gave none.
    ``raw_issue_type`` keeps the detector's own word, ``raw_score`` its own number, and ``raw_score_name`` what it calls
    that; both are ``None`` where the confidence is all that it said.
    """

    issue_type: IssueType
    raw_issue_type: str
    confidence: float | None
    suggested_label: str | None
    reason: str | None
    group: str | None = None
    raw_score: float | None = None
    raw_score_name: str | None = None
