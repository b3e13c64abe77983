"""The bytes of one image: a file of its own, or a part of one.

Files are opened link by link below their source's root (``folder.open_image``), whichever part of them is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.adapters.datasets.folder import file_size, find_missing, open_image
from app.domain.errors import InvalidFile
from app.domain.sources import ImagePlace, Locator, parse_locator

MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file as it is now: its size in bytes and its time of change in nanoseconds."""

    size: int
    changed: int

    def __str__(self) -> str:
        return f"{self.size}:{self.changed}"


def open_place(place: ImagePlace) -> BinaryIO:
    """Open the file that holds an image.

    Raises:
        NotFound: the file is missing, or is no plain file below the source's root.
        InvalidFile: it can't be read.
    """
    return open_image(place.root, place.file)


def stamp_of(stream: BinaryIO) -> FileStamp:
    found = os.fstat(stream.fileno())
    return FileStamp(found.st_size, found.st_mtime_ns)


def read_place(place: ImagePlace, stream: BinaryIO) -> bytes:
    """An image's bytes out of its opened file.

    Raises:
        InvalidFile: there are none, too many, or the file that holds them is damaged; says which.
    """
    part = Locator(place.key) if place.locator is None else parse_locator(place.locator)
    data = read_part(stream, part, place.key)
    if len(data) > MAX_BYTES:
        raise InvalidFile(f"{place.key} has more than {MAX_BYTES:,} bytes and is not decoded.")
    if not data:
        raise InvalidFile(f"{place.key} is empty (0 bytes).")
    return data


def read_part(stream: BinaryIO, part: Locator, key: str) -> bytes:
    """The bytes that a locator means in its opened file, at most one more than ``MAX_BYTES`` of them; ``key`` is the
    image's, for messages."""
    if part.part == "file":
        return stream.read(MAX_BYTES + 1)
    if part.part == "row":
        from app.adapters.datasets.table_images import read_row  # pyarrow loads only where it is needed

        return read_row(stream, part.file, part.at, part.column)
    stream.seek(part.at)
    data = stream.read(min(part.length, MAX_BYTES + 1))
    if len(data) < part.length <= MAX_BYTES:
        raise InvalidFile(f"{key} is cut off: {part.file} ends before its last byte.")
    return data


def read_image(place: ImagePlace) -> bytes:
    """As ``open_place`` and ``read_place``."""
    with open_place(place) as stream:
        return read_place(place, stream)


def image_size(place: ImagePlace) -> int | None:
    """Bytes of an image; None where they can't be had without reading it."""
    part = None if place.locator is None else parse_locator(place.locator)
    if part is None or part.part == "file":
        return file_size(place.root, place.file)
    return part.length if part.part == "bytes" else None


def missing_places(places: Iterable[ImagePlace]) -> list[str]:
    """Keys of those whose file is gone; of what lies in one file, it is looked at once."""
    by_root: dict[Path, dict[str, list[str]]] = {}
    for place in places:
        by_root.setdefault(place.root, {}).setdefault(place.file, []).append(place.key)
    gone = []
    for root, files in by_root.items():
        for name in find_missing(root, files):
            gone += files[name]
    return sorted(gone)
