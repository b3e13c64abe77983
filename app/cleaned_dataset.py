"""A dataset without the items that a version of Winnow removes, and with the labels that it corrects.

This one file needs Python 3.10 and nothing else. It lies in every version's zip, so a training job needs no Winnow::

    from cleaned_dataset import CleanedDataset

    train = CleanedDataset.from_version(ImageFolder("pets/train", transform), "pets_v1.zip", split="train")

Lists that do not fit the dataset are refused with ``ListsDoNotFit``, which names what does not fit: nothing is skipped,
so nobody trains on raw data without knowing. ``python cleaned_dataset.py pets_v1.zip`` checks a zip by itself.
"""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
import operator
import os
import sys
import zipfile
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from numbers import Integral
from pathlib import Path
from typing import Any

MANIFEST = "MANIFEST.json"
_LABEL_KEYS = ("label", "labels", "target", "targets")
_CLEANED = ("targets", "samples", "imgs")
_PASSED_ON = ("classes", "class_to_idx", "features", "loader", "root", "split", "transform", "transforms",
              "target_transform")  # fmt: skip


class ListsDoNotFit(ValueError):
    """A list is broken, or is not of this dataset. ``offenders`` holds all that the message names the first of."""

    def __init__(self, message: str, offenders: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.offenders = list(offenders)


def _refuse(what: str, offenders: Iterable[object], hint: str = "") -> None:
    found = list(offenders)
    if found:
        more = f" and {len(found) - 5:,} more" if len(found) > 5 else ""
        named = ", ".join(one if isinstance(one, str) and ":" in one else repr(one) for one in found[:5])
        raise ListsDoNotFit(f"{what} ({len(found):,}): {named}{more}. {hint}".rstrip(), found)


# -- lists and the files they come from --------------------------------------------------------------------------------


@dataclass(frozen=True)
class CleaningLists:
    """What to do to one split. Ids are text, labels are names or indices of classes.

    What a version tells beside is None or empty for lists of other origin: ``size`` is the number of items in the split
    before cleaning, ``given`` the label that each listed item had, ``class_index`` the place of each class.
    """

    removed: Sequence[str]
    relabelled: Mapping[str, str | int]
    source: str = "lists"
    split: str | None = None
    size: int | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    class_index: Mapping[str, int] = field(default_factory=dict)
    by_index: bool = False
    splits: Collection[str] = ()

    def __post_init__(self) -> None:
        wrong = [x for x in self.relabelled.items() if isinstance(x[1], bool) or not isinstance(x[1], str | Integral)]
        _refuse(
            f"{self.source}: labels that are neither a name nor an index", (f"{id_}: {new!r}" for id_, new in wrong)
        )
        _refuse(f"{self.source}: ids are removed twice", _repeated(self.removed))
        _refuse(f"{self.source}: ids are removed and relabelled", sorted(set(self.removed) & self.relabelled.keys()))


def _repeated(ids: Iterable[Any]) -> list[Any]:
    return [id_ for id_, count in Counter(ids).items() if count > 1]


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ListsDoNotFit(f"{name} is not text in UTF-8: {error}.") from None


def parse_removal_list(text: str, name: str) -> list[str]:
    """The ids of a removal list, one a line."""
    if text and not text.endswith("\n"):
        raise ListsDoNotFit(f"{name} ends within a line: it was cut off, or only its last line end is missing.")
    ids = [line.removesuffix("\r") for line in text.split("\n")[:-1]]
    _refuse(f"{name} has empty lines", (number for number, id_ in enumerate(ids, 1) if not id_.strip()))
    _refuse(f"{name} names ids twice", _repeated(ids))
    return ids


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it stands in the file, repeated keys included."""


def parse_relabel_map(text: str, name: str) -> dict[str, str | int]:
    """The new label of each id, from a JSON object."""
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise ListsDoNotFit(f"{name} is not JSON: {error}.") from None
    if not isinstance(pairs, _Pairs):
        raise ListsDoNotFit(f"{name} is no JSON object of ids and labels.")
    _refuse(f"{name} names ids twice", _repeated(id_ for id_, _ in pairs))
    return dict(pairs)


def read_version(version: str | os.PathLike[str], split: str) -> CleaningLists:
    """The lists of one split from a version's zip, or from the folder of its files, each checked by its digest."""
    path = Path(version)
    manifest = _read_manifest(path)
    if split not in manifest["splits"]:
        raise ListsDoNotFit(f"{path.name} has no split {split!r}. It has: {', '.join(manifest['splits'])}.")
    prefix = f"{manifest['dataset']}_{split}"
    removal_name, relabel_name = f"{prefix}_removal_list.txt", f"{prefix}_relabel_map.json"
    final_name = f"{manifest['dataset']}_final_cleaning_manifest.csv"
    lists = CleaningLists(
        parse_removal_list(_decoded(_read_checked(path, manifest, removal_name), removal_name), removal_name),
        parse_relabel_map(_decoded(_read_checked(path, manifest, relabel_name), relabel_name), relabel_name),
        f"{manifest['dataset']} v{manifest['version']}", split, manifest["splits"][split],
        _given_labels(_read_checked(path, manifest, final_name), split),
        manifest["classes"], manifest["label_coding"] == "index", tuple(manifest["splits"]),
    )  # fmt: skip
    apart = lists.given.keys() ^ {*lists.removed, *lists.relabelled}
    _refuse(f"{final_name} and the lists of {split} name different ids", sorted(apart))
    return lists


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(_read(path, MANIFEST))
        manifest["sha256"] = {listed["name"]: listed["sha256"] for listed in manifest["files"]}
        missing = {"dataset", "version", "label_coding", "classes", "splits"} - manifest.keys()
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ListsDoNotFit):
            raise
        raise ListsDoNotFit(f"{MANIFEST} of {path.name} can't be read: {error!r}.") from None
    _refuse(f"{MANIFEST} of {path.name} does not tell", sorted(missing), "Export the version again.")
    return manifest


def _names(path: Path) -> list[str]:
    if path.is_dir():
        return sorted(entry.name for entry in path.iterdir())
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise ListsDoNotFit(f"{path} is neither a whole zip nor a folder: {error}.") from None


def _read(path: Path, name: str) -> bytes:
    names = _names(path)
    if names.count(name) != 1 or Path(name).name != name:
        raise ListsDoNotFit(f"{path} holds {names.count(name) or 'no'} {name}. Export the version again.", [name])
    if path.is_dir():
        return (path / name).read_bytes()
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ListsDoNotFit(f"{name} in {path} is broken: {error}.", [name]) from None


def _read_checked(path: Path, manifest: Mapping[str, Any], name: str) -> bytes:
    if name not in manifest["sha256"]:
        raise ListsDoNotFit(f"{MANIFEST} of {path.name} does not list {name}.", [name])
    data = _read(path, name)
    if hashlib.sha256(data).hexdigest() != manifest["sha256"][name]:
        raise ListsDoNotFit(f"{name} in {path} is not the file that {MANIFEST} lists: its digest differs.", [name])
    return data


def _given_labels(final: bytes, split: str) -> dict[str, str]:
    """What each item that is removed or relabelled was labelled, from the final manifest."""
    limit = csv.field_size_limit(1 << 20)
    try:
        rows = csv.reader(io.TextIOWrapper(io.BytesIO(final), "utf-8", newline=""), strict=True)
        head = next(rows)
        id_, label, action, where = map(head.index, ("image_id", "original_label", "user_action", "split"))
        return {row[id_]: row[label] for row in rows if row[where] == split and row[action] in ("remove", "relabel")}
    except (csv.Error, ValueError, IndexError, StopIteration) as error:
        raise ListsDoNotFit(f"The final manifest can't be read: {error!r}.") from None
    finally:
        csv.field_size_limit(limit)


def verify_version(version: str | os.PathLike[str]) -> list[str]:
    """Check every file of a version by its digest, and the lists against each other; return lines that sum it up."""
    path = Path(version)
    manifest = _read_manifest(path)
    for name in manifest["sha256"]:
        _read_checked(path, manifest, name)
    if not path.is_dir():
        extra = set(_names(path)) - {*manifest["sha256"], MANIFEST}
        _refuse(f"{path.name} holds files that {MANIFEST} does not list", sorted(extra))
    by_split = [read_version(path, split) for split in manifest["splits"]]
    name = f"{manifest['dataset']}_removal_list.txt"
    combined = set(parse_removal_list(_decoded(_read_checked(path, manifest, name), name), name))
    _refuse(f"{name} and the lists by split differ", sorted(combined ^ set(chain(*(x.removed for x in by_split)))))
    name = f"{manifest['dataset']}_relabel_map.json"
    labels = parse_relabel_map(_decoded(_read_checked(path, manifest, name), name), name)
    split_labels = dict(chain.from_iterable(lists.relabelled.items() for lists in by_split))
    _refuse(f"{name} and the maps by split differ", sorted(x for x, _ in labels.items() ^ split_labels.items()))
    for lists in by_split:
        _class_numbers(lists, dict(lists.class_index))
    return [
        f"{manifest['dataset']} v{manifest['version']}: {len(manifest['sha256'])} files are as they were written.",
        *(_counts(lists, lists.size or 0) for lists in by_split),
    ]


def _counts(lists: CleaningLists, size: int) -> str:
    removed = len(lists.removed)
    where = f"{lists.split}: " if lists.split else ""
    return f"{where}{size:,} items - {removed:,} removed = {size - removed:,}, {len(lists.relabelled):,} relabelled"


# -- which rows of the dataset the ids are -----------------------------------------------------------------------------


def _find_rows(
    dataset: Any, lists: CleaningLists, ids: Sequence[Any] | None, root: str | os.PathLike[str] | None
) -> dict[str, int]:
    """The row of each listed id; refuses ids that the dataset does not have, or has more than once."""
    wanted = [*lists.removed, *lists.relabelled]
    size = len(dataset)
    if lists.size is not None and size != lists.size:
        raise ListsDoNotFit(
            f"The dataset has {size:,} items, {lists.source} is of {lists.size:,}"
            + (f" in {lists.split}." if lists.split else ".")
            + " Give the whole, raw split; or say size= where ids, not row numbers, make sure which item is which."
        )
    samples = _samples(dataset)
    if isinstance(ids, range) and ids == range(size):
        return _known({id_: int(id_) for id_ in wanted if _is_row(id_, size)}, wanted, ["0", "1"])
    if ids is not None:
        return _find_among_ids(ids, size, wanted)
    if samples is not None:
        return _find_among_paths(dataset, samples, lists.split, root, wanted)
    if hasattr(dataset, "indices") or getattr(dataset, "_indices", None) is not None:
        raise ListsDoNotFit(
            "The dataset is a part or a shuffled copy of another: its row numbers are not those of the lists. Clean "
            "first and take parts then, or say ids=."
        )
    return _known({id_: int(id_) for id_ in wanted if _is_row(id_, size)}, wanted, ["0", "1"])


def _samples(dataset: Any) -> Sequence[Any] | None:
    """The (path, label) pairs of a dataset of files."""
    for name in ("samples", "imgs"):
        found = getattr(dataset, name, None)
        if isinstance(found, list) and found and isinstance(found[0], tuple | list) and isinstance(found[0][0], str):
            return found
    return None


def _is_row(id_: str, size: int) -> bool:
    return id_.isascii() and id_.isdecimal() and len(id_) < 19 and str(int(id_)) == id_ and int(id_) < size


def _find_among_ids(ids: Sequence[Any], size: int, wanted: Sequence[str]) -> dict[str, int]:
    if len(ids) != size:
        raise ListsDoNotFit(f"There are {len(ids):,} ids for {size:,} items.")
    kinds = set(map(type, ids))
    numbers = all(issubclass(kind, Integral) and not issubclass(kind, bool) for kind in kinds)
    if not numbers and kinds != {str}:
        raise ListsDoNotFit(f"ids= must be all text or all whole numbers, not {sorted(k.__name__ for k in kinds)}.")
    if _has_repeats(ids, size):
        _refuse("ids= names several items by one id", _repeated(ids))
    lookup: dict[Any, str] = {int(x): x for x in wanted if _is_number(x)} if numbers else {x: x for x in wanted}
    return _known({lookup[id_]: row for row, id_ in enumerate(ids) if id_ in lookup}, wanted, ids[:2])


def _has_repeats(keys: Iterable[Any], size: int) -> bool:
    return len(dict.fromkeys(keys)) != size  # a set of them would take twice the memory


def _is_number(id_: str) -> bool:
    digits = id_.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < 19 and str(int(id_)) == id_


def _find_among_paths(
    dataset: Any, samples: Sequence[Any], split: str | None, root: str | os.PathLike[str] | None, wanted: Sequence[str]
) -> dict[str, int]:
    """An id is a path below ``root``; without one below the folder that holds the dataset's own, as in Winnow."""
    own = getattr(dataset, "root", root)
    if own is None:
        raise ListsDoNotFit("The dataset does not tell where its files lie: say root=, the folder where ids begin.")
    folder = os.fspath(own) if os.fspath(own).endswith(os.sep) else f"{os.fspath(own)}{os.sep}"
    if root is not None:
        below = os.path.relpath(folder, root).replace(os.sep, "/")
        start = "" if below == "." else f"{below}/"
    elif split and samples[0][0].startswith(f"{folder}{split}{os.sep}"):
        start = ""
    else:
        start = f"{Path(folder).absolute().name}/"
    if _has_repeats(map(operator.itemgetter(0), samples), len(samples)):
        _refuse("The dataset holds files twice", _repeated(path for path, *_ in samples))
    lookup = {folder + x[len(start) :].replace("/", os.sep): x for x in wanted if x.startswith(start)}
    found = {lookup[sample[0]]: row for row, sample in enumerate(samples) if sample[0] in lookup}
    looks = [start + path.removeprefix(folder).replace(os.sep, "/") for path, *_ in samples[:2]]
    return _known(found, wanted, looks)


def _known(found: dict[str, int], wanted: Sequence[str], own: Sequence[object]) -> dict[str, int]:
    like = " and ".join(map(repr, own))
    hint = f"Ids of this dataset look like {like}. Is the list of another split, or do ids begin elsewhere (root=)?"
    _refuse("The lists name ids that the dataset does not have", (x for x in wanted if x not in found), hint)
    return found


def _kept_rows(size: int, removed: Iterable[int]) -> array[int]:
    rows: array[int] = array("i" if size < 1 << 31 else "q")  # 4 bytes a row: a list would take 36
    start = 0
    for row in sorted(removed):
        rows.extend(range(start, row))
        start = row + 1
    rows.extend(range(start, size))
    return rows


# -- labels ------------------------------------------------------------------------------------------------------------


def _label_key(dataset: Any, label: int | str | None, *, is_needed: bool) -> int | str | None:
    """Where items hold their label, as far as it can be told without one: a dataset of columns names them."""
    columns = getattr(dataset, "column_names", None)
    if not isinstance(columns, list):
        return label
    keys = [key for key in ([label] if label is not None else _LABEL_KEYS) if key in columns]
    if is_needed and len(keys) != 1:
        raise ListsDoNotFit(f"Which column is the label? Say so as label=. There are: {', '.join(columns)}.")
    return keys[0] if len(keys) == 1 else None


def _class_index(dataset: Any, classes: Any, key: Any) -> dict[Any, int] | None:
    """The number of each class in the dataset's own coding, from what it tells of itself."""
    feature = (getattr(dataset, "features", None) or {}).get(key) if isinstance(key, str) else None
    for told in (classes, getattr(dataset, "class_to_idx", None), getattr(feature, "names", None),
                 getattr(dataset, "classes", None)):  # fmt: skip
        if isinstance(told, Mapping):
            return dict(told)
        if isinstance(told, Iterable) and not isinstance(told, str):
            told = list(told)
            _refuse("classes are named twice", _repeated(told))
            return {name: number for number, name in enumerate(told)}
    return None


def _has_names(index: Mapping[Any, int] | None) -> bool:
    return any(isinstance(name, str) for name in index or ())


def _class_numbers(lists: CleaningLists, index: Mapping[Any, int] | None) -> dict[str, int]:
    """The number of each relabelled id's new class."""
    if not lists.relabelled:
        return {}
    if index is None:
        raise ListsDoNotFit("The dataset does not tell its classes: give them, in order, as classes=.")
    if lists.by_index and _has_names(index):
        other = [f"{name}: {n} there, {index.get(name, 'missing')} here" for name, n in lists.class_index.items()
                 if index.get(name) != n and n in index.values()]  # fmt: skip
        _refuse(f"{lists.source} numbers classes in another way", other, "Give the right ones as classes=.")
    numbers = set(index.values())
    found = {id_: index.get(label) if isinstance(label, str) else label for id_, label in lists.relabelled.items()}
    outside = (f"{id_}: {lists.relabelled[id_]!r}" for id_, number in found.items() if number not in numbers)
    _refuse("Labels outside the dataset's classes", outside)
    return {id_: number for id_, number in found.items() if number is not None}


def _labels_at(dataset: Any, rows: Sequence[int], key: Any) -> list[Any] | None:
    """Labels of some rows where they can be had without opening an image: as names or as numbers."""
    targets, samples = getattr(dataset, "targets", None), _samples(dataset)
    if targets is not None:
        raw = [targets[row] for row in rows]
    elif samples is not None:
        raw = [samples[row][1] for row in rows]
    elif hasattr(dataset, "select_columns") and isinstance(key, str):
        raw = dataset.with_format(None).select_columns([key])[list(rows)][key]
    else:
        return None
    try:
        return [label if isinstance(label, str) else operator.index(label) for label in raw]
    except TypeError:  # several labels an item, say
        return None


def _compare_given(lists: CleaningLists, found: Mapping[str, int], index: Mapping[Any, int] | None, key: Any,
                   dataset: Any) -> str:  # fmt: skip
    """Refuse a dataset whose labels are not those that were cleaned: its rows are in another order, say."""
    ids = sorted(lists.given)
    if not ids:
        return "given labels not compared: the lists tell none"
    if lists.by_index and not _has_names(index):
        index = lists.class_index
    labels = _labels_at(dataset, [found[id_] for id_ in ids], key)
    if labels is None or not (_has_names(index) or all(isinstance(label, str) for label in labels)):
        return "given labels not compared: the dataset does not tell them, or not the names of its classes"
    pairs = ((id_, lists.given[id_], label) for id_, label in zip(ids, labels, strict=True))
    other = (f"{id_}: {label!r} here, {name!r} there" for id_, name, label in pairs
             if label != (name if isinstance(label, str) else (index or {}).get(name)))  # fmt: skip
    hint = "Is it another split or another order? Where only names of classes differ, give classes=."
    _refuse(f"Items have other labels than in {lists.source}", other, hint)
    return f"given labels of {len(ids):,} items are as in {lists.source}"


def _layers(dataset: Any) -> Iterator[Any]:
    yield dataset
    for inner in (getattr(dataset, "dataset", None), *getattr(dataset, "datasets", ())):
        if inner is not None:
            yield from _layers(inner)


def _find_target_transform(dataset: Any) -> Callable[[Any], Any] | None:
    """What the dataset does to a label before it hands it out."""
    found: list[Callable[[Any], Any]] = []
    for layer in _layers(dataset):
        joint = getattr(layer, "transforms", None)
        if joint is not None and not hasattr(joint, "target_transform"):
            raise ListsDoNotFit(
                "The dataset transforms image and label together. Say what that does to a label, as target_transform= "
                "(int, where it leaves numbers alone)."
            )
        if isinstance(form := getattr(layer, "format", None), Mapping) and form.get("type") == "custom":
            raise ListsDoNotFit(
                "The dataset transforms whole rows. Use clean_hugging_face, which cleans before it does, or say what "
                "that does to a label, as target_transform= (int, where it leaves numbers alone)."
            )
        own = getattr(layer, "target_transform", None)
        found += [own] if own is not None and own not in found else []
    if len(found) > 1:
        raise ListsDoNotFit("The dataset has several target transforms. Say target_transform= for all in one.")
    return found[0] if found else None


@dataclass(frozen=True)
class _Relabeller:
    """Puts a class into an item, in the form in which the dataset gives labels."""

    key: int | str | None
    names: Mapping[int, Any]
    target_transform: Callable[[Any], Any] | None
    transforms_names: bool

    def __call__(self, item: Any, number: int) -> Any:
        key = self._key(item)
        new = self._coded(item[key], number)
        if isinstance(item, Mapping):
            changed: Any = copy.copy(item)
            changed[key] = new
            return changed
        parts = list(item)
        parts[key] = new
        return parts if isinstance(item, list) else getattr(type(item), "_make", tuple)(parts)

    def _key(self, item: Any) -> Any:
        if self.key is not None:
            return self.key
        if isinstance(item, tuple | list) and len(item) == 2:
            return 1
        keys = [key for key in _LABEL_KEYS if key in item] if isinstance(item, Mapping) else []
        if len(keys) == 1:
            return keys[0]
        raise ListsDoNotFit(
            f"Where is the label in an item of {type(item).__name__}? Say so as label=, a key or place."
        )

    def _coded(self, old: Any, number: int) -> Any:
        if self.target_transform is not None:
            return self.target_transform(self.names[number] if self.transforms_names else number)
        if isinstance(old, str):
            return self.names[number]
        if isinstance(old, Integral):
            return type(old)(number)  # type: ignore[call-arg]
        if hasattr(old, "new_tensor") and old.ndim == 0 and not old.is_floating_point():
            return old.new_tensor(number)
        raise ListsDoNotFit(f"The dataset gives labels as {type(old).__name__}. Say target_transform=: class to label.")


# -- the dataset -------------------------------------------------------------------------------------------------------


class CleanedDataset:
    """One split of a map-style dataset, cleaned. It keeps the dataset's transforms, and can be pickled where it can.

    Args:
        dataset: the whole raw split: torchvision, Hugging Face, anything with ``__len__`` and ``__getitem__``.
        lists: as ``read_version`` gives them; ``from_version``, ``from_files`` and ``from_lists`` make them.
        ids: the id of each item, in the dataset's order. By default the path of its file where the dataset has
            ``samples`` or ``imgs``, else the row number, from 0.
        root: the folder below which ids are paths. By default the one that holds the dataset's own folder.
        classes: names of classes in the dataset's order, or name to number. By default what the dataset tells.
        label: key or place of the label in an item. By default the second of two, or the key ``label`` or ``target``.
        target_transform: what makes the label that the dataset hands out of a class. By default the dataset's own.

    Raises:
        ListsDoNotFit: names every id or label that does not fit.
    """

    def __init__(
        self,
        dataset: Any,
        lists: CleaningLists,
        *,
        ids: Sequence[Any] | None = None,
        root: str | os.PathLike[str] | None = None,
        classes: Sequence[Any] | Mapping[Any, int] | None = None,
        label: int | str | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        _refuse_other_split(dataset, lists)
        key = _label_key(dataset, label, is_needed=bool(lists.relabelled))
        found = _find_rows(dataset, lists, ids, root)
        index = _class_index(dataset, classes, key)
        numbers = _class_numbers(lists, index)
        self.lists = replace(lists, given={})  # workers need no copy of them
        self.compared = _compare_given(lists, found, index, key, dataset)
        self.new_labels = {found[id_]: number for id_, number in numbers.items()}
        self.rows = _kept_rows(len(dataset), (found[id_] for id_ in lists.removed))
        if numbers:
            sample = _labels_at(dataset, [found[next(iter(numbers))]], key) or [0]
            transform = target_transform or _find_target_transform(dataset)
            names = {number: name for name, number in reversed(list((index or {}).items()))}
            self._relabel = _Relabeller(key, names, transform, isinstance(sample[0], str))
        self.dataset = dataset

    @classmethod
    def from_version(
        cls, dataset: Any, version: str | os.PathLike[str], split: str, *, size: int | None = None, **options: Any
    ) -> CleanedDataset:
        """Clean with a version's zip, or with the folder of its files.

        ``size`` is for datasets that were changed since: how many items they have now. Other options as in the class.
        """
        lists = read_version(version, split)
        if size is not None and (options.get("ids") is None and _samples(dataset) is None):
            raise ListsDoNotFit("Where ids are row numbers, the dataset must have the size that was cleaned.")
        return cls(dataset, replace(lists, size=size or lists.size), **options)

    @classmethod
    def from_files(
        cls,
        dataset: Any,
        removal_list: str | os.PathLike[str] | None = None,
        relabel_map: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> CleanedDataset:
        """Clean with a removal list, a relabel map or both, without a version that vouches for them."""
        removed: list[str] = []
        relabelled: dict[str, str | int] = {}
        if removal_list is not None:
            removed = parse_removal_list(
                _decoded(Path(removal_list).read_bytes(), str(removal_list)), str(removal_list)
            )
        if relabel_map is not None:
            relabelled = parse_relabel_map(_decoded(Path(relabel_map).read_bytes(), str(relabel_map)), str(relabel_map))
        if (removal_list is not None and not removed) or not (removed or relabelled):
            raise ListsDoNotFit(f"{removal_list or relabel_map or 'No list'} names nothing. Leave out what is empty.")
        source = " and ".join(Path(path).name for path in (removal_list, relabel_map) if path is not None)
        return cls(dataset, CleaningLists(removed, relabelled, source), **options)

    @classmethod
    def from_lists(
        cls,
        dataset: Any,
        removed: Iterable[Any] = (),
        relabelled: Mapping[Any, str | int] | None = None,
        **options: Any,
    ) -> CleanedDataset:
        """Clean with ids, numbers or text, and new labels that you have at hand."""
        labels = list((relabelled or {}).items())
        _refuse("relabelled names ids twice", _repeated(str(id_) for id_, _ in labels))
        return cls(dataset, CleaningLists([str(x) for x in removed], {str(x): new for x, new in labels}), **options)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        row = self.rows[operator.index(index)]
        item = self.dataset[row]
        return self._relabel(item, self.new_labels[row]) if row in self.new_labels else item

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Several items at once, which a ``DataLoader`` asks for where the dataset is fast at that."""
        rows = [self.rows[operator.index(index)] for index in indices]
        many = getattr(self.dataset, "__getitems__", None)
        items = many(rows) if many else [self.dataset[row] for row in rows]
        pairs = zip(rows, items, strict=True)
        return [self._relabel(item, self.new_labels[row]) if row in self.new_labels else item for row, item in pairs]

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __getattr__(self, name: str) -> Any:
        if name in _CLEANED:
            self.__dict__[name] = value = self._cleaned(name)
            return value
        if name in _PASSED_ON:
            return getattr(self.dataset, name)
        raise AttributeError(
            f"{name!r} is not passed on, for it might be raw. Where you know that it is not, take .dataset.{name}."
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _PASSED_ON or name in _CLEANED:
            raise AttributeError(f"Set {name!r} on the dataset that was wrapped, and wrap it again.")
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _CLEANED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _cleaned(self, name: str) -> list[Any]:
        """``targets`` or ``samples`` as a list, in the order of the cleaned dataset and with its labels."""
        if name == "targets" and not hasattr(self.dataset, "targets"):
            return [sample[1] for sample in self.samples]
        raw = getattr(self.dataset, name)
        new = self.new_labels
        if name == "targets":
            return [self._target(raw[row], new[row]) if row in new else raw[row] for row in self.rows]
        return [(raw[row][0], self._target(raw[row][1], new[row])) if row in new else raw[row] for row in self.rows]

    def _target(self, old: Any, number: int) -> Any:
        return replace(self._relabel, target_transform=None)._coded(old, number)

    def report(self) -> str:
        """What was removed and relabelled, in a few lines for the log of a training run."""
        into = Counter(str(label) for label in self.lists.relabelled.values()).most_common(5)
        lines = [f"{self.lists.source}, {_counts(self.lists, len(self) + len(self.lists.removed))}", self.compared]
        return "\n  ".join(
            [*lines, *([f"most relabelled to: {', '.join(f'{x} ({n:,})' for x, n in into)}"] * bool(into))]
        )

    def __repr__(self) -> str:
        counts = _counts(self.lists, len(self) + len(self.lists.removed))
        return f"CleanedDataset({type(self.dataset).__name__}, {self.lists.source}, {counts})"


def _refuse_other_split(dataset: Any, lists: CleaningLists) -> None:
    root = getattr(dataset, "root", None)
    folder = Path(root).absolute().name if root is not None else None
    own = str(getattr(dataset, "split", None) or folder)
    if lists.split and own != lists.split and own in lists.splits:
        raise ListsDoNotFit(f"The dataset is the split {own!r}; the lists are of {lists.split!r}.", [own])


def clean_hugging_face(dataset: Any, version: str | os.PathLike[str], split: str, **options: Any) -> Any:
    """A ``datasets.Dataset`` cleaned with a version: the same columns and features, without copying any image.

    Options are those of ``CleanedDataset``; ids are row numbers where ``ids`` does not say otherwise.
    """
    import datasets

    if not isinstance(dataset, datasets.Dataset):
        raise ListsDoNotFit(f"Give one split, a datasets.Dataset, not {type(dataset).__name__}.")
    cleaned = CleanedDataset.from_version(dataset.with_format(None), version, split, **options)
    if cleaned.new_labels:
        dataset = _with_column(dataset, cleaned)
    return dataset.select(cleaned.rows)


def _with_column(dataset: Any, cleaned: CleanedDataset) -> Any:
    import numpy  # comes with datasets

    # A new column beside the others: dataset.map would decode and write every image again.
    key = cleaned._relabel.key
    labels = dataset.with_format(None)[key][:]
    for row, number in cleaned.new_labels.items():
        labels[row] = cleaned._target(labels[row], number)
    if set(map(type, labels)) == {int}:
        labels = numpy.array(labels)  # datasets takes seconds to fingerprint as long a list
    changed = dataset.with_format(None).remove_columns(key).add_column(key, labels, feature=dataset.features[key])
    return changed.select_columns(dataset.column_names).with_format(**dataset.format)


def main(arguments: Sequence[str]) -> int:
    """Check a version's zip or folder; 0 only where everything is as it was written."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python cleaned_dataset.py VERSION.zip\n")
        return 2
    try:
        lines = verify_version(arguments[0])
    except (ListsDoNotFit, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
