"""One folder of images with a file of labels, like ImageNet's ``val``.

The file may name each image (``ILSVRC2012_val_00000001.JPEG 65``, ``ImageId,PredictionString`` of Kaggle, or any two
columns), or give one label a line for the images in order of name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.adapters.datasets.contract import (
    Listed,
    Reading,
    SkippedFile,
    class_names,
    is_image_name,
    make_sample,
    read_text,
    size_below,
)
from app.domain.errors import InvalidFile
from app.domain.formats.class_names import ClassNames
from app.domain.samples import PassedOver, SampleRef
from app.domain.sources import SourceSpec, whole_file

_COLUMNS = re.compile(r"\s*[,;\t]\s*|\s+")


def read_flat_folder(spec: SourceSpec, known: Mapping[str, int]) -> Reading:
    """Every image of the folder, in order of name, with the label that the file gives it.

    Raises:
        InvalidFile: the folder or the file can't be read, or does not fit.
    """
    classes = class_names(spec, known)
    declared = classes.names if spec.text("classes") else ()
    return Reading(_samples(spec, classes), declared, titles=classes.titles)


def _samples(spec: SourceSpec, classes: ClassNames) -> Iterator[Listed]:
    try:
        entries = sorted(entry.name for entry in os.scandir(spec.root) if not entry.is_dir(follow_symlinks=False))
    except OSError as error:
        raise InvalidFile(f"The dataset's folder {spec.root} can't be opened: {error.strerror}.") from None
    path, split = spec.file("labels"), spec.text("split") or ""
    images = [name for name in entries if is_image_name(name) and not name.startswith(".")]
    labels = _labels(path, images, classes)
    for name in entries:
        key = f"{split}/{name}"
        if name.startswith("."):
            yield SkippedFile(name, PassedOver.HIDDEN)
        elif not is_image_name(name):
            if Path(spec.root / name) != path:
                yield SkippedFile(name, PassedOver.NOT_AN_IMAGE)
        elif (size := size_below(spec.root, name)) is None:
            yield SkippedFile(name, PassedOver.LINK)
        elif (raw := labels.get(name)) is None or (label := _label(classes, raw)) is None:
            yield SkippedFile(name, PassedOver.NO_LABEL)
        else:
            yield make_sample(SampleRef(split, key, label, name, whole_file(name), bytes=size))
    for name in sorted(labels.keys() - set(images)):
        yield SkippedFile(name, PassedOver.NO_IMAGE)


def _label(classes: ClassNames, raw: str) -> str | None:
    try:
        return classes.label(raw)
    except LookupError:
        return None


def _labels(path: Path, images: list[str], classes: ClassNames) -> dict[str, str]:
    """Raw labels by file name.

    Raises:
        InvalidFile: the file names an image twice, or gives numbers for which no names are known.
    """
    rows = [_COLUMNS.split(line.strip()) for line in read_text(path).splitlines() if line.strip()]
    if rows and [cell.lower() for cell in rows[0]][:2] in (["imageid", "predictionstring"], ["image_id", "label"]):
        rows = rows[1:]
    if all(len(row) == 1 for row in rows):
        found = _in_order(path, [row[0] for row in rows], images)
    else:
        found = _by_name(path, rows, set(images))
    if not classes.names and all(label.isdecimal() for label in found.values()):
        raise InvalidFile(
            f"{path.name} gives labels as numbers. Name the classes in that order with the option classes, or add the "
            "train images first."
        )
    return found


def _in_order(path: Path, labels: list[str], images: list[str]) -> dict[str, str]:
    if len(labels) != len(images):
        raise InvalidFile(
            f"{path.name} has {len(labels):,} labels, one a line, but there are {len(images):,} images. Labels without "
            "names are read in order of the images' names, so there must be as many."
        )
    numbers = {label for label in labels if label.isdecimal()}
    if len(numbers) == len(set(labels)) and "0" not in numbers:
        raise InvalidFile(
            f"{path.name} numbers its classes from 1, which is ImageNet's own order and not that of the class names. "
            "Use a file that names each image with its WordNet id, such as LOC_val_solution.csv."
        )
    return dict(zip(images, labels, strict=True))


def _by_name(path: Path, rows: list[list[str]], images: set[str]) -> dict[str, str]:
    """Names may lack their ending, as Kaggle's do."""
    stems = {Path(name).stem: name for name in images}
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        if len(row) < 2:
            raise InvalidFile(f"Line {number:,} of {path.name} has no label: {row[0]!r}.")
        first = row[0].rsplit("/", 1)[-1]
        name = first if first in images else stems.get(first, first)
        if name in found:
            if found[name] != row[1]:
                raise InvalidFile(f"Line {number:,} of {path.name} names {name!r} again, with another label.")
            continue
        found[name] = row[1]
    return found
