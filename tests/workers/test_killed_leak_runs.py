"""However often its workers are killed, a leak run ends with the report of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import time

from sqlalchemy import func, select, update

from app.db.models.jobs import JobShard
from tests.workers.test_celery import report, start_worker, wait_for

KILLS = 3
MOST_SECONDS = 1.5
"""Within which a worker that has begun a shard is killed: a whole stage of this run takes less."""

__all__ = ["start_worker"]  # a fixture


def test_workers_killed_at_random_moments_change_nothing(world, start_worker):
    rng = random.Random(os.urandom(8))
    run_id, job_id, _ = world.start_leaks()
    for kill in range(KILLS):
        begun = attempts(world, job_id)
        worker = start_worker()
        if kill:
            # The first may die before it has claimed anything. The others finish a shard, as three deaths with the
            # same one in hand would end the run.
            wait_for(lambda begun=begun: attempts(world, job_id) >= begun + 2 or world.job(job_id).state == "done")
        time.sleep(rng.uniform(0, MOST_SECONDS))
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        let_leases_lapse(world)
    start_worker()
    wait_for(lambda: world.job(job_id).state == "done")
    again, undisturbed, _ = world.start_leaks(batch_size=31)
    wait_for(lambda: world.job(undisturbed).state == "done")

    assert report(world, run_id) == report(world, again)
    assert len(report(world, run_id).splitlines()) > 3
    assert attempts(world, job_id) <= attempts(world, undisturbed) + KILLS


def let_leases_lapse(world) -> None:
    """A lease would lapse in a minute; the test does not wait for it."""
    with world.database.writing() as session:
        session.execute(update(JobShard).where(JobShard.state == "running").values(lease_until=0.0))


def attempts(world, job_id: int) -> int:
    """How often a shard of the job was begun."""
    with world.database.reading() as session:
        return session.scalar(select(func.sum(JobShard.attempt)).where(JobShard.job_id == job_id))
