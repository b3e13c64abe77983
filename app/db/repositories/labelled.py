"""A split as a training job sees it: each image with its given label, and its flags."""

from __future__ import annotations

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from app.db.models.imports import FlagRow
from app.db.models.leaks import LeakPair
from app.db.models.projects import Sample, Source
from app.db.repositories.flags import as_flag
from app.db.repositories.leaks import IS_REVIEWABLE
from app.db.repositories.sources import PLACE, make_place
from app.domain.samples import NO_LABEL, Flag
from app.domain.sources import ImagePlace


def images_of_split(session: Session, project_id: int, split: str) -> list[tuple[str | None, str, ImagePlace]]:
    """Id beside the key, given label and place of each labelled image, by key. Objects in images are left out."""
    query = (
        select(Sample.image_id, Sample.given_label, *PLACE)
        .join(Source, Source.id == Sample.source_id)
        .where(
            Sample.project_id == project_id, Sample.split == split, Sample.box.is_(None),
            Sample.given_label != NO_LABEL,
        )
        .order_by(Sample.key)
    )  # fmt: skip
    rows = session.execute(query)
    return [(image_id, label, make_place(root, key, locator, box)) for image_id, label, root, key, locator, box in rows]


def flags_of_split(session: Session, project_id: int, split: str) -> list[tuple[str, Flag]]:
    """Key and flag of each flag on an image of the split, by key."""
    query = (
        select(Sample.key, FlagRow)
        .join(FlagRow, FlagRow.sample_id == Sample.id)
        .where(Sample.project_id == project_id, Sample.split == split, Sample.box.is_(None))
        .order_by(Sample.key, FlagRow.id)
    )
    return [(key, as_flag(row)) for key, row in session.execute(query)]


def leaked_keys(session: Session, project_id: int, train: str, evaluation: str) -> set[str]:
    """Keys of images of the split ``evaluation`` that stand in a pair with one of ``train``, rejected pairs apart.

    Either may be the pair's first side: a search may have gone the other way round.
    """
    first, second = aliased(Sample), aliased(Sample)
    query = (
        select(first.split, first.key, second.key)
        .select_from(LeakPair)
        .join(first, first.id == LeakPair.train_sample_id)
        .join(second, second.id == LeakPair.test_sample_id)
        .where(
            LeakPair.project_id == project_id, LeakPair.verdict != "rejected", IS_REVIEWABLE,
            or_(
                and_(first.split == train, second.split == evaluation),
                and_(first.split == evaluation, second.split == train),
            ),
        )
    )  # fmt: skip
    return {two if split == train else one for split, one, two in session.execute(query)}
