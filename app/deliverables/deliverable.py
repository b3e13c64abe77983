"""What a deliverable is: a file name, and how its bytes are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import TextIOWrapper
from typing import BinaryIO, Protocol, TextIO

from app.deliverables.content import VersionContent


class Pictures(Protocol):
    """Where a report finds the pictures of samples."""

    def jpeg(self, key: str, side: int) -> bytes | None:
        """One sample's picture as JPEG of at most ``side`` pixels a side, or None where it can't be read any more."""


class NoPictures:
    """For a version whose dataset is out of reach."""

    def jpeg(self, key: str, side: int) -> bytes | None:
        return None


BytesWriter = Callable[[BinaryIO, VersionContent, Pictures], int | None]
TextWriter = Callable[[TextIO, VersionContent], int | None]


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One file of a version. ``write`` returns the number of rows, or None for what has none.

    ``has_pictures`` tells that the bytes depend on images of the dataset beside the frozen content.
    """

    name: str
    write: BytesWriter
    has_pictures: bool = False


def text(name: str, write: TextWriter) -> Deliverable:
    """A deliverable of UTF-8 text, line ends as written."""

    def write_bytes(stream: BinaryIO, content: VersionContent, pictures: Pictures) -> int | None:
        wrapper = TextIOWrapper(stream, encoding="utf-8", newline="")
        rows = write(wrapper, content)
        wrapper.flush()
        wrapper.detach()
        return rows

    return Deliverable(name, write_bytes)
