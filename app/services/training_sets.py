"""What a project offers to a comparison of trainings: two splits, ways to clean the first, and what is known to leak.

The page, REST and ``winnow compare --project`` read it here, so all three compare the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.cleaned_dataset import ListsDoNotFit, read_version
from app.db.repositories import labelled as labelled_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import versions as versions_repository
from app.db.session import Session
from app.domain.errors import InvalidFile, NotReady
from app.domain.retraining.conditions import Condition, ConditionKind, Lists
from app.domain.retraining.unseen_flags import apply_unseen
from app.domain.sources import ImagePlace
from app.services.labelled_splits import LabelledSplit, read_labelled_split
from app.services.projects import Access
from app.services.version_files import find_manifest

FLAGS, REVIEWED = "flags", "reviewed"
"""Names of conditions: flags as if nobody had looked at them, and the version where one alone is compared."""


@dataclass(frozen=True, slots=True)
class SplitImages:
    """Images of one split in a fixed order: unique keys, where each lies, its given label."""

    ids: tuple[str, ...]
    places: tuple[ImagePlace, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrainingSets:
    """``conditions`` are those that were asked for; ``corrected`` is what the newest of the versions changes in the
    evaluation split, which is only measured apart; ``leaked`` are evaluation images in a pair that nobody rejected."""

    name: str
    train: SplitImages
    evaluation: SplitImages
    classes: tuple[str, ...]
    conditions: tuple[Condition, ...]
    corrected: Lists
    leaked: frozenset[str]


def read_training_sets(
    session: Session, access: Access, *, train_split: str, test_split: str, versions: Sequence[int], flags: bool,
    min_confidence: float, folder: Path,
) -> TrainingSets:  # fmt: skip
    """``folder`` is where the files of versions lie. Without flags in the split there is no condition of flags.

    Classes are the labels of both splits, and those that a condition gives where they are classes of the project.

    Raises:
        InvalidInput: a split has no labelled images.
        NotFound: there is no such version.
        NotReady: a version's files are still being written.
        InvalidFile: a version's files are not as they were written.
    """
    train, test = (read_labelled_split(session, access, split) for split in (train_split, test_split))
    labels = {*train.labels, *test.labels}
    conditions, corrected = [], Lists()
    if flags and train.flags:
        conditions.append(_unseen(train, min_confidence))
    for number in sorted(set(versions)):
        files = _files_of(session, access, number, folder)
        lists, about = _lists_of(files, train, train_split)
        name = REVIEWED if len(set(versions)) == 1 else f"version {number}"
        conditions.append(Condition(name, ConditionKind.LISTS, about, lists))
        corrected, _ = _lists_of(files, test, test_split)
    given = {label for one in (*(c.lists for c in conditions), corrected) for label in one.relabelled.values()}
    known = projects_repository.class_index(session, access.id)
    return TrainingSets(
        access.project.name, _images(train), _images(test), tuple(sorted(labels | (given & known.keys()))),
        tuple(conditions), corrected,
        frozenset(labelled_repository.leaked_keys(session, access.id, train_split, test_split))
        & {place.key for place in test.places},
    )  # fmt: skip


def _images(split: LabelledSplit) -> SplitImages:
    return SplitImages(tuple(place.key for place in split.places), split.places, split.labels)


def _unseen(train: LabelledSplit, min_confidence: float) -> Condition:
    lists, left = apply_unseen(train.flags, min_confidence)
    unused = f" {sum(left.values()):,} flags name nothing to do, or are not sure enough." if left else ""
    told = f"The project's flags applied as they are, unseen by anybody.{unused}"
    return Condition(FLAGS, ConditionKind.LISTS, told, lists)


def _files_of(session: Session, access: Access, number: int, folder: Path) -> Path:
    version = versions_repository.get_version(session, access.id, number)
    if not versions_repository.list_files(session, version.id):
        raise NotReady(f"The files of version {number} are still being written, or were never: see the version's page.")
    return find_manifest(session, access, number, folder).parent


def _lists_of(version: Path, split: LabelledSplit, name: str) -> tuple[Lists, str]:
    """The version's lists of one split, by key."""
    lists, about = read_version_lists(version, tuple(sorted(set(split.labels))), name)
    # An id that is no labelled image's stays as it is, and is refused by name where the condition is checked.
    removed = frozenset(split.key_of.get(id_, id_) for id_ in lists.removed)
    return Lists(removed, {split.key_of.get(id_, id_): label for id_, label in lists.relabelled.items()}), about


def read_version_lists(version: Path, classes: Sequence[str], split: str) -> tuple[Lists, str]:
    """The lists of a version's zip or folder by the dataset's ids, and a sentence that says what they are.

    Raises:
        InvalidFile: it is no whole version, or has no such split.
    """
    try:
        found = read_version(version, split)
    except ListsDoNotFit as error:
        raise InvalidFile(str(error)) from error
    named = {id_: name_label(label, classes, found.class_index) for id_, label in found.relabelled.items()}
    return Lists(frozenset(found.removed), named), f"{found.source}, as people reviewed it."


def name_label(label: str | int, classes: Sequence[str], index: Mapping[str, int] | None = None) -> str:
    """A label by its class's name. A number that no class has is handed on as text, which is refused as a label outside
    the classes."""
    if isinstance(label, str):
        return label
    by_number = {number: name for name, number in (index or {name: n for n, name in enumerate(classes)}).items()}
    return by_number.get(int(label), str(label))
