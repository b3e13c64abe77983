"""What every kind of source answers when it is read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from app.domain.errors import InvalidFile
from app.domain.formats.class_names import ClassNames, read_class_names
from app.domain.formats.flagged.text import decode_text
from app.domain.samples import IMAGE_SUFFIXES, PassedOver, SampleRef
from app.domain.sources import SourceSpec

LONGEST_KEY, LONGEST_SPLIT, LONGEST_LABEL = 1024, 100, 300
"""In characters; the database's columns are as wide."""


SPLIT_WORDS = ("train", "training", "test", "testing", "val", "valid", "validation", "dev", "extra", "unlabeled")


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """Something that was not taken as a sample, and why. ``key`` is its path as ``shown``."""

    key: str
    reason: PassedOver

    def __post_init__(self) -> None:
        if len(self.key) > LONGEST_KEY or not self.key.isprintable():
            object.__setattr__(self, "key", shown(self.key)[:LONGEST_KEY])


Listed = SampleRef | SkippedFile


@dataclass(frozen=True)
class Reading:
    """A source that is being read: its samples, in an order that does not change, with what was passed over.

    ``classes`` are the names that it declares, in its own coding; where it declares none they are those of its samples
    by name. ``indices`` are their numbers where these are not simply 0, 1, 2; ``titles`` names to read. ``stamp`` says
    what the fingerprint should notice besides keys, labels and sizes.
    """

    listed: Iterator[Listed]
    classes: Sequence[str] = ()
    indices: Mapping[str, int] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    stamp: str = ""


def shown(name: str) -> str:
    """A name as text that can be kept and printed: bytes that are none, and what shows as nothing, are escaped."""
    try:
        text = os.fsencode(name).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character, as JSON can write it
        text = name
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def name_problem(key: str) -> PassedOver | None:
    """Whether a name can't stand in a list or in the database."""
    if not key.isprintable() or not (key.isascii() or key == shown(key)):
        return PassedOver.BAD_NAME
    return PassedOver.LONG_NAME if len(key) > LONGEST_KEY else None


def path_problem(path: str) -> bool:
    """Whether a path from a file leads anywhere but below the source's folder."""
    parts = path.split("/")
    return not all(parts) or any(part in (".", "..") for part in parts)


def size_below(root: Path, path: str) -> int | None:
    """Bytes of a plain file below ``root``; None where there is none."""
    try:
        found = os.lstat(f"{root}/{path}")
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def read_text(path: Path) -> str:
    """A text file that describes a dataset.

    Raises:
        InvalidFile: it is missing, or no text in UTF-8.
    """
    try:
        return decode_text(path.read_bytes(), path.name)
    except OSError as error:
        raise InvalidFile(f"{path} can't be read: {error.strerror}.") from None


def class_names(spec: SourceSpec, known: Mapping[str, int]) -> ClassNames:
    """The names that the option ``classes`` gives; else those that the project has already, in its order."""
    if spec.text("classes"):
        path = spec.file("classes")
        return read_class_names(read_text(path), path.name)
    return ClassNames(sorted(known, key=lambda name: known[name]))


def split_of(name: str) -> str | None:
    """The split that a file's or folder's name tells, as in ``imagenet-train-000012.tar``."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    return next((word for word in words if word in SPLIT_WORDS), None)


def is_image_name(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def make_sample(ref: SampleRef) -> Listed:
    """The sample, or why it is none: a name, split or label that can't be kept."""
    problem = name_problem(ref.key)
    if problem is None and (len(ref.split) > LONGEST_SPLIT or not ref.split.isprintable() or not ref.split):
        problem = PassedOver.LONG_NAME if len(ref.split) > LONGEST_SPLIT else PassedOver.BAD_NAME
    if problem is None and (len(ref.given_label) > LONGEST_LABEL or not ref.given_label.isprintable()):
        problem = PassedOver.NO_LABEL
    return SkippedFile(ref.key, problem) if problem else ref
