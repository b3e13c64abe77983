"""Leak runs, pairs, matches and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from app.db.models.accounts import User
from app.db.models.leaks import LeakMatch, LeakPair, LeakProblem, LeakRun, LeakVerdictEvent
from app.db.models.projects import Sample
from app.domain.errors import NotFound
from app.domain.leaks import LeakType

Train = aliased(Sample)
Test = aliased(Sample)

IS_REVIEWABLE = LeakPair.leak_type != LeakType.REJECTED.value
"""Whether any run accepted the pair. The others are for reports alone: no list, count or merge has them."""

IS_ACCEPTED = LeakMatch.leak_type != LeakType.REJECTED.value
"""Whether a match stood the check of the pixels, or was never checked."""


@dataclass(frozen=True)
class OtherSide:
    """The other image of a pair that was not rejected."""

    sample: Sample
    similarity: float
    verdict: str


@dataclass(frozen=True)
class PairRow:
    pair: LeakPair
    train: Sample
    test: Sample
    decided_by: str | None


@dataclass(frozen=True)
class PairFilter:
    """Which pairs to list. ``cursor`` is (similarity, id) of the last one seen."""

    verdict: str | None = None
    method: str | None = None
    run_id: int | None = None
    min_similarity: float | None = None
    transform: str | None = None
    min_score: float | None = None


def list_runs(session: Session, project_id: int) -> list[LeakRun]:
    return list(session.scalars(select(LeakRun).where(LeakRun.project_id == project_id).order_by(LeakRun.id.desc())))


def get_run(session: Session, project_id: int, run_id: int) -> LeakRun:
    run = session.get(LeakRun, run_id)
    if run is None or run.project_id != project_id:
        raise NotFound(f"This project has no leak run {run_id}.")
    return run


def find_run_of_job(session: Session, job_id: int) -> LeakRun | None:
    return session.scalar(select(LeakRun).where(LeakRun.job_id == job_id))


def next_run_number(session: Session, project_id: int) -> int:
    newest = session.scalar(select(func.max(LeakRun.number)).where(LeakRun.project_id == project_id))
    return (newest or 0) + 1


def pairs_by_samples(session: Session, project_id: int) -> dict[tuple[int, int], LeakPair]:
    query = select(LeakPair).where(LeakPair.project_id == project_id)
    return {(pair.train_sample_id, pair.test_sample_id): pair for pair in session.scalars(query)}


def add_pairs(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 10_000):
        session.execute(insert(LeakPair), list(rows[start : start + 10_000]))


def add_matches(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 10_000):
        session.execute(insert(LeakMatch), list(rows[start : start + 10_000]))


def add_problems(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 10_000):
        session.execute(insert(LeakProblem), list(rows[start : start + 10_000]))


def list_problems(session: Session, run_id: int) -> list[LeakProblem]:
    return list(session.scalars(select(LeakProblem).where(LeakProblem.run_id == run_id).order_by(LeakProblem.key)))


def matches_of_pairs(
    session: Session, pair_ids: Sequence[int], run_id: int | None = None, *, include_rejected: bool = False
) -> dict[int, list[LeakMatch]]:
    """Matches by pair: of one run, or the newest run's of each method that accepted it."""
    found: dict[int, list[LeakMatch]] = {id_: [] for id_ in pair_ids}
    for start in range(0, len(pair_ids), 500):
        query = select(LeakMatch).where(LeakMatch.pair_id.in_(pair_ids[start : start + 500]))
        if run_id is not None:
            query = query.where(LeakMatch.run_id == run_id)
        if not include_rejected:
            query = query.where(IS_ACCEPTED)
        for match in session.scalars(query.order_by(LeakMatch.run_id.desc(), LeakMatch.method)):
            if all(known.method != match.method for known in found[match.pair_id]):
                found[match.pair_id].append(match)
    return found


def found_by(run_id: int | None = None, method: str | None = None, *, include_rejected: bool = False) -> Any:
    """Whether this run, or this method in any run, found the pair."""
    found = select(LeakMatch.id).where(LeakMatch.pair_id == LeakPair.id)
    found = found if run_id is None else found.where(LeakMatch.run_id == run_id)
    found = found if method is None else found.where(LeakMatch.method == method)
    return (found if include_rejected else found.where(IS_ACCEPTED)).exists()


def _pair_query() -> Any:
    return (
        select(LeakPair, Train, Test, User.username)
        .join(Train, Train.id == LeakPair.train_sample_id)
        .join(Test, Test.id == LeakPair.test_sample_id)
        .outerjoin(User, User.id == LeakPair.decided_by)
    )


def list_pairs(
    session: Session, project_id: int, wanted: PairFilter, cursor: tuple[float, int] | None, limit: int
) -> list[PairRow]:
    """Pairs, the most similar first."""
    query = _pair_query().where(LeakPair.project_id == project_id, IS_REVIEWABLE)
    query = query.order_by(LeakPair.similarity.desc(), LeakPair.id).limit(limit)
    if wanted.verdict:
        query = query.where(LeakPair.verdict == wanted.verdict)
    if wanted.min_similarity is not None:
        query = query.where(LeakPair.similarity >= wanted.min_similarity)
    if wanted.min_score is not None:
        # Where there is a score, it is the similarity too: the index of the list serves the one condition.
        query = query.where(LeakPair.score.is_not(None), LeakPair.similarity >= wanted.min_score)
    if wanted.transform:
        query = query.where(LeakPair.transform == wanted.transform)
    if wanted.method or wanted.run_id:
        query = query.where(found_by(wanted.run_id, wanted.method))
    if cursor is not None:
        similarity, id_ = cursor
        later = and_(LeakPair.similarity == similarity, LeakPair.id > id_)
        query = query.where(or_(LeakPair.similarity < similarity, later))
    return [PairRow(*row) for row in session.execute(query)]


def all_pairs(
    session: Session, project_id: int, run_id: int | None = None, *, include_rejected: bool = False
) -> list[PairRow]:
    query = _pair_query().where(LeakPair.project_id == project_id)
    if not include_rejected:
        query = query.where(IS_REVIEWABLE)
    if run_id is not None:
        query = query.where(found_by(run_id, include_rejected=include_rejected))
    return [PairRow(*row) for row in session.execute(query.order_by(LeakPair.id))]


def get_pair(session: Session, project_id: int, pair_id: int) -> PairRow:
    wanted = (LeakPair.id == pair_id, LeakPair.project_id == project_id, IS_REVIEWABLE)
    row = session.execute(_pair_query().where(*wanted)).first()
    if row is None:
        raise NotFound(f"This project has no leak candidate {pair_id}.")
    return PairRow(*row)


def find_pairs(session: Session, project_id: int, pair_ids: Sequence[int]) -> dict[int, PairRow]:
    """Those of these pairs that the project has and that can be judged, by id."""
    found: dict[int, PairRow] = {}
    for start in range(0, len(pair_ids), 500):
        chunk = LeakPair.id.in_(pair_ids[start : start + 500])
        rows = session.execute(_pair_query().where(chunk, LeakPair.project_id == project_id, IS_REVIEWABLE))
        found |= {row[0].id: PairRow(*row) for row in rows}
    return found


def confirmed_pairs(session: Session, sample_ids: Sequence[int]) -> list[PairRow]:
    """Confirmed pairs in which these samples stand."""
    found: dict[int, PairRow] = {}
    for start in range(0, len(sample_ids), 500):
        chunk = list(sample_ids[start : start + 500])
        # Two questions, for each of which there is an index.
        for side in (LeakPair.train_sample_id, LeakPair.test_sample_id):
            rows = session.execute(_pair_query().where(side.in_(chunk), LeakPair.verdict == "confirmed", IS_REVIEWABLE))
            found |= {row[0].id: PairRow(*row) for row in rows}
    return list(found.values())


def lock_pairs(session: Session, pair_ids: Sequence[int]) -> dict[int, LeakPair]:
    """Hold these pairs as they are now until the transaction ends; always in the order of their ids."""
    query = select(LeakPair).where(LeakPair.id.in_(pair_ids)).order_by(LeakPair.id).with_for_update()
    return {pair.id: pair for pair in session.scalars(query.execution_options(populate_existing=True))}


def lock_pair(session: Session, pair_id: int) -> LeakPair:
    return session.scalars(select(LeakPair).where(LeakPair.id == pair_id).with_for_update()).one()


def find_verdict_event(session: Session, client_event_id: str) -> LeakVerdictEvent | None:
    return session.scalar(select(LeakVerdictEvent).where(LeakVerdictEvent.client_event_id == client_event_id))


def verdict_events(session: Session, client_event_ids: Sequence[str]) -> list[LeakVerdictEvent]:
    """Those of these events that were kept."""
    query = select(LeakVerdictEvent).where(LeakVerdictEvent.client_event_id.in_(client_event_ids))
    return list(session.scalars(query))


def verdict_at(session: Session, pair_id: int, version: int) -> str:
    """What stood on a pair when it had this version."""
    mine = (LeakVerdictEvent.pair_id == pair_id) & (LeakVerdictEvent.new_version == version)
    return session.scalar(select(LeakVerdictEvent.verdict).where(mine)) or "open"


def list_verdict_events(
    session: Session, project_id: int, last: int
) -> list[tuple[LeakVerdictEvent, str, Sample, Sample]]:
    """(event, user, train sample, test sample) of all verdicts up to ``last``, in order."""
    query = (
        select(LeakVerdictEvent, User.username, Train, Test)
        .join(LeakPair, LeakPair.id == LeakVerdictEvent.pair_id)
        .join(Train, Train.id == LeakPair.train_sample_id)
        .join(Test, Test.id == LeakPair.test_sample_id)
        .join(User, User.id == LeakVerdictEvent.user_id)
        .where(LeakPair.project_id == project_id, LeakVerdictEvent.id <= last)
        .order_by(LeakVerdictEvent.id)
    )
    return [(e, name or "", train, test) for e, name, train, test in session.execute(query)]


def count_verdicts(session: Session, project_id: int, run_id: int | None = None) -> dict[str, int]:
    query = select(LeakPair.verdict, func.count()).where(LeakPair.project_id == project_id, IS_REVIEWABLE)
    if run_id is not None:
        query = query.where(found_by(run_id))
    counts = dict(session.execute(query.group_by(LeakPair.verdict)).all())
    return {verdict: counts.get(verdict, 0) for verdict in ("open", "confirmed", "rejected")}


def pairs_of_samples(session: Session, ids: Sequence[int], limit: int = 6) -> dict[int, list[OtherSide]]:
    """Other sides of the pairs in which these samples stand, rejected ones apart, the most similar first."""
    found: dict[int, list[OtherSide]] = {}
    for start in range(0, len(ids), 500):
        chunk = list(ids[start : start + 500])
        query = _pair_query().where(
            LeakPair.verdict != "rejected",
            IS_REVIEWABLE,
            or_(LeakPair.train_sample_id.in_(chunk), LeakPair.test_sample_id.in_(chunk)),
        )
        for pair, train, test, _ in session.execute(query.order_by(LeakPair.similarity.desc(), LeakPair.id)):
            for mine, other in ((train, test), (test, train)):
                if mine.id in set(chunk) and len(found.setdefault(mine.id, [])) < limit:
                    found[mine.id].append(OtherSide(other, pair.similarity, pair.verdict))
    return found


def last_verdict_id(session: Session, project_id: int) -> int:
    query = (
        select(func.max(LeakVerdictEvent.id))
        .join(LeakPair, LeakPair.id == LeakVerdictEvent.pair_id)
        .where(LeakPair.project_id == project_id)
    )
    return session.scalar(query) or 0
