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
    ``raw_issue_type`` keeps the detector's own word.
    """

    issue_type: IssueType
    raw_issue_type: str
    confidence: float | None
    suggested_label: str | None
    reason: str | None
    group: str | None = None
