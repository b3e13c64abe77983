"""A project and one of its versions, as ``winnow compare`` takes them.

Images come from their sources, wherever these lie; conditions are the version's lists, and the flags as if nobody had
looked at them.
"""

from __future__ import annotations

import argparse

from app.cli.environment import open_database, settings_from
from app.cli.export import find_version
from app.cli.local_actor import ensure_owner, owner_access
from app.domain.accounts import slugify
from app.services.training_sets import SplitImages, TrainingSets, read_training_sets
from workers.engines.decoding import ImageRef, ref_of


def read_project(args: argparse.Namespace) -> TrainingSets:
    """Both splits, the conditions ``flags`` and ``reviewed``, and what the version changes in the evaluation set.

    Raises:
        NotFound: no such project or version.
        InvalidInput: a split has no labelled images.
        InvalidFile: the version's files are not as they were written.
    """
    settings = settings_from(args)
    database = open_database(settings)
    ensure_owner(database)
    with database.reading() as session:
        access = owner_access(session, slugify(args.project))
        return read_training_sets(
            session, access, train_split=args.train_split, test_split=args.test_split,
            versions=[find_version(session, access, args.version_number).number], flags=True,
            min_confidence=args.min_confidence, folder=settings.folder("versions"),
        )  # fmt: skip


def refs_of(images: SplitImages) -> tuple[ImageRef, ...]:
    return tuple(ref_of(place) for place in images.places)
