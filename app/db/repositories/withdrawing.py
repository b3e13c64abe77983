"""Taking flags back that their detector does not make any more; what people answered on stays flagged."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from app.db.models.imports import DuplicateMember, FlagRow
from app.db.models.reviews import Lease, ReviewEvent, SampleState

_CHUNK = 500


def withdraw_flags(
    session: Session, project_id: int, source: str, raw_issue_types: Collection[str], kept: Collection[tuple[str, int]]
) -> list[int]:
    """Delete the flags of these kinds that are not among ``kept`` (kind, sample), but of no sample with a history;
    return their samples."""
    rows = session.execute(
        select(FlagRow.id, FlagRow.raw_issue_type, FlagRow.sample_id).where(
            FlagRow.project_id == project_id, FlagRow.source == source, FlagRow.raw_issue_type.in_(raw_issue_types),
            ~exists().where(ReviewEvent.sample_id == FlagRow.sample_id),
        )
    )  # fmt: skip
    wanted = set(kept)
    gone = [(id_, sample_id) for id_, kind, sample_id in rows if (kind, sample_id) not in wanted]
    for start in range(0, len(gone), _CHUNK):
        ids = [id_ for id_, _ in gone[start : start + _CHUNK]]
        session.execute(delete(FlagRow).where(FlagRow.id.in_(ids)))
    return sorted({sample_id for _, sample_id in gone})


def drop_unflagged(session: Session, sample_ids: Sequence[int]) -> None:
    """Take samples out of the queue that nobody flags any more, that stand in no group, and on which nothing was ever
    said or done."""
    for start in range(0, len(sample_ids), _CHUNK):
        some = sample_ids[start : start + _CHUNK]
        unflagged = (
            SampleState.sample_id.in_(some),
            SampleState.version == 0,
            ~exists().where(FlagRow.sample_id == SampleState.sample_id),
            ~exists().where(DuplicateMember.sample_id == SampleState.sample_id),
            ~exists().where(ReviewEvent.sample_id == SampleState.sample_id),
        )
        ids = list(session.scalars(select(SampleState.sample_id).where(*unflagged)))
        session.execute(delete(Lease).where(Lease.sample_id.in_(ids)))
        session.execute(delete(SampleState).where(SampleState.sample_id.in_(ids)))
