"""Checking a version's files by themselves: digests, formats, and the history replayed to the same lists."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.deliverables.content import VersionContent
from app.domain.errors import InvalidFile
from app.domain.formats.relabel_map import LabelCoding, encode_label, read_relabel_map
from app.domain.formats.removal_list import read_removal_list
from app.domain.replay import replay

_NAMED = 5
"""Image ids that a message names."""


def check_replay(folder: Path, content: VersionContent) -> None:
    """Compare the lists in ``folder`` with what the raw history beside them comes to.

    Raises:
        InvalidFile: they differ; names the images.
    """
    coding = LabelCoding(content.snapshot["label_coding"])
    check_history(folder, content.dataset, content.snapshot["policies"], coding, content.classes)


def check_history(
    folder: Path, dataset: str, policies: Mapping[str, Any], coding: LabelCoding, classes: Mapping[str, int]
) -> int:
    """The same from a version's files alone; returns the number of lines that were replayed."""
    lines = _Counted(folder / "reviews.jsonl")
    replayed = replay(lines, policies)
    with (folder / f"{dataset}_removal_list.txt").open(encoding="utf-8", newline="") as stream:
        removed = set(read_removal_list(stream))
    with (folder / f"{dataset}_relabel_map.json").open(encoding="utf-8") as stream:
        relabelled = read_relabel_map(stream)
    expected = {
        image: encode_label(label, coding, classes) for image, label in replayed.relabelled.items() if label is not None
    }
    _compare("removal list", dict.fromkeys(removed), dict.fromkeys(replayed.removed))
    _compare("relabel map", relabelled, expected)
    return lines.count


class _Counted:
    """The lines of a history, counted while they are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.count = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with self._path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield json.loads(line)
                except ValueError:
                    raise InvalidFile(f"Line {number} of {self._path.name} is not JSON.") from None
                self.count = number


def _compare(name: str, listed: Mapping[str, Any], replayed: Mapping[str, Any]) -> None:
    missing = object()
    differing = sorted(
        image for image in {*listed, *replayed} if listed.get(image, missing) != replayed.get(image, missing)
    )
    if differing:
        named = ", ".join(differing[:_NAMED]) + (f" and {len(differing) - _NAMED:,} more" if differing[_NAMED:] else "")
        raise InvalidFile(
            f"The {name} says something else than the history of reviews for {len(differing):,} images: {named}. "
            "Nothing was handed out; this is a fault of Winnow or of the database, please report it."
        )
