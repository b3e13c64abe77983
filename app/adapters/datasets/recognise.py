"""Which kind of source a folder or file is, by what lies in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.domain.errors import InvalidInput
from app.domain.sources import SourceKind, SourceSpec

TABLES = (".csv", ".tsv", ".txt", ".parquet")
_MOST_ENTRIES = 20_000


def recognise_source(place: Path, options: Mapping[str, Any]) -> SourceSpec:
    """The kind of a source and where its folder is. Options that its kind needs decide before anything else.

    Raises:
        InvalidInput: a file that is no table of paths and labels.
    """
    given = {name: value for name, value in options.items() if value not in (None, "")}
    if place.is_file():
        return _of_file(place, given)
    if "annotations" in given:
        return SourceSpec(SourceKind.COCO, place, given)
    if "table" in given:
        return SourceSpec(SourceKind.MANIFEST, place, given)
    if "labels" in given:
        return SourceSpec(SourceKind.FLAT, place, given)
    return SourceSpec(_kind_of_folder(place), place, given)


def _of_file(place: Path, options: dict[str, Any]) -> SourceSpec:
    suffix = place.suffix.lower()
    if suffix == ".json":
        return SourceSpec(SourceKind.COCO, place.parent, {"annotations": place.name, **options})
    if suffix == ".tar":
        return SourceSpec(SourceKind.TAR, place.parent, options)
    if suffix in TABLES:
        return SourceSpec(SourceKind.MANIFEST, place.parent, {"table": place.name, **options})
    raise InvalidInput(
        f"{place.name} is no table of paths and labels (CSV, TSV, Parquet) and no COCO JSON. Name the dataset's folder."
    )


def _kind_of_folder(folder: Path) -> SourceKind:
    names = _names(folder)
    if {"dataset_dict.json", "state.json", "dataset_info.json"} & names or any(n.endswith(".arrow") for n in names):
        return SourceKind.HUGGING_FACE
    if any(name.endswith(".parquet") for name in names) or _below(folder, names, ".parquet"):
        return SourceKind.HUGGING_FACE
    if any(name.endswith(".tar") for name in names) or _below(folder, names, ".tar"):
        return SourceKind.TAR
    return SourceKind.FOLDER


def _below(folder: Path, names: set[str], suffix: str) -> bool:
    """Whether such files lie one level below, in the few folders that a sharded dataset has."""
    few = sorted(names)[:8]
    return any(name.endswith(suffix) for inner in few for name in _names(folder / inner))


def _names(folder: Path) -> set[str]:
    """Names of the entries of a folder, as many as tell."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False)}
    except OSError:
        return set()
