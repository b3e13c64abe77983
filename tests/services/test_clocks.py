"""Clocks that jump: web servers and workers whose wall clocks differ, and clocks that are set ahead or back meanwhile.

``clock`` is the wall clock of whichever process acts next; only time that passes by it is moved. PostgreSQL has a clock
of its own, which stays; SQLite's is that of the process, and moves with it.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from app.db.repositories import versions as versions_repository
from app.domain.errors import Conflict, OutOfSpace
from app.domain.jobs import JobKind, ShardSpec
from app.services import freeze_version, jobs, leak_pairs, run_shard, view_work
from app.services import sign_in as sign_in_module
from app.services.leak_pairs import PairFilter
from app.services.rank_queue import NOT_BEFORE, was_just_ranked
from tests.fixtures.databases import both_backends
from tests.fixtures.people import PASSWORD
from tests.fixtures.web import sign_in
from tests.fixtures.world import QUEUES

HOUR = timedelta(hours=1)
CHECKS = ("undecided", "class_share")
KEY = "train/cat/0.png"


class Clock:
    """A wall clock that can be set."""

    ahead = timedelta(0)

    def now(self, zone: tzinfo | None = None) -> datetime:
        return datetime.now(zone) + self.ahead

    def set(self, **ahead: float) -> None:
        """Set it to so much after the true time, or before it."""
        self.ahead = timedelta(**ahead)


@pytest.fixture
def clock(monkeypatch, backend) -> Clock:
    clock = Clock()
    monkeypatch.setattr("app.db.base.datetime", clock)
    if backend == "sqlite":
        for module in ("app.db.repositories.jobs", "app.services.view_work"):
            real = __import__(module, fromlist=["database_now"]).database_now
            shifted = lambda session, real=real: real(session) + clock.ahead.total_seconds()  # noqa: E731
            monkeypatch.setattr(f"{module}.database_now", shifted)
    return clock


def start(world) -> int:
    with world.database.writing() as session:
        job, _ = jobs.start_job(
            session, world.doorbell, kind=JobKind.EXPORT, title="Some work", live_key="k", shards=[ShardSpec(0, "x")],
            params={}, project_id=None, user_id=None,
        )  # fmt: skip
        return job.id


def claim(world, owner: str):
    return run_shard.claim_shard(world.database, QUEUES, owner)


def finish(world, claimed) -> bool:
    return run_shard.finish_shard(world.database, claimed, result_path=None, sha256=None, problems=0)


@both_backends
@pytest.mark.parametrize("hours", [1, -1])
def test_a_shard_in_hand_counts_once_whichever_way_the_clock_jumps(world, clock, backend, hours):
    job_id = start(world)
    first = claim(world, "before")
    clock.set(hours=hours)
    second = claim(world, "after")
    if backend == "postgresql":
        assert second is None, "the database's clock did not move, so the lease holds"
        assert run_shard.keep_lease(world.database, first, 0, 0)
        assert finish(world, first)
    else:
        assert second is not None, "a lease that seems to have lapsed, or to last too long, is nobody's"
        assert not run_shard.keep_lease(world.database, first, 0, 0)
        assert finish(world, second)
        assert not finish(world, first)
    assert world.job(job_id).state == "done"


@both_backends
def test_a_heartbeat_after_the_jump_keeps_the_lease(world, clock):
    start(world)
    mine = claim(world, "mine")
    for hours in (1, -1, 3):
        clock.set(hours=hours)
        assert run_shard.keep_lease(world.database, mine, 0, 0)
        assert claim(world, "another") is None


@both_backends
def test_a_leak_run_among_jumping_clocks_finds_what_it_finds_anyway(world, clock):
    found = []
    chance = random.Random(12)
    for jumps in (False, True):
        _, job_id, _ = world.start_leaks(methods=("exact",), batch_size=32 - jumps)
        while world.step():
            if jumps:
                clock.set(seconds=chance.choice((-7200, -3600, -61, 0, 61, 3600, 7200)))
        clock.set()
        assert world.job(job_id).state == "done"
        with world.reading() as (session, access):
            pairs = leak_pairs.list_pairs(session, access, PairFilter()).items
        found.append({(pair.train.key, pair.test.key, pair.leak_type) for pair in pairs})
    assert found[0] == found[1] != set()


@both_backends
def test_the_workers_page_calls_nobody_at_work_whose_lease_is_of_another_time(world, clock):
    start(world)
    claim(world, "killed")
    root = world.actor("root")

    def state() -> str:
        with world.database.reading() as session:
            return view_work.list_workers(session, root)[0].state

    assert state() == "at work"
    if world.database.is_sqlite:
        for hours in (1, -1):
            clock.set(hours=hours)
            assert state() == "silent"


@both_backends
def test_the_last_answer_counts_whatever_the_clock_said(world, clock):
    clock.set(hours=1)
    world.submit("alice", KEY, "remove")
    clock.set(hours=-1)
    world.submit("alice", KEY, "keep")
    assert world.state(KEY).decision == "keep"
    assert [event.payload["decision"] for event in world.events()] == ["remove", "keep"]
    clock.set(hours=2)
    world.undo("alice")
    assert world.state(KEY).decision == "remove", "the newest is taken back, by order and not by time"


@both_backends
def test_samples_are_held_for_one_person_at_a_time_when_the_clock_goes_back(world, clock):
    world.flag(*list(world.ids)[:8])
    clock.set(hours=1)
    hers = world.next("alice", 3)
    clock.set()
    his = world.next("bob", 3)
    assert len(set(hers) | set(his)) == 6
    assert set(world.next("alice", 3)) == set(hers), "she gets her own again"


@both_backends
def test_a_freeze_cut_off_in_the_future_makes_room(world, clock, monkeypatch):
    world.submit("alice", KEY, "remove")
    clock.set(hours=1)
    with monkeypatch.context() as patch:
        patch.setattr(versions_repository, "delete_unfrozen", lambda *_: None)  # as if the machine had gone off
        patch.setattr(freeze_version, "_make_it_count", _full_disk)
        with pytest.raises(OutOfSpace):
            world.freeze(*CHECKS)
        with pytest.raises(Conflict, match="five minutes"):
            world.freeze(*CHECKS)
    clock.set()
    assert world.freeze(*CHECKS) == 1


def _full_disk(*_: object) -> None:
    raise OutOfSpace("The disk is full.")


def test_a_queue_that_was_ranked_in_the_future_is_ranked_again(clock):
    now = clock.now(UTC)
    assert was_just_ranked(now - NOT_BEFORE / 2)
    assert not was_just_ranked(now - NOT_BEFORE * 2)
    assert not was_just_ranked(now + HOUR)
    assert not was_just_ranked(None)


@both_backends
def test_people_stay_signed_in_within_hours_and_not_for_ever(client, clock):
    alice = client("alice")
    for hours in (1, -1, 0, 6, -6):
        clock.set(hours=hours)
        assert alice.get("/api/v1/me").status_code == 200, hours
    clock.set(hours=19)  # the last request that was noted came at six
    assert alice.get("/api/v1/me").status_code == 401


@both_backends
def test_nobody_waits_longer_after_wrong_tries_because_the_clock_went_back(browser, clock, monkeypatch):
    monkeypatch.setattr(sign_in_module, "is_password", lambda known, given: known is not None and given == PASSWORD)
    clock.set(hours=1)
    for _ in range(5):
        assert sign_in(browser(), "alice", "wrong").status_code == 401
    clock.set()
    refused = sign_in(browser(), "alice")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 30
