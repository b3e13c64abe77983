"""What an admin sees of workers, and anybody of the parts of a job of theirs."""

from __future__ import annotations

import pytest

from app.db.repositories import jobs
from app.db.repositories.jobs import LEASE_SECONDS
from tests.fixtures.world import World

KEYS = ["train/cat/0.png", "train/cat/1.png"]


@pytest.fixture
def claimed(world: World) -> int:
    """A leak run of which a worker named ``far:1`` has the first part in hand; its job."""
    _, job_id, _ = world.start_leaks(methods=("exact",))
    with world.database.writing() as session:
        assert jobs.claim(session, ["cpu", "gpu"], "far:1") is not None
    return job_id


def test_a_worker_is_at_work_then_silent_then_another_has_done_it(client, world: World, claimed: int) -> None:
    root = client("root")

    def workers() -> dict[str, dict]:
        return {worker["name"]: worker for worker in root.get("/api/v1/workers").json()["items"]}

    assert (workers()["far:1"]["state"], workers()["far:1"]["job_id"]) == ("at work", claimed)
    lose_touch(world, claimed, LEASE_SECONDS * 0.75)
    assert workers()["far:1"]["state"] == "silent"
    assert "silent" in root.get("/jobs").text

    lose_touch(world, claimed, LEASE_SECONDS + 1)
    world.work()
    found = workers()
    assert "far:1" not in found, "what it had in hand is another's"
    (other,) = (worker for worker in found.values() if worker["shards"] > 1)
    assert (other["state"], other["job_id"]) == ("idle", None)
    parts = root.get(f"/api/v1/jobs/{claimed}/parts").json()
    assert parts["stages"][0]["repeated"] == 1
    assert {part["state"] for part in parts["shards"]} == {"done"}
    assert {part["worker"] for part in parts["shards"]} == {other["name"]}
    assert all(stage["rows_done"] == stage["rows"] for stage in parts["stages"])


def lose_touch(world: World, job_id: int, seconds: float) -> None:
    """As if the worker had given no sign of life for so long."""
    from sqlalchemy import update

    from app.db.models.jobs import JobShard
    from app.db.repositories.clock import database_now

    with world.database.writing() as session:
        until = database_now(session) + LEASE_SECONDS - seconds
        held = (JobShard.job_id == job_id) & (JobShard.lease_owner == "far:1")
        session.execute(update(JobShard).where(held).values(lease_until=until))


def test_members_see_the_parts_of_their_jobs_but_no_machine(client, claimed: int) -> None:
    alice = client("alice")
    page = alice.get(f"/jobs/{claimed}")
    assert page.status_code == 200
    assert "far:1" not in page.text
    assert "far:1" in client("root").get(f"/jobs/{claimed}").text
    shards = alice.get(f"/api/v1/jobs/{claimed}/parts").json()["shards"]
    assert shards[0]["state"] == "running"
    assert {part["worker"] for part in shards} == {None}
    assert client("mallory").get(f"/jobs/{claimed}").status_code == 404
