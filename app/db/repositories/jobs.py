"""Jobs and shards: starting, claiming, heartbeats, finishing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from app.db.base import utc_now
from app.db.models.jobs import Job, JobShard
from app.db.repositories.clock import database_now
from app.domain.errors import NotFound
from app.domain.jobs import LIVE, ShardSpec

LEASE_SECONDS = 60.0


def get_job(session: Session, job_id: int) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}.")
    return job


def find_live(session: Session, live_key: str) -> Job | None:
    return session.scalar(select(Job).where(Job.live_key == live_key, Job.state.in_(LIVE)))


def is_live(session: Session, job_id: int) -> bool:
    return session.scalar(select(Job.id).where(Job.id == job_id, Job.state.in_(LIVE))) is not None


def find_newest(session: Session, project_id: int, kind: str) -> Job | None:
    query = select(Job).where(Job.project_id == project_id, Job.kind == kind).order_by(Job.id.desc()).limit(1)
    return session.scalar(query)


def list_of_kind(session: Session, project_id: int, kind: str) -> list[Job]:
    """A project's jobs of one kind, the newest first."""
    query = select(Job).where(Job.project_id == project_id, Job.kind == kind).order_by(Job.id.desc())
    return list(session.scalars(query))


def list_jobs(session: Session, *, project_id: int | None = None, live: bool = False, limit: int = 50) -> list[Job]:
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    if project_id is not None:
        query = query.where(Job.project_id == project_id)
    if live:
        query = query.where(Job.state.in_(LIVE))
    return list(session.scalars(query))


def add_job(session: Session, job: Job, shards: Iterable[ShardSpec]) -> tuple[Job, bool]:
    """Add a job with its shards, or find the live one with the same key; say which."""
    try:
        with session.begin_nested():
            session.add(job)
            session.flush()  # the database decides which of two simultaneous starts is the first
    except IntegrityError:
        existing = find_live(session, job.live_key)
        if existing is None:
            raise
        return existing, False
    session.add_all(
        JobShard(
            job_id=job.id, stage=spec.stage, shard_no=number, queue=spec.queue, name=spec.name,
            params=spec.params, total=spec.total,
        )
        for number, spec in enumerate(shards)
    )  # fmt: skip
    session.flush()  # the shards must be there before anyone is told of the job
    return job, True


def _is_held(now: float) -> Any:
    """Whether a lease runs. One far further ahead than leases reach was given before the clock was set back.

    Twice as far, because another worker may have read the clock after ``now``.
    """
    return JobShard.lease_until.between(now, now + 2 * LEASE_SECONDS)


def _claimable(queues: Sequence[str], now: float) -> Any:
    earlier = aliased(JobShard)
    waits = (
        select(earlier.job_id)
        .where(earlier.job_id == JobShard.job_id, earlier.stage < JobShard.stage, earlier.state != "done")
        .exists()
    )
    free = or_(JobShard.state == "queued", (JobShard.state == "running") & ~_is_held(now))
    return (
        select(JobShard)
        .join(Job, Job.id == JobShard.job_id)
        .where(Job.state.in_(LIVE), Job.cancel_requested_at.is_(None), JobShard.queue.in_(queues), free, ~waits)
    )


def count_claimable(session: Session, queues: Sequence[str]) -> int:
    query = _claimable(queues, database_now(session)).with_only_columns(func.count())
    return session.scalar(query) or 0


def other_kinds_wait(session: Session, queues: Sequence[str], kind: str) -> bool:
    """Whether a worker of these queues could take a shard of another kind of job."""
    query = _claimable(queues, database_now(session)).where(Job.kind != kind).with_only_columns(func.count())
    return bool(session.scalar(query))


def claim(session: Session, queues: Sequence[str], owner: str) -> JobShard | None:
    """Take the next shard: short kinds of job before long ones, then in order. The caller commits."""
    now = database_now(session)
    short_first = case((Job.kind == "leaks", 1), (Job.kind == "compare", 2), else_=0)
    query = _claimable(queues, now).order_by(short_first, JobShard.job_id, JobShard.stage, JobShard.shard_no)
    if session.get_bind().dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True, of=JobShard)
    shard: JobShard | None = session.scalars(query.limit(1)).first()
    if shard is None:
        return None
    shard.state, shard.attempt, shard.lease_token = "running", shard.attempt + 1, shard.lease_token + 1
    shard.lease_owner, shard.lease_until = owner, now + LEASE_SECONDS
    shard.started_at, shard.rows_done, shard.error = utc_now(), 0, None
    job = get_job(session, shard.job_id)
    job.state, job.started_at = "running", job.started_at or utc_now()
    return shard


def _mine(shard: JobShard) -> Any:
    return (
        (JobShard.job_id == shard.job_id)
        & (JobShard.stage == shard.stage)
        & (JobShard.shard_no == shard.shard_no)
        & (JobShard.lease_token == shard.lease_token)
        & (JobShard.state == "running")
    )


def heartbeat(session: Session, shard: JobShard, rows_done: int, problems: int) -> bool:
    """Extend the lease. False: the lease was lost to another worker, or the job is to stop."""
    until = database_now(session) + LEASE_SECONDS
    values = {"lease_until": until, "rows_done": rows_done, "problems": problems}
    held = session.execute(update(JobShard).where(_mine(shard)).values(values))
    cancel = session.scalar(select(Job.cancel_requested_at).where(Job.id == shard.job_id))
    return held.rowcount == 1 and cancel is None  # type: ignore[attr-defined]


def finish_shard(session: Session, shard: JobShard, values: dict[str, Any]) -> bool:
    """Settle a shard. False: the lease was lost meanwhile, and another worker's result counts."""
    done = session.execute(update(JobShard).where(_mine(shard)).values(finished_at=utc_now(), **values))
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


def unfinished_shards(session: Session, job_id: int, stage: int | None = None) -> int:
    """How many of a job's shards are not done, of one stage or of all."""
    query = select(func.count()).where(JobShard.job_id == job_id, JobShard.state != "done")
    if stage is not None:
        query = query.where(JobShard.stage == stage)
    return session.scalar(query) or 0


def list_shards(session: Session, job_id: int) -> list[JobShard]:
    query = select(JobShard).where(JobShard.job_id == job_id).order_by(JobShard.stage, JobShard.shard_no)
    return list(session.scalars(query))


def stop_shards(session: Session, job_id: int) -> None:
    """Let nobody take what is left of a job that ended."""
    session.execute(
        update(JobShard)
        .where(JobShard.job_id == job_id, JobShard.state.in_(("queued", "running")))
        .values(state="stopped", finished_at=utc_now())
    )


def cancelled_without_worker(session: Session) -> list[Job]:
    """Find jobs that were asked to stop and on which no worker holds a shard."""
    now = database_now(session)
    busy = select(JobShard.job_id).where(JobShard.job_id == Job.id, JobShard.state == "running", _is_held(now))
    return list(
        session.scalars(select(Job).where(Job.state.in_(LIVE), Job.cancel_requested_at.is_not(None), ~busy.exists()))
    )
