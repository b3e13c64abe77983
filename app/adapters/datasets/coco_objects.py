"""COCO annotations with a folder of images: each image is a sample without a label, each annotation one with.

Ids in lists are COCO's own: ``139`` for an image, ``annotation/908`` for an annotation (``formats.coco``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from app.adapters.datasets.contract import (
    Listed,
    Reading,
    SkippedFile,
    make_sample,
    path_problem,
    read_text,
    size_below,
)
from app.adapters.datasets.folder import open_image
from app.domain.errors import InvalidFile, WinnowError
from app.domain.formats.coco import ANNOTATION
from app.domain.formats.flagged.json_items import JsonItems
from app.domain.samples import PassedOver, SampleRef
from app.domain.sources import SourceSpec, parse_locator, whole_file

_LISTS = frozenset({"images", "annotations", "categories"})


@dataclass
class _Coco:
    """What is kept of a file: images by id, annotations and categories by id; ``broken`` are entries that can't be."""

    images: dict[int | str, tuple[str, Any, Any]] = field(default_factory=dict)
    annotations: dict[int | str, tuple[Any, Any, Any]] = field(default_factory=dict)
    categories: dict[int | str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


def read_coco(spec: SourceSpec, _known: Mapping[str, int]) -> Reading:
    """Images in the order of the file, then annotations.

    Raises:
        InvalidFile: it is no COCO file of objects.
    """
    coco = _load(spec)
    names = _category_names(coco)
    indices = {names[id_]: id_ for id_ in names if isinstance(id_, int)}
    classes = [names[id_] for id_ in sorted(names, key=lambda id_: (isinstance(id_, str), id_))]
    return Reading(_samples(spec, coco, names), classes, indices)


def _load(spec: SourceSpec) -> _Coco:
    path = spec.file("annotations")
    coco = _Coco()
    seen = set()
    for item in JsonItems(read_text(path), path.name, _LISTS):
        if item.key is None:
            raise InvalidFile(f"{path.name} is a list, not a COCO file of objects with images and annotations.")
        seen.add(item.key)
        if item.key in _LISTS and item.number:
            _take(coco, item.key, item.value, item.number)
    if not {"images", "annotations", "categories"} <= seen:
        raise InvalidFile(f"{path.name} is no COCO file of objects: it has no images, annotations or categories.")
    return coco


def _take(coco: _Coco, key: str, value: Any, number: int) -> None:
    id_ = value.get("id") if isinstance(value, dict) else None
    kept: dict[int | str, Any] = getattr(coco, key)
    if isinstance(id_, bool) or not isinstance(id_, int | str) or id_ in kept:
        coco.broken.append(f"{key}, item {number}")
    elif key == "images":
        kept[id_] = (str(value.get("file_name") or ""), value.get("width"), value.get("height"))
    elif key == "annotations":
        kept[id_] = (value.get("image_id"), value.get("category_id"), value.get("bbox"))
    else:
        kept[id_] = str(value.get("name") or id_)


def _category_names(coco: _Coco) -> dict[int | str, str]:
    """Names of categories; those that several have are told apart by their ids."""
    counts: dict[str, int] = {}
    for name in coco.categories.values():
        counts[name] = counts.get(name, 0) + 1
    return {id_: name if counts[name] == 1 else f"{name} ({id_})" for id_, name in coco.categories.items()}


def _samples(spec: SourceSpec, coco: _Coco, names: Mapping[int | str, str]) -> Iterator[Listed]:
    split, below = spec.text("split") or "train", (spec.text("images") or "").strip("/")
    there: dict[int | str, str] = {}
    for id_, (file, _, _) in coco.images.items():
        path = f"{below}/{file}" if below else file
        size = None if path_problem(path) else size_below(spec.root, path)
        if size is None:
            yield SkippedFile(path, PassedOver.NO_IMAGE)
            continue
        there[id_] = whole_file(path)
        yield make_sample(SampleRef(split, f"{split}/{id_}", "", str(id_), there[id_], bytes=size))
    for id_, (image, category, box) in coco.annotations.items():
        name = f"{ANNOTATION}{id_}"
        if image not in there:
            yield SkippedFile(f"{split}/{name}", PassedOver.NO_IMAGE)
        elif category not in names:
            yield SkippedFile(f"{split}/{name}", PassedOver.NO_LABEL)
        elif (checked := _box(box, _size(spec, coco.images[image], there[image]))) is None:
            yield SkippedFile(f"{split}/{name}", PassedOver.NO_BOX)
        else:
            yield make_sample(SampleRef(split, f"{split}/{name}", names[category], name, there[image], checked))
    for told in coco.broken:
        yield SkippedFile(told, PassedOver.BROKEN_ROW)


def _size(spec: SourceSpec, image: tuple[str, Any, Any], locator: str) -> tuple[float, float] | None:
    """Width and height of an image: as the file says, else as the image's own header does."""
    _, width, height = image
    if _is_number(width) and _is_number(height) and width > 0 and height > 0:
        return float(width), float(height)
    try:
        with open_image(spec.root, parse_locator(locator).file) as stream, Image.open(stream) as opened:
            return float(opened.width), float(opened.height)
    except (WinnowError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _box(raw: Any, size: tuple[float, float] | None) -> tuple[float, float, float, float, float, float] | None:
    """The box with its image's size, where it has four finite numbers and at least a part of the image in it."""
    if size is None or not isinstance(raw, list) or len(raw) != 4 or not all(_is_number(value) for value in raw):
        return None
    left, top, width, height = (float(value) for value in raw)
    across, down = size
    if width <= 0 or height <= 0 or left + width <= 0 or top + height <= 0 or left >= across or top >= down:
        return None
    return left, top, width, height, across, down


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
