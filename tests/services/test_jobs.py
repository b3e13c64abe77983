"""The jobs table: one live job a key, leases, fencing, tries that have an end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text, update

from app.db.models.jobs import JobShard
from app.domain.errors import Busy, Conflict, InvalidInput
from app.domain.jobs import MAX_ATTEMPTS, JobKind, ShardSpec
from app.services import jobs, run_shard
from tests.fixtures.databases import both_backends
from tests.fixtures.world import QUEUES
from workers.runner import run_next_shard


def start(world, count: int = 2, key: str = "some-work") -> int:
    shards = [ShardSpec(0, "first stage", {"n": n}) for n in range(count)] + [ShardSpec(1, "second stage")]
    with world.database.writing() as session:
        job, _ = jobs.start_job(
            session, world.doorbell, kind=JobKind.EXPORT, title="Some work", live_key=key, shards=shards, params={},
            project_id=None, user_id=None,
        )  # fmt: skip
        return job.id


def claim(world, owner: str = "worker"):
    return run_shard.claim_shard(world.database, QUEUES, owner)


def finish(world, claimed) -> bool:
    return run_shard.finish_shard(world.database, claimed, result_path=None, sha256=None, problems=0)


def let_leases_lapse(world) -> None:
    with world.database.writing() as session:
        session.execute(update(JobShard).where(JobShard.state == "running").values(lease_until=0.0))


def shards(world, job_id: int) -> list[JobShard]:
    with world.database.reading() as session:
        query = select(JobShard).where(JobShard.job_id == job_id).order_by(JobShard.stage, JobShard.shard_no)
        return list(session.scalars(query))


def handle(action):
    return {"export": lambda environment, claimed, context: action(claimed, context)}


@both_backends
def test_no_two_workers_claim_the_same_shard(world):
    start(world, 12)
    begin = threading.Barrier(4)

    def take(number: int) -> list[int]:
        begin.wait()
        return [claim(world, f"worker {number}").row.shard_no for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        taken = [n for numbers in pool.map(take, range(4)) for n in numbers]
    assert sorted(taken) == list(range(12))


@both_backends
def test_a_later_stage_waits_for_the_whole_earlier_one(world):
    job_id = start(world, 2)
    first, second = claim(world), claim(world)
    assert claim(world) is None
    assert finish(world, first)
    assert claim(world) is None
    assert finish(world, second)
    last = claim(world)
    assert last.row.stage == 1
    assert finish(world, last)
    assert world.job(job_id).state == "done"


@both_backends
def test_starting_the_same_work_twice_is_one_job(world):
    begin = threading.Barrier(4)

    def go(_: int) -> int:
        begin.wait()
        return start(world)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(go, range(4)))) == 1


def test_work_that_has_ended_can_be_started_again(world):
    first = start(world)
    world.cancel(first)
    assert start(world) != first


@both_backends
def test_a_shard_whose_worker_vanished_is_taken_up_and_the_late_result_is_refused(world):
    start(world, 1)
    lost = claim(world, "the one that hangs")
    assert claim(world) is None
    let_leases_lapse(world)
    taken = claim(world, "the next one")
    assert (taken.row.shard_no, taken.row.attempt) == (lost.row.shard_no, 2)
    assert not run_shard.keep_lease(world.database, lost, 1, 0)
    assert not finish(world, lost)
    assert finish(world, taken)


def test_a_fenced_workers_file_is_thrown_away(world):
    job_id = start(world, 1)
    written = []

    def work(claimed, context):
        path = context.result_path("result.txt")
        path.write_text(str(claimed.row.lease_token))
        written.append(path)
        if claimed.row.attempt == 1 and claimed.row.stage == 0:
            let_leases_lapse(world)
            world.step(handle(work))

    world.work(handle(work))
    assert len(set(written)) == 3
    late, counted = written[0], written[1]
    assert not late.exists()
    assert counted.exists()
    assert shards(world, job_id)[0].result_path.endswith(counted.name)
    assert world.job(job_id).state == "done"


def test_a_heartbeat_keeps_the_lease(world):
    start(world, 1)
    mine = claim(world)
    with world.database.writing() as session:
        session.execute(update(JobShard).values(lease_until=JobShard.lease_until - 50))
    before = shards(world, mine.job_id)[0].lease_until
    assert run_shard.keep_lease(world.database, mine, 7, 1)
    kept = shards(world, mine.job_id)[0]
    assert kept.lease_until > before + 30
    assert (kept.rows_done, kept.problems) == (7, 1)


@both_backends
def test_a_clock_that_is_set_back_keeps_no_shard_waiting(world):
    """A lease given before the step ends in what is now the far future: its worker is dead, or fenced."""
    start(world, 1)
    lost = claim(world, "killed before the clock was set back by an hour")
    with world.database.writing() as session:
        session.execute(update(JobShard).values(lease_until=JobShard.lease_until + 3600))
    assert run_shard.has_work(world.database, QUEUES)
    taken = claim(world, "the next one")
    assert taken.row.attempt == 2
    assert not finish(world, lost)
    assert finish(world, taken)


@both_backends
def test_leases_go_by_the_databases_clock(world):
    start(world, 1)
    mine = claim(world)
    clock = "julianday('now') - 2440587.5" if world.database.is_sqlite else "extract(epoch FROM now()) / 86400"
    with world.database.reading() as session:
        now = float(session.execute(text(f"SELECT ({clock}) * 86400")).scalar_one())
    assert 30 < shards(world, mine.job_id)[0].lease_until - now <= 61


def test_a_shard_that_stops_every_worker_ends_its_job_with_a_reason(world):
    job_id = start(world, 1)
    for _ in range(MAX_ATTEMPTS):
        assert claim(world) is not None
        let_leases_lapse(world)
    assert claim(world) is None
    job = world.job(job_id)
    assert job.state == "failed"
    assert f"{MAX_ATTEMPTS} times" in job.error
    assert not run_shard.has_work(world.database, QUEUES)


def test_what_went_wrong_unexpectedly_is_tried_again_and_then_given_up(world):
    job_id, tries = start(world, 1), []

    def fail(claimed, context):
        tries.append(claimed.row.attempt)
        raise ZeroDivisionError("a bug")

    world.work(handle(fail))
    assert tries == list(range(1, MAX_ATTEMPTS + 1))
    assert world.job(job_id).state == "failed"
    assert "ZeroDivisionError" in world.job(job_id).error
    assert "a bug" not in world.job(job_id).error, "an error's own text may hold what not everyone may see"


@pytest.mark.parametrize("error", [OSError("the disk was away"), Busy("held"), Conflict("at the same moment")])
def test_what_goes_well_at_the_second_try_ends_well(world, error):
    job_id = start(world, 1)

    def fail_once(claimed, context):
        if claimed.row.attempt == 1:
            raise error

    world.work(handle(fail_once))
    assert world.job(job_id).state == "done"
    assert world.job(job_id).error is None


def test_an_error_that_people_are_told_of_ends_the_job_at_once(world):
    job_id, tries = start(world, 1), []

    def refuse(claimed, context):
        tries.append(1)
        raise InvalidInput("The folder is empty.")

    world.work(handle(refuse))
    assert (world.job(job_id).state, world.job(job_id).error, len(tries)) == ("failed", "The folder is empty.", 1)


def test_running_out_of_memory_does_not_leave_the_task(world):
    job_id = start(world, 1)

    def hog(claimed, context):
        raise MemoryError

    world.work(handle(hog))
    assert "Memory ran out" in world.job(job_id).error


def test_problems_of_single_images_are_counted_and_shown(world):
    job_id = start(world, 1)
    world.work(handle(lambda claimed, context: context.report(5, 2)))
    assert world.job(job_id).state == "done_with_errors"
    with world.database.reading() as session:
        view = jobs.view_job(session, jobs.repository.get_job(session, job_id))
    assert (view.problems, view.stage, view.done, view.total) == (4, "finished", 2, 2)


def test_a_job_in_a_workers_hands_stops_when_asked(world):
    job_id, seen = start(world, 1), []

    def until_stopped(claimed, context):
        from app.domain.errors import JobCancelled

        world.cancel(job_id)
        context.beat()
        seen.append(context.should_stop())
        raise JobCancelled("stopped")

    world.work(handle(until_stopped))
    assert seen == [True]
    assert world.job(job_id).state == "cancelled"
    assert {shard.state for shard in shards(world, job_id)} == {"stopped"}


def test_a_job_whose_worker_vanished_and_that_was_cancelled_is_not_forgotten(world):
    """Nobody rings for it: the watch has to find it, or its key stays taken for ever."""
    job_id = start(world, 1)
    claim(world, "the one that was killed")
    world.cancel(job_id)
    assert world.job(job_id).state == "running"
    let_leases_lapse(world)
    assert run_shard.has_work(world.database, QUEUES)
    assert claim(world) is None
    assert world.job(job_id).state == "cancelled"
    assert not run_shard.has_work(world.database, QUEUES)


def test_a_job_that_has_ended_cannot_be_cancelled(world):
    job_id = start(world, 1)
    world.work(handle(lambda claimed, context: None))
    with pytest.raises(Conflict):
        world.cancel(job_id)


def test_a_worker_takes_only_what_its_queues_hold(world):
    start(world, 1)
    with world.database.writing() as session:
        session.execute(update(JobShard).values(queue="gpu"))
    assert run_shard.claim_shard(world.database, ["cpu"], "no gpu") is None
    assert run_shard.claim_shard(world.database, ["gpu"], "a gpu") is not None


@both_backends
def test_each_shard_wakes_another_worker_once_and_early(world):
    """Where more waits, when it is claimed; where its end is what others wait for, then."""
    start(world, 3)
    heard, during = [], []

    def work(claimed, context):
        during.append(len(heard))

    while run_next_shard(world.environment, handle(work), QUEUES, lambda: heard.append("ding")):
        pass
    assert during == [1, 2, 2, 3], "the third is the last of its stage, so it rings when it is done"
    assert len(heard) == 3


@both_backends
def test_who_ends_a_stage_rings_though_they_rang_when_they_claimed(world):
    """Two at work, and the one that claimed first ends last: otherwise nobody would hear of the next stage."""
    start(world, 2)
    heard: list[str] = []

    def work(claimed, context):
        if claimed.row.shard_no == 0:
            assert run_next_shard(world.environment, handle(work), QUEUES, lambda: heard.append("second"))

    assert run_next_shard(world.environment, handle(work), QUEUES, lambda: heard.append("first"))
    assert heard == ["first", "first"]


def test_nothing_to_do_is_said_to_be_nothing(world):
    assert not run_next_shard(world.environment, {}, QUEUES)


def test_the_bell_is_not_rung_for_work_that_was_never_committed(world):
    world.doorbell.rung.clear()
    with pytest.raises(RuntimeError), world.database.writing() as session:
        jobs.start_job(
            session, world.doorbell, kind=JobKind.EXPORT, title="x", live_key="x", shards=[ShardSpec(0, "x")],
            params={}, project_id=None, user_id=None,
        )  # fmt: skip
        raise RuntimeError
    assert world.doorbell.rung == []
