"""A project and one of its versions, as ``winnow compare`` takes them.

Images come from their sources, wherever these lie; conditions are the version's lists, and the flags as if nobody had
looked at them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from app.cli.compare_inputs import Images, read_lists
from app.cli.environment import open_database, settings_from
from app.cli.export import copy_deliverables
from app.cli.local_actor import ensure_owner, owner_access
from app.domain.accounts import slugify
from app.domain.retraining.conditions import Condition, ConditionKind, LabelledSet, Lists
from app.domain.retraining.unseen_flags import apply_unseen
from app.services.labelled_splits import LabelledSplit, read_labelled_split
from workers.engines.decoding import ref_of


@dataclass(frozen=True, slots=True)
class ProjectSets:
    """Both splits of a project, its conditions ``flags`` and ``reviewed``, and what the version changes in the
    evaluation set, which is only measured apart."""

    name: str
    train: Images
    test: Images
    conditions: tuple[Condition, ...]
    corrected: Lists


def read_project(args: argparse.Namespace) -> ProjectSets:
    """
    Raises:
        NotFound: no such project or version.
        InvalidInput: a split has no labelled images.
        InvalidFile: the version's files are not as they were written.
    """
    settings = settings_from(args)
    database = open_database(settings)
    ensure_owner(database)
    slug = slugify(args.project)
    with database.reading() as session:
        access = owner_access(session, slug)
        train, test = (read_labelled_split(session, access, split) for split in (args.train_split, args.test_split))
        name = access.project.name
    with TemporaryDirectory(prefix="winnow-compare-") as folder:
        number = args.version_number
        (version,) = copy_deliverables(settings, database, slug, number, Path(folder), as_zip=True)
        reviewed, about = _lists_of(version, train, args.train_split)
        corrected, _ = _lists_of(version, test, args.test_split)
    conditions = [Condition("reviewed", ConditionKind.LISTS, about, reviewed)]
    if train.flags:
        unseen, left = apply_unseen(train.flags, args.min_confidence)
        unused = f" {sum(left.values()):,} flags name nothing to do, or are not sure enough." if left else ""
        told = f"The project's flags applied as they are, unseen by anybody.{unused}"
        conditions.insert(0, Condition("flags", ConditionKind.LISTS, told, unseen))
    return ProjectSets(name, _images(train), _images(test), tuple(conditions), corrected)


def _images(split: LabelledSplit) -> Images:
    refs = tuple(ref_of(place) for place in split.places)
    return Images(tuple(ref.key for ref in refs), refs, split.labels)


def _lists_of(version: Path, split: LabelledSplit, name: str) -> tuple[Lists, str]:
    """The version's lists of one split, by key."""
    base = LabelledSet((), (), tuple(sorted(set(split.labels))))
    lists, about = read_lists([version], base, name)
    # An id that is no labelled image's stays as it is, and is refused by name where the condition is checked.
    removed = frozenset(split.key_of.get(id_, id_) for id_ in lists.removed)
    return replace(
        lists, removed=removed, relabelled={split.key_of.get(i, i): x for i, x in lists.relabelled.items()}
    ), about
