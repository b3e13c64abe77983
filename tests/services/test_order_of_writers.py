"""PostgreSQL has many writers at once: what each reads must fit what the others commit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from app.domain.formats.manifest_csv import read_final_rows
from app.services import submit_review
from app.services.version_files import repository as versions_repository
from app.services.write_deliverables import write_deliverables
from tests.fixtures.world import World, by_hand, fresh
from tests.services.test_versions import CHECKS, text

pytestmark = [pytest.mark.servers, pytest.mark.parametrize("backend", ["postgresql"], indirect=True)]

FIRST, SECOND = "train/cat/0.png", "train/cat/1.png"


@pytest.fixture
def meanwhile():
    """Start something beside the test."""
    with ThreadPoolExecutor(2) as pool:
        yield pool.submit


def answer(session, access, world: World, key: str) -> None:
    submit_review.submit_review(
        session, access, world.ids[key], by_hand("remove"), client_event_id=fresh(), base_version=0
    )


def wait_a_little(future: Future) -> None:
    end = time.monotonic() + 1
    while not future.done() and time.monotonic() < end:
        time.sleep(0.02)


def test_a_version_has_every_event_that_its_history_will_ever_have(world: World, meanwhile: Callable):
    world.flag(FIRST, SECOND)
    with world.writing("alice") as (session, access):
        answer(session, access, world, FIRST)
        world.submit("bob", SECOND, "remove")  # has the higher id, and is committed first
        frozen = meanwhile(world.freeze, *CHECKS)
        wait_a_little(frozen)
    assert frozen.result(20) == 1
    world.work()
    with world.reading() as (session, access):
        version = versions_repository.get_version(session, access.id, 1)
    write_deliverables(world.database, version.id, world.settings.folder("versions"))
    told = {json.loads(line)["image_id"] for line in text(world, 1, "reviews.jsonl")}
    rows = read_final_rows(text(world, 1, "pets_final_cleaning_manifest.csv"))
    assert told == {row.image_id for row in rows if row.user_action} == {FIRST, SECOND}


def test_reviewers_go_on_while_a_version_is_frozen(world: World, meanwhile: Callable):
    world.flag(FIRST, SECOND)
    with world.database.moment():
        meanwhile(world.submit, "bob", SECOND, "remove").result(20)
    assert world.state(SECOND).decision == "remove"


def test_an_answer_counts_by_the_policies_at_the_moment_it_is_kept(world: World):
    world.flag(FIRST)
    with world.writing("alice") as (session, access):  # has read the policies already
        world.set_policies(min_submitted=2)
        answer(session, access, world, FIRST)
    assert world.state(FIRST).state == "open"


def test_new_policies_reach_an_answer_that_was_under_way(world: World, meanwhile: Callable):
    world.flag(FIRST)
    with world.writing("alice") as (session, access):
        answer(session, access, world, FIRST)
        changed = meanwhile(lambda: world.set_policies(min_submitted=2))
        wait_a_little(changed)
    changed.result(20)
    assert world.state(FIRST).state == "open"
