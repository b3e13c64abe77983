"""How many reviews each sample needs, kept with its state so that the queue reads it by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, case, cast, literal, select, update
from sqlalchemy.orm import Session

from app.db.models.projects import Project
from app.db.models.reviews import SampleState
from app.domain.merge import Policies
from app.domain.overlap import lot_of, overlap_bound, reviews_needed


def set_needed(session: Session, project_id: int, ids: Sequence[int] | None = None) -> None:
    """Bring the reviews that samples need up to the project's policies: of these samples, or of all.

    The policies are read anew, because whoever has their turn in the queue may have read them before it began.
    """
    raw = session.scalar(select(Project.policies).where(Project.id == project_id)) or {}
    policies = Policies(min_submitted=raw.get("min_submitted", 1), overlap_share=raw.get("overlap_share", 0.0))
    needed = _needed(project_id, policies)
    change = update(SampleState).where(SampleState.project_id == project_id, SampleState.needed != needed)
    change = change.values(needed=needed).execution_options(synchronize_session=False)
    if ids is None:
        session.execute(change)
        return
    for start in range(0, len(ids), 500):
        session.execute(change.where(SampleState.sample_id.in_(ids[start : start + 500])))


def _needed(project_id: int, policies: Policies) -> Any:
    usual, in_overlap = reviews_needed(policies)
    lot: Any = lot_of(cast(SampleState.sample_id, BigInteger), project_id)
    bound = overlap_bound(policies)
    return case((lot < bound, in_overlap), else_=usual) if bound and in_overlap > usual else literal(usual)
