"""The express lane answers as the ordinary routes do, and leaves the same behind."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.db.base import Base
from app.db.migrate import migrate
from app.db.session import Database
from app.domain.consensus import Rule
from app.main import create_app
from app.services.projects import set_member
from app.services.review_queue import SampleOrder
from app.settings import Settings
from app.web import express
from tests.fixtures.databases import both_backends
from tests.fixtures.people import add_people
from tests.fixtures.web import OWN, sign_in
from tests.fixtures.world import World

KEYS = [f"train/{label}/{i}.png" for label in ("cat", "dog") for i in range(6)]
ISSUES = ("mislabel", "mislabel", "outlier", "mislabel", "dark", "mislabel", "duplicate", "mislabel", "blurry")
COMPARED = ("review_events", "reviews", "sample_states", "leases", "comments", "audit_entries")
PEOPLE = ("alice", "bob", "lena", "root", "carol", "mallory")


class Copy:
    """One world behind one app, with the lane or without it."""

    def __init__(self, settings: Settings, world: World) -> None:
        self.world, self.app = world, create_app(settings, doorbell=world.doorbell)
        self.clients: dict[str, TestClient] = {}
        for name in PEOPLE:
            self.clients[name] = TestClient(self.app, headers=OWN, follow_redirects=False)
            assert sign_in(self.clients[name], name).status_code == 303

    def ask(self, name: str, method: str, path: str, **options: Any) -> tuple[int, Any]:
        answer = self.clients[name].request(method, f"/api/v1/projects/pets{path}", **options)
        return answer.status_code, without_times(answer.json() if answer.content else None)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        tables = [table for table in Base.metadata.sorted_tables if table.name in COMPARED]
        with self.world.database.reading() as session:
            return {
                table.name: [
                    {name: without_times(value) for name, value in row._mapping.items()}
                    for row in session.execute(select(table).order_by(*table.primary_key.columns))
                ]
                for table in tables
            }

    def close(self) -> None:
        self.app.state.wiring.pictures.close()
        self.app.state.wiring.database.dispose()
        self.world.database.dispose()


def without_times(value: Any) -> Any:
    """The value with a word in place of each time, which differ between any two runs."""
    if isinstance(value, dict):
        return {key: "some time" if key in ("updated_at", "at") else without_times(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_times(part) for part in value]
    return "some time" if isinstance(value, datetime) else value


def make_world(settings: Settings, doorbell: Any, dataset: Any) -> World:
    world = World(settings, Database(settings.resolved_database_url), doorbell, dataset).create().scan()
    lines = [
        f"{i},{key},{key.split('/')[1]},{ISSUES[i % len(ISSUES)]},{0.99 - i / 50},{'fox' if i % 3 else ''},"
        + ("similar to train/cat/0.png" if ISSUES[i % len(ISSUES)] == "duplicate" else "because")
        for i, key in enumerate(KEYS)
    ]
    world.bring(*lines)
    return world


@pytest.fixture
def copies(settings, doorbell, dataset, tmp_path, request) -> Iterator[tuple[Copy, Copy]]:
    """Two equal worlds: what is asked of the first goes over the lane."""
    url = None
    data = tmp_path / "ordinary"
    data.mkdir()
    if settings.database_url:
        url = request.getfixturevalue("make_postgres_database")()
    other = settings.model_copy(update={"data_dir": data, "database_url": url})
    migrate(other.resolved_database_url)
    database = Database(other.resolved_database_url)
    with database.writing() as session:
        add_people(session)
    database.dispose()
    both = [Copy(each, make_world(each, doorbell, dataset)) for each in (settings, other)]
    both[1].app.user_middleware[:] = [m for m in both[1].app.user_middleware if m.cls is not express.ExpressLane]
    both[1].app.middleware_stack = both[1].app.build_middleware_stack()
    yield both[0], both[1]
    for copy in both:
        copy.close()


@pytest.fixture
def taken(monkeypatch) -> list[str]:
    """What the lane answered by itself, by path."""
    answers: list[str] = []
    answer = express._answer

    async def noting(response: Any, scope: Any, receive: Any, send: Any) -> None:
        answers.append(scope["path"])
        await answer(response, scope, receive, send)

    monkeypatch.setattr(express, "_answer", noting)
    return answers


def some_request(dice: random.Random, step: int, ids: list[int]) -> tuple[str, str, dict[str, Any]]:
    """Whatever a page, a program or somebody with bad intentions might ask."""
    event = f"event-{dice.choice((step, step, step, step, step - 1)):08d}"
    sample = dice.choice(ids)
    if dice.random() < 0.4:
        wanted = dice.choice(
            ({}, {"issue_type": "mislabel"}, {"given_label": "cat"}, {"min_confidence": "0.9"}, {"state": "open"},
             {"sort": "class"}, {"sort": "path"}, {"sort": "nonsense"}, {"min_confidence": "7"}, {"q": "cat"},
             {"group": "g"}, {"split": "train", "sort": "random"}, {"draw": "1"}, {"unknown": "1"})
        )  # fmt: skip
        held = ",".join(str(id_) for id_ in dice.sample(ids, dice.choice((0, 0, 2))))
        asked = {"count": dice.choice(("1", "2", "5", "0", "x")), "exclude": held, "counts": "false", **wanted}
        return "GET", "/queue", {"params": asked}
    if dice.random() < 0.25:
        wanted = dice.choice(
            ({}, {"issue_type": "mislabel"}, {"given_label": "cat", "sort": "class"}, {"sort": "groups"}, {"q": "cat"},
             {"reviewer": "alice"}, {"decision": "keep", "sort": "newest"}, {"limit": "0"}, {"cursor": "x"},
             {"tag": "mislabel_uncertain"}, {"sort": "disagreement"}, {"max_confidence": "0.9"})
        )  # fmt: skip
        return "GET", "/samples", {"params": {"limit": dice.choice(("3", "5", "200")), "count": "false", **wanted}}
    if dice.random() < 0.15:
        return "POST", dice.choice(("/reviews/undo", "/reviews/redo")), {"json": {"client_event_id": event}}
    if dice.random() < 0.1:
        said = {"client_event_id": event, "text": "@bob what is it?"}
        return "POST", f"/samples/{sample}/comments", {"json": said}
    if dice.random() < 0.1:
        settled = {"client_event_id": event, "base_version": dice.choice((0, 1)), "decision": "keep"}
        return "POST", f"/samples/{sample}/adjudication", {"json": settled}
    answers = (
        {"manual": True, "decision": "keep"}, {"manual": True, "decision": "remove", "note": "<b>no</b>"},
        {"manual": True, "decision": "remove", "tags": ["duplicate_near"]}, {"status": "skipped"},
        {"manual": True, "decision": "relabel", "new_label": "fox"}, {"manual": True, "tags": ["mislabel_uncertain"]},
        {"manual": True, "decision": "relabel", "new_label": "dog"}, {"manual": True, "decision": "relabel"},
        {"manual": True, "decision": "relabel", "new_label": "nothing"}, {"decision": "keep"}, {"manual": True, "x": 1},
        {"answers": [{"node": "mislabel", "answer": "keep"}]}, {"manual": True, "decision": "keep", "tags": ["nope"]},
    )  # fmt: skip
    given = {"client_event_id": event, "base_version": dice.choice((0, 0, 0, 1)), **dice.choice(answers)}
    if dice.random() < 0.3:
        given["seen_version"] = dice.choice((0, 1))
    return "POST", f"/samples/{dice.choice((sample, sample, sample, 999_999))}/reviews", {"json": given}


POLICIES = ({}, {"min_submitted": 2, "rule": Rule.MAJORITY}, {"blind": False, "overlap_share": 0.5})


@both_backends
def test_the_lane_answers_as_the_ordinary_routes_do(copies, taken):
    fast, plain = copies
    dice, ids = random.Random(7), list(fast.world.ids.values())[:14]
    for step in range(120):
        if step % 40 == 0:
            for copy in copies:
                copy.world.set_policies(**POLICIES[step // 40])
        name = dice.choice(("alice", "alice", "bob", "bob", "lena", "root", "carol", "mallory"))
        method, path, options = some_request(dice, step, ids)
        assert fast.ask(name, method, path, **options) == plain.ask(name, method, path, **options), (path, options)
    assert len(taken) > 10, "the lane has to be tried"
    assert fast.rows() == plain.rows()


@pytest.fixture
def lane(settings, doorbell, dataset) -> Iterator[Copy]:
    copy = Copy(settings, make_world(settings, doorbell, dataset))
    yield copy
    copy.close()


NEXT = {"params": {"count": "3", "counts": "false"}}


@both_backends
def test_people_who_ask_at_once_never_get_the_same_sample(lane, taken):
    people = ("alice", "bob", "lena", "root")
    start = threading.Barrier(len(people))

    def take(name: str) -> list[int]:
        start.wait()
        return [card["id"] for card in lane.ask(name, "GET", "/queue", **NEXT)[1]["items"]]

    with ThreadPoolExecutor(len(people)) as pool:
        given = [id_ for ids in pool.map(take, people) for id_ in ids]
    assert len(given) == 12
    assert len(set(given)) == 12
    assert len(taken) == 4


@both_backends
def test_people_who_answer_at_once_are_all_counted(lane, taken):
    lane.world.set_policies(min_submitted=4)
    people = ("alice", "bob", "lena", "root")
    start = threading.Barrier(len(people))

    def answer(number: int) -> int:
        start.wait()
        body = {"client_event_id": f"event-{number:08d}", "base_version": 0, "manual": True, "decision": "keep"}
        return lane.ask(people[number], "POST", f"/samples/{lane.world.ids[KEYS[0]]}/reviews", json=body)[0]

    with ThreadPoolExecutor(len(people)) as pool:
        assert list(pool.map(answer, range(4))) == [200] * 4
    state = lane.world.state(KEYS[0])
    assert (state.state, state.submitted, state.version) == ("resolved", 4, 4)
    assert len(taken) == 4


@both_backends
def test_every_page_of_every_order_is_the_same(copies, taken):
    for event, (name, key) in enumerate((("alice", KEYS[2]), ("bob", KEYS[5]), ("lena", KEYS[2]))):
        body = {"client_event_id": f"event-{event:08d}", "base_version": 0, "manual": True, "decision": "keep"}
        for copy in copies:
            copy.ask(name, "POST", f"/samples/{copy.world.ids[key]}/reviews", json=body)
            time.sleep(0.002)  # the newest first: two must not be of the same moment
    taken.clear()
    for order in SampleOrder:
        pages: list[tuple[Any, Any]] = [(None, None)]
        for way in ("next_cursor", "next_cursor", "previous_cursor", "previous_cursor"):
            found = [
                copy.ask("carol", "GET", "/samples", params={
                    "limit": "5", "count": "false", "sort": order.value, **({"cursor": at} if at else {}),
                })
                for copy, at in zip(copies, pages[-1], strict=True)
            ]  # fmt: skip
            assert [status for status, _ in found] == [200, 200]
            assert found[0][1]["rows"] == found[1][1]["rows"]
            pages.append((found[0][1][way], found[1][1][way]))
    assert len(taken) == 4 * len(SampleOrder)


def test_a_thumbnail_that_was_made_comes_over_the_lane(lane, taken):
    address, client = f"/img/{lane.world.ids[KEYS[0]]}/thumb", lane.clients["carol"]
    made, again = client.get(address), client.get(address)
    assert taken == [address]
    assert (again.status_code, again.content, again.headers["etag"]) == (200, made.content, made.headers["etag"])
    assert set(again.headers) == set(made.headers)
    known = client.get(address, headers={"If-None-Match": made.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert lane.clients["mallory"].get(address).status_code == 404
    assert client.get("/img/999999/thumb").status_code == 404
    (lane.world.root / KEYS[0]).write_bytes(b"no picture")
    assert client.get(address).status_code == 400


def test_whoever_is_shut_out_is_out_at_once(lane, taken):
    assert lane.ask("alice", "GET", "/queue", **NEXT)[0] == 200
    with lane.world.writing("lena") as (session, access):
        set_member(session, access, lane.world.actor("alice").user_id, None)
    assert lane.ask("alice", "GET", "/queue", **NEXT)[0] == 404
    assert lane.ask("bob", "GET", "/queue", **NEXT)[0] == 200
    lane.clients["bob"].post("/sign-out")
    assert lane.ask("bob", "GET", "/queue", **NEXT)[0] == 401
    assert len(taken) == 2
