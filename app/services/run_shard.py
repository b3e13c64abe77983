"""A worker's side of the jobs table: claim a shard, keep its lease, settle it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.db.models.jobs import Job, JobShard
from app.db.repositories import jobs as repository
from app.db.session import Database, Session
from app.domain.errors import Busy, Conflict, WinnowError
from app.domain.jobs import LIVE, MAX_ATTEMPTS, JobState
from app.services.jobs import end_job, settle_cancelled


@dataclass(frozen=True)
class ClaimedShard:
    """One shard in this worker's hands, with what it needs to know of its job."""

    row: JobShard
    job_id: int
    kind: str
    project_id: int | None
    job_params: dict[str, Any]

    @property
    def params(self) -> dict[str, Any]:
        return self.row.params

    @property
    def name(self) -> str:
        return self.row.name


def claim_shard(database: Database, queues: list[str], owner: str) -> ClaimedShard | None:
    """Take the next shard, or None when there is nothing to do.

    A shard that killed its worker too often ends its job.
    """
    with database.writing() as session:
        settle_cancelled(session)
        row = repository.claim(session, queues, owner)
        if row is None:
            return None
        job = repository.get_job(session, row.job_id)
        if row.attempt > MAX_ATTEMPTS:
            error = f"The step '{row.name}' (part {row.shard_no}) stopped its worker {MAX_ATTEMPTS} times."
            row.state = "failed"
            end_job(session, job, JobState.FAILED, f"{error} See the worker's log; then start the job again.")
            return None
        return ClaimedShard(row, job.id, job.kind, job.project_id, dict(job.params))


def has_work(database: Database, queues: list[str]) -> bool:
    """Whether a worker should look: for a shard, or for a cancelled job that its worker can't end any more."""
    with database.reading() as session:
        return repository.count_claimable(session, queues) > 0 or bool(repository.cancelled_without_worker(session))


def is_stage_done(database: Database, claimed: ClaimedShard) -> bool:
    """Whether no shard of the same stage is left, so that those of the next may be claimed."""
    with database.reading() as session:
        return repository.unfinished_shards(session, claimed.job_id, claimed.row.stage) == 0


def keep_lease(database: Database, claimed: ClaimedShard, done: int, problems: int) -> bool:
    """Say that the worker lives and how far it is. False: stop, the lease is lost or the job cancelled."""
    with database.writing() as session:
        return repository.heartbeat(session, claimed.row, done, problems)


def finish_shard(
    database: Database, claimed: ClaimedShard, *, result_path: str | None, sha256: str | None, problems: int
) -> bool:
    """Settle a shard that was done. False: another worker had taken it over; this result does not count."""
    with database.writing() as session:
        values = {
            "state": "done", "result_path": result_path, "result_sha256": sha256, "lease_until": None,
            "problems": problems, "rows_done": claimed.row.total,
        }  # fmt: skip
        counted = repository.finish_shard(session, claimed.row, values)
        if counted and repository.unfinished_shards(session, claimed.job_id) == 0:
            job = repository.get_job(session, claimed.job_id)
            if job.state not in LIVE:
                return counted
            any_problem = any(shard.problems for shard in repository.list_shards(session, claimed.job_id))
            end_job(session, job, JobState.DONE_WITH_ERRORS if any_problem else JobState.DONE)
        return counted


def fail_shard(database: Database, claimed: ClaimedShard, error: Exception) -> None:
    """Settle a shard that failed: a known error ends the job, anything else is tried again a few times.

    So is what only came at a bad moment.
    """
    known = isinstance(error, WinnowError) and not isinstance(error, Busy | Conflict)
    text = error.message if isinstance(error, WinnowError) else _unexpected(error)
    with database.writing() as session:
        job = repository.get_job(session, claimed.job_id)
        final = known or claimed.row.attempt >= MAX_ATTEMPTS
        state = "failed" if final else "queued"
        values = {"state": state, "error": text, "lease_until": None}
        if repository.finish_shard(session, claimed.row, values) and final:
            end_job(session, job, JobState.FAILED, text)


def _unexpected(error: Exception) -> str:
    """Without the error's own text, which may hold what not every member may see."""
    if isinstance(error, MemoryError):
        return "Memory ran out. Use smaller batches, or give the worker more; its log says more."
    return f"Unexpected {type(error).__name__}; the worker's log says more."


def cancel_shard(database: Database, claimed: ClaimedShard) -> None:
    """Let go of a shard whose job was cancelled, or whose worker is shutting down."""
    with database.writing() as session:
        # Stopping in order is no failed try.
        values = {"state": "queued", "lease_until": None, "attempt": claimed.row.attempt - 1}
        repository.finish_shard(session, claimed.row, values)
        settle_cancelled(session)


def stage_results(session: Session, job_id: int, stage: int) -> list[tuple[JobShard, str]]:
    """Shards of a finished stage with their result files, in order."""
    shards = [shard for shard in repository.list_shards(session, job_id) if shard.stage == stage]
    return [(shard, shard.result_path) for shard in shards if shard.result_path]


def job_of(session: Session, job_id: int) -> Job:
    return repository.get_job(session, job_id)


def other_kinds_wait(database: Database, claimed: ClaimedShard, queues: list[str]) -> bool:
    """Whether this worker could do a shard of another kind of job, if it let go of the one in hand."""
    with database.reading() as session:
        return repository.other_kinds_wait(session, queues, claimed.kind)


def is_live(database: Database, job_id: int) -> bool:
    """Whether a job waits or is under way; one that was never there is not."""
    with database.reading() as session:
        return repository.is_live(session, job_id)
