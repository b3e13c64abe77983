"""Checking a version's files by themselves: digests, formats, and the history replayed to the same lists."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.deliverables.content import VersionContent
from app.deliverables.release_manifest import make_manifest
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
    check_history(folder, make_manifest(content, []))


def check_history(folder: Path, manifest: Mapping[str, Any]) -> int:
    """The same from a version's files alone, of which ``manifest`` says what they are; returns the number of lines that
    were replayed.

    Raises:
        InvalidFile: they differ; names the images.
        KeyError, TypeError, ValueError: the manifest is not one of ours.
    """
    lines = _Counted(folder / "reviews.jsonl")
    replayed = replay(lines, manifest["policies"])
    coding, classes = LabelCoding(manifest["label_coding"]), manifest["classes"]
    lists = read_lists(folder, manifest)
    expected = {
        image: encode_label(label, coding, classes) for image, label in replayed.relabelled.items() if label is not None
    }
    if lists.together is not None:
        begin = tuple(f"{split}/" for split in manifest.get("bare_splits", ()))
        removed, relabelled = lists.together
        _compare("removal list", dict.fromkeys(removed), {_bare(key, begin): None for key in replayed.removed})
        _compare("relabel map", relabelled, {_bare(key, begin): label for key, label in expected.items()})
    _compare("removal list of a split", dict.fromkeys(lists.removed), dict.fromkeys(replayed.removed))
    _compare("relabel map of a split", lists.relabelled, expected)
    return lines.count


def _bare(key: str, begin: tuple[str, ...]) -> str:
    """What lists call a sample of this key, where those that begin so are called by their id alone."""
    return key.split("/", 1)[1] if key.startswith(begin) else key


@dataclass(frozen=True)
class Lists:
    """What the lists of a version's splits name, each image by its key: ``split/id`` where lists give the id alone.

    ``together`` is what the lists of all splits say, as they say it; None where there are none.
    """

    removed: Collection[str]
    relabelled: Mapping[str, str | int]
    together: tuple[Collection[str], Mapping[str, str | int]] | None


def read_lists(folder: Path, manifest: Mapping[str, Any]) -> Lists:
    """Read the lists of every split, and those of all splits together where there are such.

    Raises:
        InvalidFile: one can't be read.
    """
    dataset, bare = manifest["dataset"], set(manifest.get("bare_splits", ()))
    removed: list[str] = []
    relabelled: dict[str, str | int] = {}
    for split in manifest["splits"]:
        begin = f"{split}/" if split in bare else ""
        ids, labels = _read_pair(folder, f"{dataset}_{split}")
        removed += [begin + id_ for id_ in ids]
        relabelled.update({begin + id_: label for id_, label in labels.items()})
    together = _read_pair(folder, str(dataset)) if manifest.get("combined_lists", True) else None
    return Lists(removed, relabelled, together)


def _read_pair(folder: Path, prefix: str) -> tuple[list[str], dict[str, str | int]]:
    with (folder / f"{prefix}_removal_list.txt").open(encoding="utf-8", newline="") as stream:
        removed = read_removal_list(stream)
    with (folder / f"{prefix}_relabel_map.json").open(encoding="utf-8") as stream:
        return removed, read_relabel_map(stream)


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
