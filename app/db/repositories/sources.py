"""Dataset sources: where a project's images lie, and the place of one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from app.db.models.projects import Project, Sample, Source
from app.db.repositories.projects import labels_by_key
from app.domain.errors import NotFound
from app.domain.sources import Box, ImagePlace, SourceKind, SourceSpec, shown_path


def list_sources(session: Session, project_id: int) -> list[Source]:
    """In the order in which they were added."""
    return list(session.scalars(select(Source).where(Source.project_id == project_id).order_by(Source.id)))


def get_source(session: Session, project_id: int, source_id: int) -> Source:
    source = session.get(Source, source_id)
    if source is None or source.project_id != project_id:
        raise NotFound(f"This project has no source {source_id}.")
    return source


def as_spec(source: Source) -> SourceSpec:
    return SourceSpec(SourceKind(source.kind), Path(source.root), dict(source.options))


def roots_of(session: Session, project_id: int) -> dict[int, Path]:
    """Where each source of a project lies, by its number."""
    query = select(Source.id, Source.root).where(Source.project_id == project_id).order_by(Source.id)
    return {id_: Path(root) for id_, root in session.execute(query)}


def make_place(root: str | Path, key: str, locator: str | None, box: Sequence[float] | None) -> ImagePlace:
    return ImagePlace(Path(root), key, locator, Box(*box) if box else None)


class Places:
    """The places of one project's images; its sources are looked up once."""

    def __init__(self, session: Session, project_id: int) -> None:
        self._roots = roots_of(session, project_id)

    def __call__(self, sample: Sample) -> ImagePlace:
        return make_place(self._roots[sample.source_id], sample.key, sample.locator, sample.box)


PLACE = (Source.root, Sample.key, Sample.locator, Sample.box)
"""The columns that ``make_place`` takes."""


def find_place(session: Session, sample_id: int) -> tuple[str, ImagePlace] | None:
    """(project slug, place) of a sample."""
    query = select(Project.slug, *PLACE).join(Sample, Sample.project_id == Project.id)
    row = session.execute(query.join(Source, Source.id == Sample.source_id).where(Sample.id == sample_id)).first()
    return row if row is None else (row[0], make_place(*row[1:]))


def places_of_keys(session: Session, project_id: int, keys: Sequence[str]) -> dict[str, ImagePlace]:
    """The places of these samples by key."""
    found: dict[str, ImagePlace] = {}
    query = select(*PLACE).join(Source, Source.id == Sample.source_id).where(Sample.project_id == project_id)
    for start in range(0, len(keys), 500):
        for row in session.execute(query.where(Sample.key.in_(keys[start : start + 500]))):
            found[row.key] = make_place(*row)
    return found


def spread_places(session: Session, source: Source, most: int) -> list[tuple[str, str | None]]:
    """(key, locator) of at most so many samples of a source, spread over all of it."""
    step = max(1, source.samples // most)
    query = select(Sample.key, Sample.locator).where(Sample.source_id == source.id, Sample.id % step == 0)
    return [(key, locator) for key, locator in session.execute(query.order_by(Sample.id).limit(most))]


def known_names(session: Session, project_id: int) -> dict[str, tuple[int, str]]:
    """Sample id and given label by every name that exports may use: the key, and of images that are called by an id the
    path of their file too. A path with which its key ends is not listed: it is found by its end."""
    known = labels_by_key(session, project_id)
    if not _has_other_sources(session, project_id):
        return known  # in a folder, the key is the file's path
    named = select(Sample.key, Sample.locator).where(
        Sample.project_id == project_id, Sample.locator.like('["file", %'), Sample.box.is_(None)
    )
    for key, locator in session.execute(named):
        path = shown_path(key, locator)
        if not key.endswith(f"/{path}"):
            known.setdefault(path, known[key])
    return known


class KeyPlaces:
    """The places of a project's images by key, for whoever asks for many: all are looked up at once."""

    def __init__(self, session: Session, project_id: int) -> None:
        self._roots = roots_of(session, project_id)
        query = select(Sample.key, Sample.source_id, Sample.locator).where(Sample.project_id == project_id)
        if len(self._roots) == 1:
            query = query.where(Sample.locator.is_not(None))  # the others lie where their key says
        self._known = {key: (source_id, locator) for key, source_id, locator in session.execute(query)}
        self._sole = next(iter(self._roots), 0)

    def __call__(self, key: str) -> ImagePlace:
        source_id, locator = self._known.get(key, (self._sole, None))
        return ImagePlace(self._roots[source_id], key, locator)


def image_places(session: Session, project_id: int, split: str, first: int, last: int) -> list[ImagePlace]:
    """Places of a split's images with ``first <= id <= last``, by id. Objects are left out: their image is there."""
    query = (
        select(*PLACE)
        .join(Source, Source.id == Sample.source_id)
        .where(
            Sample.project_id == project_id, Sample.split == split, Sample.id >= first, Sample.id <= last,
            Sample.box.is_(None),
        )
        .order_by(Sample.id)
    )  # fmt: skip
    return [make_place(*row) for row in session.execute(query)]


def _has_other_sources(session: Session, project_id: int) -> bool:
    """Whether any source is no plain folder."""
    other = select(Source.id).where(Source.project_id == project_id, Source.kind != SourceKind.FOLDER.value).limit(1)
    return session.scalar(other) is not None


def bare_splits(session: Session, project_id: int) -> list[str]:
    """Splits all of whose samples have an id besides their key: lists name them by it."""
    sources = list_sources(session, project_id)
    with_ids = [s for s in sources if s.kind != SourceKind.FOLDER.value and not _names_by_path(s)]
    if not with_ids:
        return []
    splits = select(Sample.split).where(Sample.project_id == project_id).group_by(Sample.split)
    if len(with_ids) < len(sources):
        splits = splits.having(func.count() == func.count(Sample.image_id))
    return sorted(session.scalars(splits))


def _names_by_path(source: Source) -> bool:
    return source.kind == SourceKind.MANIFEST.value and not source.options.get("id_column")


def paths_of_samples(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Paths of those samples whose file is not what their key says."""
    found: dict[int, str] = {}
    query = select(Sample.id, Sample.key, Sample.locator).where(Sample.locator.is_not(None))
    for start in range(0, len(ids), 500):
        for id_, key, locator in session.execute(query.where(Sample.id.in_(ids[start : start + 500]))):
            found[id_] = shown_path(key, locator)
    return found


def has_repeated_ids(session: Session, project_id: int, sizes: Mapping[str, int]) -> bool:
    """Whether an id occurs in two of the splits whose samples have ids. ``sizes`` are samples by split.

    One by one the samples of the smaller split are looked up in the larger one, until one is found.
    """
    bare = sorted(bare_splits(session, project_id), key=lambda split: sizes.get(split, 0))
    there = aliased(Sample)
    for place, small in enumerate(bare):
        for large in bare[place + 1 :]:
            same = (there.project_id == project_id) & (there.key == f"{large}/" + Sample.image_id)
            here = (Sample.project_id == project_id) & (Sample.split == small)
            if session.scalar(select(Sample.id).join(there, same).where(here).limit(1)) is not None:
                return True
    return False
