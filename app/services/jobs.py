"""Starting, watching and cancelling jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from app.db.base import utc_now
from app.db.models.jobs import Job, JobShard
from app.db.repositories import jobs as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session, after_commit
from app.domain.errors import Conflict
from app.domain.jobs import LIVE, JobKind, JobState, Progress, ShardSpec, estimate
from app.services.ports import Doorbell


@dataclass(frozen=True)
class JobView:
    """A job as pages and the API show it."""

    id: int
    kind: str
    title: str
    state: str
    stage: str
    done: int
    total: int
    rate: float | None
    seconds_left: float | None
    error: str | None
    problems: int
    project: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_url: str | None
    url: str


def start_job(
    session: Session,
    doorbell: Doorbell,
    *,
    kind: JobKind,
    title: str,
    live_key: str,
    shards: Sequence[ShardSpec],
    params: dict[str, Any],
    project_id: int | None,
    user_id: int | None,
) -> tuple[Job, bool]:
    """Queue a job, or find the live one with the same key. The bell rings once the transaction is committed."""
    job = Job(
        kind=kind.value, title=title, live_key=live_key, params=params, project_id=project_id, requested_by=user_id
    )
    job, is_new = repository.add_job(session, job, shards)
    if is_new:
        for queue in sorted({spec.queue for spec in shards}):
            after_commit(session, partial(doorbell.ring, queue))
    return job, is_new


def cancel_job(session: Session, job_id: int) -> None:
    """Ask a job to stop; its worker sees it at the next heartbeat.

    Raises:
        Conflict: the job has ended already.
    """
    job = repository.get_job(session, job_id)
    if job.state not in LIVE:
        raise Conflict(f"This job has ended already ({job.state}).")
    job.cancel_requested_at = job.cancel_requested_at or utc_now()
    settle_cancelled(session)


def settle_cancelled(session: Session) -> None:
    """End the cancelled jobs that no worker is busy with."""
    for job in repository.cancelled_without_worker(session):
        end_job(session, job, JobState.CANCELLED)


def end_job(session: Session, job: Job, state: JobState, error: str | None = None) -> None:
    job.state, job.error, job.finished_at = state.value, error, utc_now()
    repository.stop_shards(session, job.id)


def view_job(session: Session, job: Job) -> JobView:
    progress = _progress(job, repository.list_shards(session, job.id))
    slug = projects_repository.slug_of(session, job.project_id)
    live = job.state in LIVE
    return JobView(
        id=job.id,
        kind=job.kind,
        title=job.title,
        state=job.state,
        stage=progress.stage,
        done=progress.done,
        total=progress.total,
        rate=progress.rate,
        seconds_left=progress.seconds_left,
        error=job.error,
        problems=progress.problems,
        project=slug,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        cancel_url=f"/api/v1/jobs/{job.id}/cancel" if live and not job.cancel_requested_at else None,
        url=f"/api/v1/jobs/{job.id}",
    )


def _progress(job: Job, shards: Sequence[JobShard]) -> Progress:
    """Rate and time left are of the stage under way; the counts of the whole job."""
    done = sum(shard.total if shard.state == "done" else shard.rows_done for shard in shards)
    total = sum(shard.total for shard in shards)
    problems = sum(shard.problems for shard in shards)
    if job.state not in LIVE:
        return Progress("finished" if job.state.startswith("done") else job.state, done, total, None, None, problems)
    if job.cancel_requested_at:
        return Progress("stopping", done, total, None, None, problems)
    current = next((shard for shard in shards if shard.state != "done"), None)
    if current is None or all(shard.state == "queued" for shard in shards):
        return Progress("waiting for a worker", done, total, None, None, problems)
    stage = [shard for shard in shards if shard.stage == current.stage]
    begun = [shard.started_at for shard in stage if shard.started_at]
    busy = (utc_now() - min(begun)).total_seconds() if begun else 0.0
    stage_done = sum(shard.total if shard.state == "done" else shard.rows_done for shard in stage)
    found = estimate(current.name, stage_done, sum(shard.total for shard in stage), busy, problems)
    return Progress(found.stage, done, total, found.rate, found.seconds_left, problems)
