"""Dataset sources: where the images of a project lie, and how one image is found there again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class SourceKind(StrEnum):
    """How a source is laid out."""

    FOLDER = "folder"
    FLAT = "flat"
    MANIFEST = "manifest"
    HUGGING_FACE = "hugging_face"
    TAR = "tar"
    COCO = "coco"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def hint(self) -> str:
        """What must be there for such a source to be read."""
        return _HINTS[self]


_HINTS = {
    SourceKind.FOLDER: "images belong into split/class/file, or class/file for the folder of one split",
    SourceKind.FLAT: "images lie in the folder itself, and the file of labels names each",
    SourceKind.MANIFEST: "the table has a column of paths and one of labels",
    SourceKind.HUGGING_FACE: "a folder written by save_to_disk, or Parquet files with the images inside",
    SourceKind.TAR: "images lie beside their labels in .tar files, as in 000017.jpg and 000017.cls",
    SourceKind.COCO: "the JSON lists images whose files lie below the folder",
}
_LABELS = {
    SourceKind.FOLDER: "folders, one for each class",
    SourceKind.FLAT: "one folder of images and a file of labels",
    SourceKind.MANIFEST: "a table of paths and labels",
    SourceKind.HUGGING_FACE: "a Hugging Face dataset on disk",
    SourceKind.TAR: "tar shards (WebDataset)",
    SourceKind.COCO: "COCO annotations with a folder of images",
}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle as COCO has it, in pixels of the image as it is stored: left, top, width, height; and its size."""

    x: float
    y: float
    width: float
    height: float
    image_width: float
    image_height: float


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What a source is read by: its folder (or file), its kind, and the options that its kind has."""

    kind: SourceKind
    root: Path
    options: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        value = self.options.get(name)
        return str(value) if value not in (None, "") else None

    def file(self, name: str) -> Path:
        """The file that an option names, relative to the source's folder or absolute."""
        return self.root / (self.text(name) or "")


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """Where one image's bytes are: a file below ``root``, or a part of one.

    ``key`` is the sample's, for messages. ``locator`` is None where the key is the file's path below ``root``.
    """

    root: Path
    key: str
    locator: str | None = None
    box: Box | None = None

    @property
    def file(self) -> str:
        """The path below ``root`` of the file that holds the bytes."""
        return self.key if self.locator is None else parse_locator(self.locator).file


@dataclass(frozen=True, slots=True)
class Locator:
    """A part of a file: a whole one, row ``at`` of a table's image column, or ``length`` bytes from ``at``."""

    file: str
    part: str = "file"
    at: int = 0
    length: int = 0
    column: str = ""


def whole_file(path: str) -> str:
    """The locator of a file whose path is not the sample's key."""
    return json.dumps(["file", path], ensure_ascii=False)


def table_row(path: str, row: int, column: str) -> str:
    """The locator of the image in one row of a Parquet or Arrow file."""
    return f"{table_rows(path, column)}{row}]"


def table_rows(path: str, column: str) -> str:
    """What the locators of all rows of a file begin with; the row and ``]`` follow."""
    return json.dumps(["row", path, column], ensure_ascii=False)[:-1] + ", "


def byte_range(path: str, offset: int, length: int) -> str:
    """The locator of some bytes of a file that holds several."""
    return json.dumps(["bytes", path, offset, length], ensure_ascii=False)


def parse_locator(text: str) -> Locator:
    """What one of the functions above wrote."""
    part, file, *rest = json.loads(text)
    if part == "row":
        return Locator(file, part, int(rest[1]), column=rest[0])
    if part == "bytes":
        return Locator(file, part, int(rest[0]), int(rest[1]))
    return Locator(file)


def shown_path(key: str, locator: str | None) -> str:
    """What a list for people calls the image's path: the file where it has one of its own, else its key."""
    if locator is None:
        return key
    found = parse_locator(locator)
    return found.file if found.part == "file" else key
