"""Leak pairs added up: scores, transforms and classes of a run, and the links that groups are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from app.db.models.leaks import LeakMatch, LeakPair
from app.db.repositories.leaks import IS_ACCEPTED, IS_REVIEWABLE, Test, Train, found_by
from app.domain.leaks import MIN_SCORE, LeakType, Verdict

_CHUNK = 500


@dataclass(frozen=True)
class LinkRow:
    """An accepted pair as a link of groups. ``score`` is 1 where people confirmed it, ``similarity`` ranks the pair.

    ``has_labels_apart`` is whether its images carried different labels when it was found.
    """

    pair_id: int
    train_id: int
    test_id: int
    score: float
    train_split: str
    test_split: str
    similarity: float
    verdict: str
    has_labels_apart: bool


@dataclass(frozen=True)
class TransformRow:
    """How many pairs came about by this transform, and the surest of them."""

    transform: str
    pairs: int
    score: float | None
    train_id: int
    test_id: int


def _accepted_of(run_id: int) -> Any:
    """Ids of the pairs that a run accepted."""
    return select(LeakMatch.pair_id).where(LeakMatch.run_id == run_id, IS_ACCEPTED)


def score_bins(session: Session, run_id: int, bins: int) -> dict[int, tuple[int, int]]:
    """(accepted, rejected) pairs of a run by bin of their score; a score of 1 counts to the last bin."""
    is_accepted = func.max(case((IS_ACCEPTED, 1), else_=0)).label("is_accepted")
    of_pair = (
        select(func.max(LeakMatch.score).label("score"), is_accepted)
        .where(LeakMatch.run_id == run_id, LeakMatch.score.is_not(None))
        .group_by(LeakMatch.pair_id)
        .subquery()
    )
    # A cast rounds on PostgreSQL and cuts off on SQLite, and not every SQLite has floor().
    scaled = of_pair.c.score * bins
    whole = cast(scaled, Integer)
    floor = case((whole > scaled, whole - 1), else_=whole)
    bin_ = case((floor >= bins, bins - 1), else_=floor)
    query = select(bin_, func.sum(of_pair.c.is_accepted), func.count()).group_by(bin_)
    return {int(at): (int(accepted), int(count - accepted)) for at, accepted, count in session.execute(query)}


def transforms(session: Session, run_id: int) -> list[TransformRow]:
    """What was done to the images of the pairs that a run accepted and people did not reject."""
    order = func.row_number().over(partition_by=LeakPair.transform, order_by=(LeakPair.similarity.desc(), LeakPair.id))
    pairs = func.count().over(partition_by=LeakPair.transform)
    numbered = (
        select(
            LeakPair.transform, LeakPair.score, LeakPair.train_sample_id, LeakPair.test_sample_id,
            order.label("place"), pairs.label("pairs"),
        )
        .where(LeakPair.id.in_(_accepted_of(run_id)), LeakPair.transform.is_not(None), IS_REVIEWABLE, _NOT_REJECTED)
        .subquery()
    )  # fmt: skip
    columns = numbered.c
    query = select(
        columns.transform, columns.pairs, columns.score, columns.train_sample_id, columns.test_sample_id
    ).where(columns.place == 1)
    return [TransformRow(*row) for row in session.execute(query)]


def class_pairs(session: Session, run_id: int) -> list[tuple[str, str, int]]:
    """(train class, test class, pairs) of the pairs that a run accepted and people did not reject."""
    query = (
        select(Train.given_label, Test.given_label, func.count())
        .select_from(LeakPair)
        .join(Train, Train.id == LeakPair.train_sample_id)
        .join(Test, Test.id == LeakPair.test_sample_id)
        .where(LeakPair.id.in_(_accepted_of(run_id)), IS_REVIEWABLE, _NOT_REJECTED)
        .group_by(Train.given_label, Test.given_label)
    )
    return [(train, test, count) for train, test, count in session.execute(query)]


_NOT_REJECTED = LeakPair.verdict != Verdict.REJECTED.value

_HOLDS = or_(
    LeakPair.verdict == Verdict.CONFIRMED.value,
    and_(
        LeakPair.verdict == Verdict.OPEN.value,
        LeakPair.leak_type.not_in((LeakType.REJECTED.value, LeakType.SAME_SCENE.value)),
        or_(LeakPair.score.is_(None), LeakPair.score >= MIN_SCORE),
    ),
)
"""Whether a pair may hold a group: people confirmed it, or said nothing yet and it is surely enough one shot."""


def _links() -> Any:
    strength = case((LeakPair.verdict == Verdict.CONFIRMED.value, 1.0), else_=LeakPair.similarity)
    query = select(
        LeakPair.id, LeakPair.train_sample_id, LeakPair.test_sample_id, strength, Train.split, Test.split,
        LeakPair.similarity, LeakPair.verdict, LeakPair.label_conflict,
    )  # fmt: skip
    query = query.join(Train, Train.id == LeakPair.train_sample_id)
    return query.join(Test, Test.id == LeakPair.test_sample_id).where(_HOLDS)


def links(
    session: Session, project_id: int, run_id: int | None = None, samples: Sequence[int] | None = None
) -> list[LinkRow]:
    """Links of a project, of what one run accepted, or of these samples alone."""
    query = _links()
    if run_id is not None:
        query = query.where(found_by(run_id))
    if samples is None:
        return [LinkRow(*row) for row in session.execute(query.where(LeakPair.project_id == project_id))]
    found: dict[int, LinkRow] = {}
    for start in range(0, len(samples), _CHUNK):
        chunk = list(samples[start : start + _CHUNK])
        # Two questions, for each of which there is an index; with "or", or the project, another one would be taken.
        for side in (LeakPair.train_sample_id, LeakPair.test_sample_id):
            found |= {row[0]: LinkRow(*row) for row in session.execute(query.where(side.in_(chunk)))}
    return list(found.values())


def ranked_links(
    session: Session,
    project_id: int,
    verdict: str,
    *,
    after: tuple[float, int] | None,
    limit: int,
    labels_apart: bool = False,
) -> list[LinkRow]:
    """Links of one verdict, the most similar first, from behind (similarity, pair id) ``after``."""
    query = _links().where(LeakPair.project_id == project_id, LeakPair.verdict == verdict)
    if labels_apart:
        query = query.where(LeakPair.label_conflict)
    if after is not None:
        similarity, id_ = after
        later = and_(LeakPair.similarity == similarity, LeakPair.id > id_)
        query = query.where(LeakPair.similarity <= similarity, or_(LeakPair.similarity < similarity, later))
    query = query.order_by(LeakPair.similarity.desc(), LeakPair.id).limit(limit)
    return [LinkRow(*row) for row in session.execute(query)]


def count_links(session: Session, project_id: int) -> int:
    """Number of pairs that may hold a group."""
    return (
        session.scalar(select(func.count()).select_from(LeakPair).where(LeakPair.project_id == project_id, _HOLDS)) or 0
    )
