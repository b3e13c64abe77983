"""The splits of a project for a comparison of trainings: images with their given labels, and their flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.db.repositories import labelled as repository
from app.db.repositories import sources as sources_repository
from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.samples import Flag
from app.domain.sources import ImagePlace
from app.services.projects import Access


@dataclass(frozen=True, slots=True)
class LabelledSplit:
    """Images by key, which is unique in the project. ``key_of`` is the key by the id that a version's lists of this
    split use."""

    places: tuple[ImagePlace, ...]
    labels: tuple[str, ...]
    key_of: Mapping[str, str]
    flags: tuple[tuple[str, Flag], ...]


def read_labelled_split(session: Session, access: Access, split: str) -> LabelledSplit:
    """
    Raises:
        InvalidInput: the project has no labelled images in a split of that name.
    """
    rows = repository.images_of_split(session, access.id, split)
    if not rows:
        raise InvalidInput(
            f"{access.project.name} has no labelled images in a split {split!r} to train or measure a classifier with."
        )
    is_bare = split in sources_repository.bare_splits(session, access.id)
    return LabelledSplit(
        tuple(place for _, _, place in rows),
        tuple(label for _, label, _ in rows),
        {(image_id if is_bare and image_id else place.key): place.key for image_id, _, place in rows},
        tuple(repository.flags_of_split(session, access.id, split)),
    )
