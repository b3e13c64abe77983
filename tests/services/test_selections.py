"""One answer for many selected samples: one step, taken back as one, nobody's answer overwritten unseen."""

from __future__ import annotations

import pytest

from app.domain.errors import Conflict, InvalidInput, NotAllowed, NotFound
from app.services import submit_review
from app.services.batch_review import submit_selection
from tests.fixtures.databases import both_backends
from tests.fixtures.world import SKIP, by_hand, fresh

KEYS = [f"train/cat/{i}.png" for i in range(4)]


@pytest.fixture
def flagged(world):
    world.flag(*KEYS, suggested="dog")
    return world


def select(world, name, keys, given, *, batch="selection-1", seen=None, suggestion=False):
    versions = seen or {key: world.state(key).version for key in keys}
    with world.writing(name) as (session, access):
        return submit_selection(
            session, access, [(world.ids[key], versions[key]) for key in keys], given, batch_id=batch,
            use_suggestion=suggestion,
        )  # fmt: skip


def decisions(world, keys=KEYS):
    return [world.state(key).decision for key in keys]


@both_backends
def test_all_selected_get_the_answer_and_an_event_each(flagged):
    done = select(flagged, "alice", KEYS, by_hand("remove", tags=["duplicate_near"]))
    assert (done.submitted, done.repeated, done.held_back) == (4, 0, [])
    assert decisions(flagged) == ["remove"] * 4
    assert [event.sample_id for event in flagged.events()] == [flagged.ids[key] for key in KEYS]
    assert {version.version for version in done.versions} == {1}


@both_backends
def test_one_undo_takes_the_whole_selection_back_and_one_redo_gives_it_again(flagged):
    flagged.submit("alice", KEYS[0], "keep")
    select(flagged, "alice", KEYS, by_hand("remove"))
    undone = flagged.undo("alice", event="undo-of-all")
    assert sorted(undone.sample_ids) == sorted(flagged.ids[key] for key in KEYS)
    assert decisions(flagged) == ["keep", None, None, None]
    assert flagged.undo("alice", event="undo-of-all").sample_ids == undone.sample_ids  # the same request again
    assert decisions(flagged) == ["keep", None, None, None]
    assert len(flagged.redo("alice").sample_ids) == 4
    assert decisions(flagged) == ["remove"] * 4
    flagged.undo("alice")
    flagged.undo("alice")
    assert decisions(flagged) == [None] * 4


def test_an_undo_leaves_alone_what_was_answered_anew_since(flagged):
    select(flagged, "alice", KEYS, by_hand("remove"))
    flagged.submit("alice", KEYS[1], "keep")
    flagged.undo("alice")
    assert decisions(flagged) == ["remove"] * 4
    flagged.undo("alice")
    assert decisions(flagged) == [None] * 4


@both_backends
def test_what_somebody_else_settled_meanwhile_is_held_back_and_named(flagged):
    seen = {key: flagged.state(key).version for key in KEYS}
    flagged.submit("bob", KEYS[2], by_hand("keep"))
    done = select(flagged, "alice", KEYS, by_hand("remove"), seen=seen)
    assert done.submitted == 3
    assert [(held.sample_id, held.said) for held in done.held_back] == [(flagged.ids[KEYS[2]], "bob: keep")]
    assert decisions(flagged) == ["remove", "remove", "keep", "remove"]
    assert flagged.review("alice", KEYS[2]) is None


def test_whoever_has_seen_the_other_answer_may_differ(flagged):
    flagged.submit("bob", KEYS[2], by_hand("keep"))
    select(flagged, "alice", [KEYS[2]], by_hand("remove"))
    assert flagged.state(KEYS[2]).state == "conflict"
    assert flagged.state(KEYS[2]).dispute == 1


def test_each_can_be_relabelled_to_its_own_suggestion(flagged):
    select(flagged, "alice", KEYS[:2], by_hand("relabel"), suggestion=True)
    assert [flagged.state(key).new_label for key in KEYS[:2]] == ["dog", "dog"]


def test_a_selection_can_be_skipped(flagged):
    select(flagged, "alice", KEYS, SKIP)
    assert flagged.next("alice", 4) == []
    assert decisions(flagged) == [None] * 4


@both_backends
def test_an_answer_that_does_not_fit_one_of_them_keeps_none(flagged):
    with pytest.raises(InvalidInput, match=r"train/cat/0\.png.*Nothing was changed"):
        select(flagged, "alice", KEYS, by_hand("relabel", "cat"))
    assert flagged.events() == []


def test_a_sample_of_another_project_or_named_twice_keeps_none(flagged):
    with flagged.writing("alice") as (session, access), pytest.raises(NotFound, match="no sample 99999"):
        submit_selection(session, access, [(flagged.ids[KEYS[0]], 0), (99999, 0)], by_hand("keep"), batch_id=fresh())
    with pytest.raises(InvalidInput, match="twice"):
        select(flagged, "alice", [KEYS[0], KEYS[0]], by_hand("keep"))
    with pytest.raises(NotAllowed):
        select(flagged, "carol", KEYS, by_hand("keep"))
    assert flagged.events() == []


@both_backends
def test_a_single_answer_on_what_somebody_else_settled_meanwhile_is_a_choice(flagged):
    seen = flagged.state(KEYS[0]).version
    flagged.submit("bob", KEYS[0], by_hand("keep"))

    def answer(seen_version):
        with flagged.writing("alice") as (session, access):
            return submit_review.submit_review(
                session, access, flagged.ids[KEYS[0]], by_hand("remove"), client_event_id=fresh(), base_version=0,
                seen_version=seen_version,
            )  # fmt: skip

    with pytest.raises(Conflict, match="bob answered on this sample while you had it open: keep") as refused:
        answer(seen)
    assert refused.value.details["current"]["reviewer"] == "bob"
    assert answer(refused.value.details["seen_version"]).state == "conflict"


def test_a_second_reviewer_who_is_asked_for_answers_blind(flagged):
    flagged.set_policies(min_submitted=2)
    seen = flagged.state(KEYS[0]).version
    flagged.submit("bob", KEYS[0], by_hand("keep"))
    done = select(flagged, "alice", [KEYS[0]], by_hand("keep"), seen={KEYS[0]: seen})
    assert done.submitted == 1
    assert flagged.state(KEYS[0]).how == "unanimous"
