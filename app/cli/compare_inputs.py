"""What ``winnow compare`` is given, read and checked: images, labels, leaks, and the lists of each condition."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.adapters.parquet_tables import read_parquet
from app.cli.image_folders import ImageFolder
from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.flagged.recognise import open_export
from app.domain.formats.flagged.rows import FlaggedRow
from app.domain.formats.relabel_map import read_relabel_map
from app.domain.formats.removal_list import read_removal_list
from app.domain.path_matching import PathMatcher
from app.domain.retraining.conditions import Condition, ConditionKind, LabelledSet, Lists
from app.domain.retraining.unseen_flags import apply_unseen
from app.services.training_sets import name_label, read_version_lists
from workers.engines.decoding import ImageRef


@dataclass(frozen=True, slots=True)
class Images:
    """One split: ids in order, where each image is, and its given label."""

    ids: tuple[str, ...]
    refs: tuple[ImageRef, ...]
    labels: tuple[str, ...]


def read_images(folder: ImageFolder) -> Images:
    """
    Raises:
        InvalidInput: no images, or images that lie in no folder of a class.
    """
    found = folder.list_images()
    labels = [folder.label_of(key) for key, _ in found]
    if None in labels:
        raise InvalidInput(
            f"{found[labels.index(None)][1]} lies in no folder of a class. Images to train on lie in CLASS/FILE."
        )
    refs = tuple(ImageRef(key, path) for key, path in found)
    return Images(tuple(ref.key for ref in refs), refs, tuple(label or "" for label in labels))


def read_label_table(path: Path) -> dict[str, str]:
    """Labels by image of a CSV with the columns ``image`` and ``label``.

    Raises:
        InvalidFile: it lacks a column, names an image twice, or has an image without a label.
    """
    rows = _read_table(path, ("image", "label"))
    labels = {row["image"]: row["label"] for row in rows}
    if len(labels) != len(rows):
        raise InvalidFile(f"{path} names {len(rows) - len(labels):,} images twice.")
    if bare := [image for image, label in labels.items() if not label]:
        raise InvalidFile(f"{path} gives {bare[0]!r} no label. Leave its line out.")
    return labels


def relabel_images(images: Images, labels: Mapping[str, str], path: Path) -> Images:
    """Only the images that the table names, with its labels.

    Raises:
        InvalidInput: the table names images that are not there.
    """
    if unknown := sorted(labels.keys() - set(images.ids)):
        raise InvalidInput(
            f"{path} names {len(unknown):,} images that the training set does not have, such as {unknown[0]!r}. "
            f"Images are called like {images.ids[0]!r}."
        )
    kept = tuple(ref for ref in images.refs if ref.key in labels)
    return Images(tuple(ref.key for ref in kept), kept, tuple(labels[ref.key] for ref in kept))


def read_leaked(path: Path, train: Sequence[str], evaluation: Sequence[str]) -> frozenset[str]:
    """Evaluation images of the pairs in a leaks report, those that people rejected left out.

    Any CSV with the columns ``train_image`` and ``test_image`` will do; pairs of other images don't count.
    """
    known, measured = set(train), set(evaluation)
    rows = _read_table(path, ("train_image", "test_image"))
    return frozenset(
        row["test_image"]
        for row in rows
        if row["train_image"] in known and row["test_image"] in measured and row.get("verdict") != "rejected"
    )


def _read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path} is not text in UTF-8: {error}.") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if missing := set(columns) - set(reader.fieldnames or ()):
        raise InvalidFile(f"{path} lacks the column {min(missing)!r}. It has: {', '.join(reader.fieldnames or ())}.")
    try:
        return [row for row in reader if any(row.values())]
    except csv.Error as error:
        raise InvalidFile(f"{path}, line {reader.line_num}: {error}.") from None


def parse_condition(text: str, base: LabelledSet, split: str, min_confidence: float) -> Condition:
    """``NAME=FILE[,FILE]``: a removal list (``.txt``), a relabel map (``.json``), a version's zip or folder, or the
    flags of a detector in any format that Winnow imports.

    Raises:
        InvalidInput: it is not of this form.
        InvalidFile: a file can't be read as what it should be.
    """
    name, _, files = text.partition("=")
    paths = [Path(part) for part in files.split(",") if part]
    if not name.strip() or not paths:
        raise InvalidInput(f"{text!r} is no condition. Give NAME=FILE or NAME=REMOVAL_LIST,RELABEL_MAP.")
    if missing := [path for path in paths if not path.exists()]:
        raise InvalidInput(f"The condition {name!r} names {missing[0]}, which does not exist.")
    lists, about = read_lists(paths, base, split, min_confidence)
    return Condition(name.strip(), ConditionKind.LISTS, about, lists)


def read_lists(paths: Sequence[Path], base: LabelledSet, split: str, min_confidence: float = 0.0) -> tuple[Lists, str]:
    """The lists of one condition, and a sentence that says what they are."""
    first = paths[0]
    if len(paths) == 1 and (first.is_dir() or _is_version(first)):
        return read_version_lists(first, base.classes, split)
    if len(paths) == 1 and first.suffix not in (".txt", ".json"):
        return _read_flags(first, base, min_confidence)
    removed: list[str] = []
    relabelled: Mapping[str, str | int] = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as stream:
            if path.suffix == ".txt":
                removed = read_removal_list(stream)
            elif path.suffix == ".json":
                relabelled = read_relabel_map(stream)
            else:
                raise InvalidInput(f"{path} is neither a removal list (.txt) nor a relabel map (.json).")
    named = {id_: name_label(label, base.classes) for id_, label in relabelled.items()}
    return Lists(frozenset(removed), named), f"The lists {' and '.join(path.name for path in paths)}."


def _is_version(path: Path) -> bool:
    if path.suffix != ".zip":
        return False
    import zipfile

    return zipfile.is_zipfile(path) and "MANIFEST.json" in zipfile.ZipFile(path).namelist()


def _read_flags(path: Path, base: LabelledSet, min_confidence: float) -> tuple[Lists, str]:
    export = open_export(path.read_bytes(), name=path.name, parquet=read_parquet)
    matcher = PathMatcher(set(base.ids))
    flags, elsewhere = [], 0
    for row in export.rows():
        if not isinstance(row, FlaggedRow):
            continue
        key = matcher.find(row.image_path or row.image_id).key
        if key is None:
            elsewhere += 1
        else:
            flags.append((key, row.flag))
    if not flags:
        raise InvalidInput(f"None of the {elsewhere:,} flags in {path} is of an image of the training set.")
    lists, left = apply_unseen(flags, min_confidence)
    unused = f" {sum(left.values()):,} flags name nothing to do, or are not sure enough." if left else ""
    other = f" {elsewhere:,} flags are of other images." if elsewhere else ""
    return lists, f"Flags of {path.name} applied as they are, unseen by anybody.{unused}{other}"
