"""Which worker has which shard, and what each has done: read from the shards, as workers have no table of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from app.db.models.jobs import Job, JobShard

_STATES = {"running": 0, "failed": 1, "queued": 2, "done": 3}


def list_shards(session: Session, job_id: int, limit: int) -> list[JobShard]:
    """Shards of a job: first those that somebody works on, then failed and waiting ones, then what was done last."""
    order = case(_STATES, value=JobShard.state, else_=1)
    query = (
        select(JobShard)
        .where(JobShard.job_id == job_id)
        .order_by(order, JobShard.finished_at.desc(), JobShard.stage, JobShard.shard_no)
        .limit(limit)
    )
    return list(session.scalars(query))


def count_stages(session: Session, job_id: int) -> list[Any]:
    """(stage, name of its first shard, shards, shards done, rows, rows done, attempts beyond the first)."""
    is_done = JobShard.state == "done"
    query = (
        select(
            JobShard.stage,
            func.min(JobShard.name),
            func.count(),
            func.sum(case((is_done, 1), else_=0)),
            func.sum(JobShard.total),
            func.sum(case((is_done, JobShard.total), else_=JobShard.rows_done)),
            func.sum(case((JobShard.attempt > 1, JobShard.attempt - 1), else_=0)),
        )
        .where(JobShard.job_id == job_id)
        .group_by(JobShard.stage)
        .order_by(JobShard.stage)
    )
    return list(session.execute(query))


def shards_in_hand(session: Session) -> list[Any]:
    """(shard, job) of all that a worker has in hand."""
    query = select(JobShard, Job).join(Job, Job.id == JobShard.job_id).where(JobShard.state == "running")
    return list(session.execute(query.order_by(JobShard.lease_owner, JobShard.started_at)))


def done_since(session: Session, moment: datetime) -> dict[str, tuple[int, int]]:
    """(shards, rows) that each worker finished since then."""
    query = (
        select(JobShard.lease_owner, func.count(), func.sum(JobShard.total))
        .join(Job, Job.id == JobShard.job_id)
        .where(
            JobShard.state == "done",
            JobShard.finished_at >= moment,
            or_(Job.finished_at.is_(None), Job.finished_at >= moment),
        )
        .group_by(JobShard.lease_owner)
    )
    return {owner: (shards, int(rows or 0)) for owner, shards, rows in session.execute(query) if owner is not None}
