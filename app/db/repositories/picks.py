"""Samples picked on a map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.db.models.picks import Pick, PickedSample
from app.db.models.projects import Sample
from app.db.models.reviews import SampleState

_CHUNK = 500


def add_pick(session: Session, project_id: int, user_id: int, sample_ids: Iterable[int]) -> Pick:
    """Keep those of these samples that the project has."""
    wanted = sorted(set(sample_ids))
    known: list[int] = []
    for start in range(0, len(wanted), _CHUNK):
        some = Sample.id.in_(wanted[start : start + _CHUNK])
        known += session.scalars(select(Sample.id).where(Sample.project_id == project_id, some))
    pick = Pick(project_id=project_id, created_by=user_id, samples=len(known))
    session.add(pick)
    session.flush()  # its samples name it
    if known:
        session.execute(insert(PickedSample), [{"pick_id": pick.id, "sample_id": id_} for id_ in known])
    return pick


def count_queued(session: Session, pick_id: int) -> int:
    """How many of the picked samples the queue has: flagged, or answered on."""
    query = (
        select(func.count())
        .select_from(PickedSample)
        .join(SampleState, SampleState.sample_id == PickedSample.sample_id)
    )
    return session.scalar(query.where(PickedSample.pick_id == pick_id)) or 0


def queued_ids(session: Session, project_id: int) -> Sequence[int]:
    return list(session.scalars(select(SampleState.sample_id).where(SampleState.project_id == project_id)))
