"""What the finish page shows is kept while nothing changes, and new after whatever does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.db.repositories import leaks
from app.domain.leaks import Verdict
from app.services import leak_pairs, look_at_finish
from app.services.finish import merge_project
from app.services.look_at_finish import FinishLook, keep_finish_looks
from tests.fixtures.bulk import apply, draw, look_at_all, revoke
from tests.fixtures.databases import both_backends
from tests.fixtures.world import World, fresh

KEYS = [*(f"train/{label}/{n}.png" for label in ("cat", "dog") for n in range(6)), "test/cat/1.png", "test/cat/2.png"]


@pytest.fixture
def looks(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[FinishLook, int]]:
    """What the page would show now, and how many merges that took since the last look."""
    merged: list[int] = []

    def counting(*args: object, **options: object) -> object:
        merged.append(1)
        return merge_project(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(look_at_finish, "merge_project", counting)
    keeper = keep_finish_looks()
    with world.reading() as (_, access):
        project_id = access.id

    def look() -> tuple[FinishLook, int]:
        merged.clear()
        return keeper.measure(world.database, project_id), len(merged)

    return look


def judge(world: World) -> None:
    with world.writing("lena") as (session, access):
        pair = leaks.all_pairs(session, access.id)[0].pair
        leak_pairs.decide_pair(
            session, access, pair.id, Verdict.CONFIRMED, client_event_id=fresh(), base_version=pair.version
        )


def find_leaks(world: World) -> None:
    world.start_leaks(methods=("exact",))
    world.work()


@both_backends
def test_a_look_is_merged_again_after_each_change_and_only_then(world: World, looks) -> None:
    world.flag(*KEYS)
    bulk: list[int] = []
    changes: list[tuple[str, Callable[[], object]]] = [
        ("an answer", lambda: world.submit("alice", KEYS[0], "remove")),
        ("one taken back", lambda: world.undo("alice")),
        ("one given again", lambda: world.redo("alice")),
        ("other rules", lambda: world.set_policies(max_class_share=0.5)),
        ("flags", lambda: world.flag(KEYS[7], issue="outlier")),
        ("leaks found", lambda: find_leaks(world)),
        ("a leak confirmed", lambda: judge(world)),
        ("a proof drawn", lambda: bulk.append(draw(world))),
        ("looks at it", lambda: look_at_all(world, bulk[0])),
        ("a bulk decision", lambda: (apply(world, bulk[0]), world.work())),
        ("it taken back", lambda: (revoke(world, bulk[0]), world.work())),
    ]
    looks()
    for name, change in changes:
        change()
        after, merges = looks()
        assert merges == 1, name
        with world.reading() as (session, access):
            now = merge_project(session, access.project, settled_only=True)
        assert after.policies == now.policies, name
        assert (after.removed, after.relabelled) == (len(now.removed), len(now.relabelled)), name
        said, expected = ([(c.code, c.count, c.text) for c in found.checks] for found in (after, now))
        assert said == expected, name
        assert looks()[1] == 0, name
