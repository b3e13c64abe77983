"""The queue's order: what several agree on first, and re-ranked by what people decided, beside their work."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from app.db.models.ranking import SourceWeight
from app.db.models.reviews import SampleState
from app.domain.errors import JobCancelled
from app.services import rank_queue
from app.services.ports import Unhurried
from tests.fixtures.databases import both_backends

CATS = [f"train/cat/{i}.png" for i in range(6)]
DOGS = [f"train/dog/{i}.png" for i in range(6)]


def rows(keys, issue, confidence):
    return [f"{n},{key},{key.split('/')[1]},{issue},{confidence - n / 1000},,x" for n, key in enumerate(keys)]


def rank(world, context=None) -> int:
    with world.database.reading() as session:
        project = session.scalar(select(SampleState.project_id).limit(1))
    return rank_queue.rank_queue(world.database, project, context or Unhurried())


@both_backends
def test_what_two_sources_agree_on_comes_first(world):
    world.bring(*rows(CATS, "outlier", 0.95), source="fastdup")
    world.bring(f"a,{CATS[5]},cat,mislabel,0.7,dog,x", source="cleanlab")
    assert world.next("alice", 2) == [CATS[5], CATS[0]]


@both_backends
def test_the_queue_follows_what_people_decide(world):
    world.bring(*rows(CATS, "outlier", 0.95), source="surely wrong")
    world.bring(*rows(DOGS, "outlier", 0.45), source="right")
    assert world.next("alice", 2) == CATS[:2]
    for key in CATS[:3]:
        world.submit("alice", key, "keep")
    for key in DOGS[:3]:
        world.submit("alice", key, "remove")
    assert rank(world) == 6
    assert world.next("bob", 6) == [*DOGS[3:], *CATS[3:]]
    with world.database.reading() as session:
        found = {row.source: (row.right, row.settled) for row in session.scalars(select(SourceWeight))}
    assert found == {"surely wrong": (0, 3), "right": (3, 3)}
    # Whatever comes in later is placed by the same weights, and a second ranking has nothing to move.
    world.bring(f"a,{CATS[5]},cat,outlier,0.99,,x", source="surely wrong")
    assert world.next("bob", 6, lease=-1)[:3] == DOGS[3:]
    assert rank(world) == 0


def test_settled_samples_stay_where_they_are(world):
    world.bring(*rows(CATS, "outlier", 0.9), source="one")
    for key in CATS[:4]:
        world.submit("alice", key, "keep")
    before = {key: world.state(key).priority for key in CATS}
    rank(world)
    after = {key: world.state(key).priority for key in CATS}
    assert [key for key in CATS if before[key] != after[key]] == CATS[4:]


def test_a_ranking_is_started_when_enough_was_decided(world, monkeypatch):
    world.bring(*rows(CATS, "outlier", 0.9), source="one")
    assert rank_queue.start_due(world.database, world.doorbell) == 0
    monkeypatch.setattr(rank_queue, "FEWEST", 3)
    for key in CATS[:3]:
        world.submit("alice", key, "keep")
    assert rank_queue.start_due(world.database, world.doorbell) == 1
    assert rank_queue.start_due(world.database, world.doorbell) == 1  # the same job, not a second one
    assert world.work() == 1
    assert rank_queue.start_due(world.database, world.doorbell) == 0  # no answer since, and too soon
    with world.database.reading() as session:
        assert session.scalars(select(SourceWeight.weight)).one() < 0.3


def test_a_cancelled_ranking_leaves_the_weights_for_the_next_one(world):
    class Cancelled(Unhurried):
        def should_stop(self) -> bool:
            return True

    world.bring(*rows(CATS, "outlier", 0.9), source="one")
    world.submit("alice", CATS[0], "keep")
    with pytest.raises(JobCancelled):
        rank(world, Cancelled())
    assert rank(world) == 5


def test_places_from_before_stay_in_order_with_new_ones(world):
    """Before there were weights a place was the largest confidence: so it is for a single flag still."""
    world.bring(*rows(CATS[:3], "outlier", 0.5), source="one")
    with world.database.writing() as session:
        session.execute(update(SampleState).where(SampleState.sample_id == world.ids[CATS[0]]).values(priority=0.5))
    assert rank(world) == 0
