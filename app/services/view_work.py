"""Workers and the shards of a job, for whoever asks why a job stands still."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.db.base import utc_now
from app.db.models.jobs import JobShard
from app.db.repositories import work as repository
from app.db.repositories.clock import database_now
from app.db.repositories.jobs import LEASE_SECONDS
from app.db.session import Session
from app.db.state import workers_seen
from app.services.access_jobs import get_job
from app.services.jobs import JobView
from app.services.sign_in import Actor
from app.services.users import require_admin

MOST_SHARDS = 200
SILENT = LEASE_SECONDS / 2
"""Seconds without a sign of life after which a worker with work in hand is called silent; it gives one every 2 s."""


@dataclass(frozen=True)
class WorkerView:
    """A worker process that had work in the last day; ``shards`` and ``rows`` are of that day."""

    name: str
    state: str
    seen_at: datetime
    job_id: int | None
    job_title: str | None
    shard: str | None
    shards: int
    rows: int


@dataclass(frozen=True)
class StageView:
    """``repeated`` is the number of attempts beyond each shard's first: workers that died, or leases that ran out."""

    stage: int
    name: str
    shards: int
    shards_done: int
    rows: int
    rows_done: int
    repeated: int


@dataclass(frozen=True)
class ShardView:
    stage: int
    number: int
    name: str
    queue: str
    state: str
    done: int
    total: int
    problems: int
    attempt: int
    worker: str | None
    seconds: float | None
    """How long it took, or has taken so far."""
    error: str | None


@dataclass(frozen=True)
class JobParts:
    """A job with its stages; of many shards the ``MOST_SHARDS`` that matter most."""

    job: JobView
    stages: list[StageView]
    shards: list[ShardView]
    more: int


def list_workers(session: Session, actor: Actor) -> list[WorkerView]:
    """Workers that had something to do in the last day, those that are at work first."""
    require_admin(actor)
    now, yesterday = database_now(session), utc_now() - timedelta(days=1)
    done = repository.done_since(session, yesterday)
    in_hand = {shard.lease_owner: (shard, job) for shard, job in repository.shards_in_hand(session)}
    found = []
    for name, seen in workers_seen(session).items():
        shard, job = in_hand.get(name, (None, None))
        # A sign of life from the future was given before the clock was set back.
        state = "idle" if shard is None else "silent" if abs(now - seen) > SILENT else "at work"
        shards, rows = done.get(name, (0, 0))
        at = datetime.fromtimestamp(seen, UTC)
        part = f"{shard.name} {shard.shard_no}" if shard else None
        found.append(
            WorkerView(name, state, at, job.id if job else None, job.title if job else None, part, shards, rows)
        )
    return sorted(found, key=lambda worker: (worker.state == "idle", worker.name))


def show_parts(session: Session, actor: Actor, job_id: int) -> JobParts:
    """A job's stages and shards, for whoever may see the job; which machine has a shard is for admins of the server."""
    job = get_job(session, actor, job_id)
    stages = [
        StageView(stage, name, shards, done, rows, rows_done, repeated)
        for stage, name, shards, done, rows, rows_done, repeated in repository.count_stages(session, job_id)
    ]
    shards = [
        _view(shard, with_worker=actor.is_admin) for shard in repository.list_shards(session, job_id, MOST_SHARDS)
    ]
    return JobParts(job, stages, shards, sum(stage.shards for stage in stages) - len(shards))


def _view(shard: JobShard, *, with_worker: bool) -> ShardView:
    ended = shard.finished_at or (utc_now() if shard.state == "running" else None)
    took = (ended - shard.started_at).total_seconds() if ended and shard.started_at else None
    done = shard.total if shard.state == "done" else shard.rows_done
    return ShardView(
        shard.stage, shard.shard_no, shard.name, shard.queue, shard.state, done, shard.total, shard.problems,
        shard.attempt, shard.lease_owner if with_worker else None, took, shard.error,
    )  # fmt: skip
