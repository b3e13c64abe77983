"""The relabel map: ``{"<id>": new_label}``, the label as a name or as the class's index."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TextIO

from app.domain.errors import InvalidFile


class LabelCoding(StrEnum):
    """How labels are written for the training script."""

    NAME = "name"
    INDEX = "index"


def encode_label(label: str, coding: LabelCoding, class_index: Mapping[str, int]) -> str | int:
    """Write a class name in the dataset's own coding.

    Raises:
        InvalidFile: the label is no class of the dataset.
    """
    if label not in class_index:
        raise InvalidFile(f"{label!r} is no class of this dataset; no relabel map was written.")
    return class_index[label] if coding is LabelCoding.INDEX else label


def write_relabel_map(stream: TextIO, labels: Mapping[str, str | int]) -> int:
    """Write the map sorted by id; return how many entries."""
    json.dump(dict(sorted(labels.items())), stream, ensure_ascii=False, indent=1)
    stream.write("\n")
    return len(labels)


def read_relabel_map(stream: TextIO) -> dict[str, str | int]:
    """Read the map back.

    Raises:
        InvalidFile: not a JSON object of ids to labels, or an id stands there twice.
    """
    try:
        value = json.load(stream, object_pairs_hook=_refuse_repeats)
    except json.JSONDecodeError as error:
        raise InvalidFile(f"The relabel map is not JSON (line {error.lineno}): {error.msg}.") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, nesting without end
        raise InvalidFile(f"The relabel map can't be read: {error}.") from None
    if not isinstance(value, dict):
        raise InvalidFile("The relabel map must be a JSON object of ids to labels.")
    for id_, label in value.items():
        if isinstance(label, bool) or not isinstance(label, str | int):
            raise InvalidFile(f"The label of {id_!r} is {label!r}; expected a class name or index.")
    return value


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for id_, label in pairs:
        if id_ in value:
            raise InvalidFile(f"The relabel map names {id_!r} twice.")
        value[id_] = label
    return value
