"""Cleaned COCO written entry by entry: a file of half a gigabyte never stands in memory as objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TextIO

from app.domain.errors import InvalidFile
from app.domain.formats.coco import CocoLists, refuse_missing
from app.domain.formats.flagged.json_items import JsonItem

PARTS = frozenset({"images", "annotations", "categories"})
"""The lists of a file that are read entry by entry."""


@dataclass
class _Index:
    """Ids of a file, as text."""

    images: set[str] = field(default_factory=set)
    annotations: dict[str, str] = field(default_factory=dict)
    categories: dict[str, list[Any]] = field(default_factory=dict)


def write_cleaned_coco(read: Callable[[], Iterable[JsonItem]], lists: CocoLists, stream: TextIO) -> int:
    """Write the file without what the lists remove and with the labels that they give; return how many annotations are
    left. ``read`` begins to read the file, with ``PARTS`` item by item; it is read twice. Labels are category names.

    An annotation goes with its image, whatever else was decided of it. What is neither image nor annotation stays.

    Raises:
        InvalidFile: the lists name what the file does not have, so it is not the one that they were made for.
    """
    index = _read_index(read)
    refuse_missing("images", lists.removed_images, index.images)
    refuse_missing("annotations", lists.removed_annotations, index.annotations)
    refuse_missing("annotations", lists.relabelled, index.annotations)
    categories = _categories(index, lists)
    gone_images, gone = set(lists.removed_images), set(lists.removed_annotations)

    def cleaned(item: JsonItem) -> Any:
        if item.key == "images" and str(item.value["id"]) in gone_images:
            return None
        if item.key == "annotations":
            id_ = str(item.value["id"])
            if id_ in gone or str(item.value["image_id"]) in gone_images:
                return None
            if id_ in categories:
                return {**item.value, "category_id": categories[id_]}
        return item.value

    return _write(read(), cleaned, stream)


def _read_index(read: Callable[[], Iterable[JsonItem]]) -> _Index:
    index = _Index()
    for item in read():
        if item.key not in PARTS or not item.number:
            continue
        if not isinstance(item.value, dict) or "id" not in item.value:
            raise InvalidFile(f"Item {item.number:,} of {item.key} has no id.")
        id_ = str(item.value["id"])
        if item.key == "images":
            index.images.add(id_)
        elif item.key == "annotations":
            index.annotations[id_] = str(item.value.get("image_id"))
        else:
            index.categories.setdefault(str(item.value.get("name")), []).append(item.value["id"])
            index.categories.setdefault(f"{item.value.get('name')} ({item.value['id']})", [item.value["id"]])
    return index


def _categories(index: _Index, lists: CocoLists) -> dict[str, Any]:
    """The category of each relabelled annotation."""
    found = {}
    for id_, label in lists.relabelled.items():
        named = index.categories.get(str(label), [])
        if len(named) != 1:
            raise InvalidFile(f"Annotation {id_} is to be {label!r}, which is no category of the file or several.")
        found[id_] = named[0]
    return found


def _write(items: Iterable[JsonItem], cleaned: Callable[[JsonItem], Any], stream: TextIO) -> int:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    inside: str | None = None
    begun: set[str] = set()
    left = 0
    stream.write("{")
    for item in items:
        key = str(item.key)
        if inside is not None and inside != key:
            stream.write("]")
            inside = None
        value = cleaned(item)
        if item.number and key in PARTS:
            if inside is None:
                stream.write(("," if begun else "") + encode(key) + ":[")
                begun.add(key)
                inside, separator = key, ""
            if value is not None:
                stream.write(separator + "\n" + encode(value))
                separator = ","
                left += key == "annotations"
        else:
            stream.write(("," if begun else "") + "\n" + encode(key) + ":" + encode(value))
            begun.add(key)
    stream.write("]" if inside is not None else "")
    for key in sorted(PARTS - begun):
        stream.write(f',"{key}":[]')
    stream.write("}\n")
    return left
