"""Looking at leak candidates side by side, and confirming or rejecting them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from app.adapters.datasets.image_bytes import image_size
from app.db.base import utc_now
from app.db.models.leaks import LeakMatch, LeakVerdictEvent
from app.db.models.projects import Sample
from app.db.repositories import leaks as repository
from app.db.repositories.leaks import PairFilter, PairRow
from app.db.repositories.sources import Places
from app.db.session import Session
from app.domain.errors import Conflict, InvalidInput
from app.domain.leak_words import TRANSFORM_WORDS, describe_score
from app.domain.leaks import Transform, Verdict
from app.services.leak_groups import GroupView, groups_of_pairs
from app.services.picture_urls import image_url, thumb_url
from app.services.projects import Access
from app.services.submit_review import require_reviewer

__all__ = ["PairFilter", "PairPage", "decide_pair", "list_pairs"]

PAGE = 30


@dataclass(frozen=True)
class SideView:
    id: int
    key: str
    split: str
    given_label: str
    width: int | None
    height: int | None
    bytes: int | None
    image_url: str
    thumb_url: str


@dataclass(frozen=True)
class MatchView:
    method: str
    similarity: float
    leak_type: str
    hamming_distance: int | None
    score: float | None
    transform: str | None


@dataclass(frozen=True)
class PairView:
    """A candidate. ``similarity`` ranks the list: the ``score`` where the run verified, 0 to 1, which says how surely
    both are the same shot. ``described`` says score and transform in words."""

    id: int
    version: int
    verdict: str
    similarity: float
    score: float | None
    transform: str | None
    transform_words: str | None
    described: str | None
    leak_type: str
    group: GroupView | None
    matches: list[MatchView]
    label_conflict: bool
    train: SideView
    test: SideView
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True)
class PairPage:
    items: list[PairView]
    next_cursor: str | None
    counts: dict[str, int]


def list_pairs(session: Session, access: Access, wanted: PairFilter, cursor: str | None = None) -> PairPage:
    """A page of candidates, the most similar first."""
    rows = repository.list_pairs(session, access.id, wanted, _read_cursor(cursor), PAGE + 1)
    shown = rows[:PAGE]
    matches = repository.matches_of_pairs(session, [row.pair.id for row in shown])
    groups = groups_of_pairs(session, access.id, shown, wanted.run_id)
    last = shown[-1].pair if len(rows) > PAGE else None
    places = Places(session, access.id)
    return PairPage(
        [_view(places, row, matches[row.pair.id], groups.get(row.pair.id)) for row in shown],
        f"{last.similarity!r}:{last.id}" if last else None,
        repository.count_verdicts(session, access.id),
    )


def _read_cursor(cursor: str | None) -> tuple[float, int] | None:
    if not cursor:
        return None
    similarity, _, id_ = cursor.partition(":")
    try:
        return float(similarity), int(id_)
    except ValueError:
        raise InvalidInput(f"{cursor!r} is no cursor of this list.") from None


def decide_pair(
    session: Session, access: Access, pair_id: int, verdict: Verdict, *, client_event_id: str, base_version: int
) -> PairView:
    """Confirm or reject a pair, or (open) take that back.

    Raises:
        Conflict: somebody decided it since ``base_version``; carries the pair as it is now.
    """
    require_reviewer(access)
    row = repository.get_pair(session, access.id, pair_id)
    pair = repository.lock_pair(session, pair_id)
    session.refresh(pair)
    known = repository.find_verdict_event(session, client_event_id)
    if known is not None and (known.pair_id, known.user_id) != (pair_id, access.actor.user_id):
        raise InvalidInput("This client_event_id was used for another answer. Make a fresh one for each.")
    if known is None:
        if pair.version != base_version:
            current = asdict(_view(Places(session, access.id), repository.get_pair(session, access.id, pair_id), []))
            raise Conflict("Somebody else decided this pair meanwhile.", current=current)
        session.add(
            LeakVerdictEvent(
                pair_id=pair_id, user_id=access.actor.user_id, client_event_id=client_event_id,
                verdict=verdict.value, base_version=base_version, new_version=base_version + 1,
            )
        )  # fmt: skip
        pair.verdict, pair.version = verdict.value, pair.version + 1
        is_open = verdict is Verdict.OPEN
        pair.decided_by, pair.decided_at = (None, None) if is_open else (access.actor.user_id, utc_now())
        session.flush()  # the answer shows who decided, which is read from the database
    row = repository.get_pair(session, access.id, pair_id)
    group = groups_of_pairs(session, access.id, [row]).get(pair_id)
    return _view(Places(session, access.id), row, repository.matches_of_pairs(session, [pair_id])[pair_id], group)


def _view(places: Places, row: PairRow, matches: list[LeakMatch], group: GroupView | None = None) -> PairView:
    pair = row.pair
    transform = Transform(pair.transform) if pair.transform else None
    shown = [MatchView(m.method, m.similarity, m.leak_type, m.hamming_distance, m.score, m.transform) for m in matches]
    return PairView(
        pair.id, pair.version, pair.verdict, pair.similarity, pair.score, pair.transform,
        TRANSFORM_WORDS[transform] if transform else None,
        None if pair.score is None else describe_score(pair.score, transform), pair.leak_type, group, shown,
        pair.label_conflict,
        _side(places, row.train), _side(places, row.test), row.decided_by, pair.decided_at,
    )  # fmt: skip


def _side(places: Places, sample: Sample) -> SideView:
    return SideView(
        sample.id, sample.key, sample.split, sample.given_label, None, None, image_size(places(sample)),
        image_url(sample.id), thumb_url(sample.id),
    )  # fmt: skip
