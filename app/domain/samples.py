"""Samples, splits and the flags that bring a sample into the review queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
"""File endings (lower case) that count as images when a folder is listed."""


NO_LABEL = ""
"""The given label of a sample that has none: an image of a detection dataset, or of a test set without labels."""


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
    NO_LABEL = "no_label"
    BROKEN_ROW = "broken_row"
    NO_BOX = "no_box"
    NO_IMAGE = "no_image"
    TWICE = "twice"
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
    PassedOver.NO_LABEL: "an image whose label is no class of the list, or that the file of labels does not name",
    PassedOver.BROKEN_ROW: "a row or entry that can't be read",
    PassedOver.NO_BOX: "an annotation whose box is missing, empty or outside its image",
    PassedOver.NO_IMAGE: "listed, but there is no such image",
    PassedOver.TWICE: "listed twice, or a name that another source of the project has already",
    PassedOver.GONE: "a sample whose file is not there any more; its flags and reviews are kept",
}


@dataclass(frozen=True, slots=True)
class SampleRef:
    """One image, or one object in an image, and its label in a dataset.

    ``key`` names it in the whole project: its path in a folder, else ``split/id``. ``image_id`` is the id that lists
    give it, where that is not the key. ``locator`` says where its bytes are, where that is not the file ``key`` (see
    ``sources``). ``box`` is that of an object: left, top, width and height in pixels,
    and the width and height of its image. ``bytes`` is the size of the image.
    """

    split: str
    key: str
    given_label: str
    image_id: str | None = None
    locator: str | None = None
    box: tuple[float, float, float, float, float, float] | None = None
    bytes: int | None = None


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
