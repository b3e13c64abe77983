"""Reviewers and a bulk decision on one sample at one moment: the reviewer wins, and nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from app.db.repositories import bulk as bulk_repository
from app.services import settle_bulk, submit_review
from tests.fixtures.bulk import apply, draw, look_at_all, revoke, show
from tests.fixtures.databases import both_backends
from tests.fixtures.world import World, by_hand, fresh
from tests.services.test_bulk import KEYS, others, states


@pytest.fixture
def meanwhile():
    with ThreadPoolExecutor(3) as pool:
        yield pool.submit


@pytest.fixture
def proved(world: World) -> World:
    world.flag(*KEYS, suggested="cat")
    draw(world)
    look_at_all(world, 1)
    return world


def wait_a_little(future: Future) -> None:
    end = time.monotonic() + 1
    while not future.done() and time.monotonic() < end:
        time.sleep(0.02)


@both_backends
def test_an_answer_under_way_while_it_is_applied_wins(proved: World, meanwhile: Callable):
    key, other = others(proved)
    apply(proved, 1)
    with proved.writing("bob") as (session, access):
        submit_review.submit_review(
            session, access, proved.ids[key], by_hand("keep"), client_event_id=fresh(), base_version=0
        )
        working = meanwhile(proved.work)
        wait_a_little(working)
        assert not working.done()  # it waits for the answer
    working.result(30)
    assert states(proved, [key]) == {("resolved", "keep", "sole")}
    assert states(proved, [other]) == {("resolved", "remove", "bulk")}
    assert show(proved, 1).bulk.settled == 1
    revoke(proved, 1)
    proved.work()
    assert states(proved, [key]) == {("resolved", "keep", "sole")}


@both_backends
def test_an_answer_that_comes_while_a_part_is_written_wins(proved: World, meanwhile: Callable, monkeypatch):
    key, _ = others(proved)
    apply(proved, 1)
    written, go_on = threading.Event(), threading.Event()
    settle = bulk_repository.settle_samples

    def slowly(*given):
        count = settle(*given)
        written.set()
        go_on.wait(10)
        return count

    monkeypatch.setattr(settle_bulk.repository, "settle_samples", slowly)
    working = meanwhile(proved.work)
    assert written.wait(10)
    answered = meanwhile(proved.submit, "bob", key, "keep", base=0)
    wait_a_little(answered)
    assert not answered.done()
    go_on.set()
    answered.result(30)
    working.result(30)
    assert states(proved, [key]) == {("resolved", "keep", "sole")}
    proved.undo("bob")
    assert states(proved, [key]) == {("resolved", "remove", "bulk")}


@both_backends
def test_taking_back_while_it_is_applied_leaves_nothing_behind(proved: World, meanwhile: Callable, monkeypatch):
    monkeypatch.setattr(settle_bulk, "PART", 1)
    left = others(proved)
    apply(proved, 1)
    first_part = threading.Event()
    settle = bulk_repository.settle_samples

    def watched(*given):
        first_part.set()
        return settle(*given)

    monkeypatch.setattr(settle_bulk.repository, "settle_samples", watched)
    working = meanwhile(proved.work)
    assert first_part.wait(10)
    revoke(proved, 1)
    working.result(60)
    proved.work()
    assert states(proved, left) == {("open", None, None)}
    assert show(proved, 1).bulk.state == "revoked"


@both_backends
def test_two_clicks_at_once_apply_once(proved: World, meanwhile: Callable):
    event = fresh()
    clicks = [meanwhile(apply, proved, 1, event=event) for _ in range(2)]
    assert len({click.result(30) for click in clicks}) == 1
    proved.work()
    assert show(proved, 1).bulk.settled == 2


@both_backends
def test_two_workers_on_one_bulk_decision_settle_each_sample_once(proved: World, meanwhile: Callable):
    """One that was given up for dead may still be at it."""

    class Context:
        def report(self, done: int, problems: int = 0) -> None:
            pass

        def should_stop(self) -> bool:
            return False

    apply(proved, 1)
    both = [meanwhile(settle_bulk.settle_bulk, proved.database, 1, Context()) for _ in range(2)]
    for one in both:
        one.result(30)
    assert show(proved, 1).bulk.settled == 2
    assert states(proved, others(proved)) == {("resolved", "remove", "bulk")}
