"""Weights of sources, and the places of open samples that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.db.base import utc_now
from app.db.models.imports import FlagRow
from app.db.models.ranking import SourceWeight
from app.db.models.reviews import IS_OPEN, ReviewEvent, SampleState
from app.db.repositories.agreement import Stretch
from app.domain.evidence import place, strongest, weigh

Weights = dict[tuple[str, str], float]


def load_weights(session: Session, project_id: int) -> Weights:
    """By (source, issue type)."""
    query = select(SourceWeight.source, SourceWeight.issue_type, SourceWeight.weight)
    return {
        (source, issue): w for source, issue, w in session.execute(query.where(SourceWeight.project_id == project_id))
    }


def keep_weights(session: Session, project_id: int, counts: Mapping[tuple[str, str], tuple[int, int]]) -> None:
    """Replace what is known by (right, settled) of each source and issue type."""
    now = utc_now()
    session.execute(delete(SourceWeight).where(SourceWeight.project_id == project_id))
    session.add_all(
        SourceWeight(
            project_id=project_id, source=source, issue_type=issue, weight=weigh(right, settled), right=right,
            settled=settled, at=now,
        )
        for (source, issue), (right, settled) in counts.items()
    )  # fmt: skip


def last_ranked(session: Session, project_id: int) -> tuple[datetime | None, int]:
    """When the sources were last weighed, and by how many settled flags."""
    query = select(func.max(SourceWeight.at), func.sum(SourceWeight.settled))
    at, settled = session.execute(query.where(SourceWeight.project_id == project_id)).one()
    return at, settled or 0


def count_answers_since(session: Session, project_id: int, since: datetime | None) -> int:
    query = select(func.count()).select_from(ReviewEvent).where(ReviewEvent.project_id == project_id)
    return session.scalar(query if since is None else query.where(ReviewEvent.created_at > since)) or 0


def misplaced(
    session: Session, project_id: int, stretch: Stretch, weights: Weights, by: float
) -> list[tuple[int, float]]:
    """Open samples whose place is wrong by more than ``by``, each with its right one."""
    open_here = (
        SampleState.project_id + 0 == project_id, SampleState.sample_id.between(*stretch), IS_OPEN,
    )  # fmt: skip
    known = dict(session.execute(select(SampleState.sample_id, SampleState.priority).where(*open_here)).all())
    rows = session.execute(
        select(FlagRow.sample_id, FlagRow.source, FlagRow.issue_type, FlagRow.confidence)
        .join(SampleState, SampleState.sample_id == FlagRow.sample_id)
        .where(*open_here)
    )
    flags: dict[int, list[tuple[str, str, float | None]]] = {}
    for sample_id, source, issue, sure in rows:
        flags.setdefault(sample_id, []).append((source, issue, sure))
    found = ((sample_id, place(strongest(rows), weights)) for sample_id, rows in flags.items())
    return [(id_, right) for id_, right in found if id_ in known and abs(known[id_] - right) > by]


def move(session: Session, places: Sequence[tuple[int, float]]) -> None:
    """Give samples their places; those settled meanwhile keep theirs, which nobody looks at."""
    session.execute(update(SampleState), [{"sample_id": id_, "priority": right} for id_, right in places])
