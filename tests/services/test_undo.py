"""Undo and redo compared with a plain model: a stack of answers taken back, a stack to make again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from app.domain.errors import NotFound
from tests.fixtures.databases import both_backends
from tests.fixtures.world import SKIP, by_hand, fresh

KEYS = ["train/cat/0.png", "train/cat/1.png", "train/dog/0.png"]
ANSWERS = {"keep": by_hand("keep"), "remove": by_hand("remove", tags=["outlier_invalid"]), "skip": SKIP}


@dataclass
class Model:
    """What a person expects: undo and redo walk over their own answers, a new answer ends redoing."""

    now: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(KEYS))
    done: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    undone: list[tuple[str, str | None, str | None]] = field(default_factory=list)

    def answer(self, key: str, what: str) -> None:
        self.done.append((key, self.now[key], what))
        self.undone.clear()
        self.now[key] = what

    def undo(self) -> str | None:
        if not self.done:
            return None
        step = self.done.pop()
        self.undone.append(step)
        self.now[step[0]] = step[1]
        return step[0]

    def redo(self) -> str | None:
        if not self.undone:
            return None
        step = self.undone.pop()
        self.done.append(step)
        self.now[step[0]] = step[2]
        return step[0]


def answer_of(world, name: str, key: str) -> str | None:
    review = world.review(name, key)
    if review is None or review.status == "draft":
        return None
    return "skip" if review.status == "skipped" else review.decision


def try_step(step, name: str) -> str | None:
    try:
        return step(name).sample.key
    except NotFound:
        return None


@both_backends
@pytest.mark.parametrize("seed", range(3))
def test_any_walk_of_answers_undos_and_redos_does_what_the_model_does(world, seed):
    world.flag(*KEYS)
    choose = random.Random(seed)
    models = {"alice": Model(), "bob": Model()}
    for _ in range(40):
        name = choose.choice(["alice", "alice", "bob"])
        model = models[name]
        what = choose.choice(["answer", "undo", "undo", "redo"])
        if what == "answer":
            key, said = choose.choice(KEYS), choose.choice(list(ANSWERS))
            world.submit(name, key, ANSWERS[said])
            model.answer(key, said)
        else:
            done = try_step(world.undo if what == "undo" else world.redo, name)
            assert done == (model.undo() if what == "undo" else model.redo())
    for name, model in models.items():
        assert {key: answer_of(world, name, key) for key in KEYS} == model.now
    for key in KEYS:
        said = {m.now[key] for m in models.values()} - {None, "skip"}
        assert world.state(key).state == ("open" if not said else "resolved" if len(said) == 1 else "conflict")


def test_a_sample_whose_answer_was_taken_back_is_open_and_in_the_queue_again(world):
    world.flag(*KEYS)
    world.submit("alice", KEYS[0], "keep")
    world.undo("alice")
    assert world.state(KEYS[0]).state == "open"
    assert world.next("alice", 1) == [KEYS[0]]


def test_undo_takes_back_ones_own_answer_and_never_anothers(world):
    world.flag(*KEYS)
    world.submit("alice", KEYS[0], "keep")
    with pytest.raises(NotFound):
        world.undo("bob")
    assert world.state(KEYS[0]).decision == "keep"


def test_undo_repeated_with_the_same_id_takes_back_one_answer(world):
    world.flag(*KEYS)
    for key in KEYS[:2]:
        world.submit("alice", key, "keep")
    event = fresh()
    first = world.undo("alice", event)
    again = world.undo("alice", event)
    assert again.sample.key == first.sample.key == KEYS[1]
    assert again.undone == first.undone
    assert first.undone["decision"] == "keep"
    assert world.state(KEYS[0]).state == "resolved"


def test_every_step_stays_in_the_history(world):
    world.flag(*KEYS)
    world.submit("alice", KEYS[0], "keep")
    undone = world.undo("alice")
    assert undone.undone["decision"] == "keep"
    world.redo("alice")
    assert [(e.kind, e.payload["decision"]) for e in world.events()] == [
        ("review", "keep"), ("undo", None), ("redo", "keep"),
    ]  # fmt: skip
    assert [e.new_version for e in world.events()] == [1, 2, 3]


def test_undo_does_not_touch_what_a_lead_settled(world):
    from app.services.conflicts import adjudicate

    world.flag(*KEYS)
    world.submit("lena", KEYS[0], "keep")
    with world.writing("lena") as (session, access):
        version = world.state(KEYS[0]).version
        adjudicate(
            session, access, world.ids[KEYS[0]], by_hand("remove"), client_event_id=fresh(), base_version=version
        )
    world.undo("lena")
    assert world.state(KEYS[0]).decision == "remove"
