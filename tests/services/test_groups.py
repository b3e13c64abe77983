"""Duplicate groups: from flags to groups, one answer for each, and no group that loses all."""

from __future__ import annotations

import shutil

import pytest

from app.adapters.thumbnails import Pictures
from app.domain.errors import Conflict, InvalidInput, NotFound
from app.services import finish, view_groups
from app.services.decide_group import GroupAnswer, decide_group
from tests.fixtures.databases import both_backends
from tests.fixtures.datasets import draw
from tests.fixtures.world import by_hand, fresh

FLAGGED = "image_id,image_path,issue_type,confidence,reason,group_id"
CATS = [f"train/cat/{i}.png" for i in range(6)]


@pytest.fixture
def pictures(settings):
    made = Pictures(settings.folder("pictures"), processes=1, max_pixels=settings.max_pixels)
    yield made
    made.close()


@pytest.fixture
def grouped(world):
    """A named group of three, and a star: cat/3 and test/cat/0 are like cat/5, which nobody flagged."""
    world.bring(
        "a,train/cat/0.png,duplicate,0.9,twice,g1", "b,train/cat/1.png,duplicate,0.9,twice,g1",
        "c,train/dog/0.png,duplicate,0.8,twice,g1", "d,train/cat/3.png,duplicate,0.95,similar to train/cat/5.png,",
        "e,test/cat/0.png,duplicate,0.7,similar to train/cat/5.png,", header=FLAGGED,
    )  # fmt: skip
    return world


def look(world, pictures, name="alice", **options):
    return view_groups.list_groups(world.database, pictures, world.actor(name), world.slug, **options)


def decide(world, group, name="alice", *, keeper, going=(), staying=(), seen=None, batch=None, **options):
    ids = [world.ids[key] for key in (keeper, *going, *staying)]
    with world.writing(name) as (session, access):
        from app.db.repositories.reviews import states_of_samples

        states = states_of_samples(session, ids)
        versions = seen or {id_: states[id_].version if id_ in states else 0 for id_ in ids}
        answer = GroupAnswer(ids[0], ids[1 : 1 + len(going)], ids[1 + len(going) :], versions, **options)
        return decide_group(session, access, group, answer, batch_id=batch or fresh())


def test_named_groups_and_stars_with_what_nobody_flagged(grouped, pictures):
    page = look(grouped, pictures, count=True)
    star = f"like:{grouped.ids['train/cat/5.png']}"
    assert {group.name: [m.key for m in group.members] for group in page.groups} == {
        "g1": ["train/cat/0.png", "train/cat/1.png", "train/dog/0.png"],
        star: ["test/cat/0.png", "train/cat/3.png", "train/cat/5.png"],
    }
    assert (page.total, page.differing, page.next_cursor) == (2, 1, None)
    assert [group.labels for group in page.groups] == [["cat", "dog"], ["cat"]]
    assert all((m.width, m.height) == (64, 48) and m.sharpness > 0 and m.bytes > 0 for m in page.groups[0].members)


def test_the_largest_of_the_split_that_keeps_is_proposed(grouped, pictures):
    """Leaks are removed from test, so its image goes though it is the largest."""
    draw(3, (128, 96)).save(grouped.root / "train/cat/3.png")
    draw(3, (640, 480)).save(grouped.root / "test/cat/0.png")
    (grouped.root / "train/cat/1.png").write_bytes(b"broken")
    page = look(grouped, pictures)
    proposed = {m.key for group in page.groups for m in group.members if m.id == group.keeper}
    assert proposed == {"train/cat/0.png", "train/cat/3.png"}
    broken = next(m for group in page.groups for m in group.members if m.key == "train/cat/1.png")
    assert (broken.width, broken.sharpness) == (0, 0.0)


@both_backends
def test_one_answer_decides_all_and_one_undo_takes_it_back(grouped):
    decide(grouped, "g1", keeper=CATS[0], going=[CATS[1]], staying=["train/dog/0.png"], tag="duplicate_exact")
    assert [grouped.state(key).decision for key in (CATS[0], CATS[1], "train/dog/0.png")] == ["keep", "remove", "keep"]
    assert grouped.state(CATS[1]).tags == ["duplicate_exact"]
    grouped.undo("alice")
    assert [grouped.state(key).state for key in (CATS[0], CATS[1], "train/dog/0.png")] == ["open"] * 3


@both_backends
def test_a_copy_in_another_split_than_the_one_that_stays_is_a_leak(grouped):
    star = f"like:{grouped.ids['train/cat/5.png']}"
    decide(grouped, star, keeper="train/cat/5.png", going=["train/cat/3.png", "test/cat/0.png"])
    assert grouped.state("train/cat/3.png").tags == ["duplicate_near"]
    assert grouped.state("test/cat/0.png").tags == ["train_test_leak"]
    assert grouped.state("train/cat/5.png").decision == "keep"  # it was in no queue before


def test_the_one_that_stays_can_get_the_right_label(grouped):
    decide(grouped, "g1", keeper=CATS[0], going=[CATS[1], "train/dog/0.png"], keeper_label="dog")
    assert (grouped.state(CATS[0]).decision, grouped.state(CATS[0]).new_label) == ("relabel", "dog")


def test_decided_groups_leave_the_open_ones(grouped, pictures):
    decide(grouped, "g1", keeper=CATS[0], going=[CATS[1], "train/dog/0.png"])
    assert [group.name for group in look(grouped, pictures).groups] == [f"like:{grouped.ids['train/cat/5.png']}"]
    everything = look(grouped, pictures, open_only=False).groups
    assert len(everything) == 2
    # Whoever was removed is no candidate any more.
    assert next(g for g in everything if g.name == "g1").keeper == grouped.ids[CATS[0]]


@both_backends
def test_groups_come_page_by_page(grouped, pictures):
    first = look(grouped, pictures, limit=1)
    second = look(grouped, pictures, limit=1, after=first.next_cursor)
    assert [g.name for g in (*first.groups, *second.groups)] == ["g1", f"like:{grouped.ids['train/cat/5.png']}"]
    assert second.next_cursor is None
    assert [g.name for g in look(grouped, pictures, differing_only=True).groups] == ["g1"]
    assert [g.name for g in look(grouped, pictures, names=["g1"], open_only=False).groups] == ["g1"]


@both_backends
def test_what_somebody_else_settled_meanwhile_stops_the_whole_answer(grouped):
    seen = {grouped.ids[key]: grouped.state(key).version for key in (CATS[0], CATS[1], "train/dog/0.png")}
    grouped.submit("bob", CATS[0], by_hand("remove", tags=["duplicate_near"]))
    with pytest.raises(Conflict, match=r"train/cat/0\.png \(bob: remove\)"):
        decide(grouped, "g1", keeper=CATS[0], going=[CATS[1], "train/dog/0.png"], seen=seen)
    assert [grouped.state(key).decision for key in (CATS[1], "train/dog/0.png")] == [None, None]


@pytest.mark.parametrize(
    ("group", "options", "error"),
    [
        ("g9", {"keeper": CATS[0]}, NotFound),
        ("g1", {"keeper": CATS[2]}, InvalidInput),
        ("g1", {"keeper": CATS[0], "going": [CATS[0]]}, InvalidInput),
        ("g1", {"keeper": CATS[0], "going": [CATS[1]], "tag": "keep"}, InvalidInput),
        ("g1", {"keeper": CATS[0], "going": [CATS[1]], "seen": {1: 0}}, InvalidInput),
        ("g1", {"keeper": CATS[0], "keeper_label": "unicorn"}, InvalidInput),
    ],
)
def test_an_answer_that_does_not_fit_the_group_keeps_nothing(grouped, group, options, error):
    with pytest.raises(error):
        decide(grouped, group, **options)
    assert grouped.events() == []


@both_backends
def test_the_last_image_of_a_group_cannot_go_as_a_duplicate(grouped):
    gone = by_hand("remove", tags=["duplicate_near"])
    grouped.submit("alice", CATS[0], gone)
    grouped.submit("alice", CATS[1], gone)
    with pytest.raises(InvalidInput, match="last image of its group"):
        grouped.submit("alice", "train/dog/0.png", gone)
    assert grouped.state("train/dog/0.png").state == "open"
    # Corrupt is corrupt, whatever the group; freezing asks once more.
    grouped.submit("alice", "train/dog/0.png", by_hand("remove", tags=["low_quality_corrupt"]))
    with grouped.reading() as (session, access):
        checks = {check.code: check.keys for check in finish.merge_project(session, access.project).checks}
    assert set(checks["lost_group"]) == {CATS[0], CATS[1], "train/dog/0.png"}


def test_a_star_whose_hub_nobody_flagged_loses_nothing(grouped):
    for key in ("train/cat/3.png", "test/cat/0.png"):
        grouped.submit("alice", key, by_hand("remove", tags=["duplicate_near"]))
    with grouped.reading() as (session, access):
        codes = [check.code for check in finish.merge_project(session, access.project).checks]
    assert "lost_group" not in codes


def test_a_newer_import_makes_the_groups_anew(grouped, pictures):
    shutil.copy(grouped.root / "train/dog/1.png", grouped.root / "train/dog/5.png")
    grouped.bring("z,train/dog/1.png,duplicate,0.9,similar to train/dog/5.png,", header=FLAGGED, source="other")
    assert len(look(grouped, pictures).groups) == 3
    assert grouped.state("train/dog/1.png").cluster == f"like:{grouped.ids['train/dog/1.png']}" or (
        grouped.state("train/dog/1.png").cluster == f"like:{grouped.ids['train/dog/5.png']}"
    )
