"""Answers: kept once, refused when stale or contradictory, worked into the sample's state at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain.consensus import Rule
from app.domain.errors import Conflict, InvalidInput, NotAllowed, NotFound, WinnowError
from tests.fixtures.databases import both_backends
from tests.fixtures.world import SKIP, by_hand, by_tree, fresh

KEY, OTHER = "train/cat/0.png", "train/dog/0.png"


@pytest.fixture
def flagged(world):
    world.bring(f"a,{KEY},cat,mislabel,0.97,dog,x", f"b,{OTHER},dog,duplicate,0.9,,x")
    return world


@both_backends
def test_the_same_request_again_gives_the_same_answer_and_changes_nothing(flagged):
    event = fresh()
    first = flagged.submit("alice", KEY, "keep", event=event, base=0)
    again = flagged.submit("alice", KEY, "keep", event=event, base=0)
    assert again == first
    assert len(flagged.events()) == 1


@both_backends
def test_the_same_request_at_the_same_moment_is_kept_once(flagged):
    event, start = fresh(), threading.Barrier(4)

    def send(_: int) -> int:
        start.wait()
        return flagged.submit("alice", KEY, "keep", event=event, base=0).event_id

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(send, range(4)))
    assert len(ids) == 1
    assert len(flagged.events()) == 1


@both_backends
def test_of_two_tabs_that_answer_at_once_one_wins_and_the_other_is_told(flagged):
    start = threading.Barrier(4)

    def send(_: int) -> str:
        start.wait()
        try:
            flagged.submit("alice", KEY, "keep", base=0)
        except Conflict:
            return "conflict"
        return "kept"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, range(4))) == ["conflict"] * 3 + ["kept"]
    assert len(flagged.events()) == 1


def test_an_answer_over_a_stale_one_is_refused_with_the_current_one(flagged):
    flagged.submit("alice", KEY, "keep", base=0)
    with pytest.raises(Conflict) as refused:
        flagged.submit("alice", KEY, "remove", base=0)
    assert refused.value.details["current"]["decision"] == "keep"
    assert refused.value.details["current_version"] == 1
    assert flagged.state(KEY).decision == "keep"


def test_an_id_that_was_used_for_another_sample_is_refused(flagged):
    event = fresh()
    flagged.submit("alice", KEY, "keep", event=event)
    with pytest.raises(InvalidInput, match="another answer"):
        flagged.submit("alice", OTHER, "keep", event=event)


def test_an_id_that_somebody_else_used_is_refused(flagged):
    event = fresh()
    flagged.submit("alice", KEY, "keep", event=event)
    with pytest.raises(InvalidInput, match="another answer"):
        flagged.submit("bob", KEY, "keep", event=event, base=0)


def test_a_viewer_cannot_answer(flagged):
    with pytest.raises(NotAllowed):
        flagged.submit("carol", KEY, "keep")
    with pytest.raises(NotAllowed):
        flagged.undo("carol")
    assert flagged.events() == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (by_hand("relabel"), "needs the new label"),
        (by_hand("relabel", "cat"), "that is a keep"),
        (by_hand("relabel", "unicorn"), "not a class"),
        (by_hand("keep", "dog"), "Only a relabel"),
        (by_hand("keep", tags=["remove"]), "means remove"),
        (by_hand("remove", tags=["no_such_tag"]), "no tag"),
        (by_hand("keep", tags=["mislabel_uncertain"]), "discussion"),
        (by_hand("keep", note="x" * 10_001), "note"),
        (by_tree(), "no answer yet"),
        (by_tree(("outlier.label", "right")), "no answer to the question"),
        (by_tree(("mislabel.verify", "other")), "Choose the class"),
        (by_tree(("mislabel.verify", "right"), ("mislabel.verify", "right")), "after the end"),
        (by_tree(("mislabel.verify", "manual")), "by hand"),
    ],
)
def test_an_answer_that_contradicts_itself_is_refused_and_leaves_nothing(flagged, given, said):
    with pytest.raises(InvalidInput, match=said):
        flagged.submit("alice", KEY, given)
    assert flagged.events() == []
    assert flagged.state(KEY).state == "open"


@pytest.mark.parametrize(
    ("given", "decision", "label", "tags"),
    [
        (by_tree(("mislabel.verify", "suggested")), "relabel", "dog", ["mislabel_confirmed"]),
        (by_tree(("mislabel.verify", "other", "dog")), "relabel", "dog", ["mislabel_confirmed"]),
        (by_tree(("mislabel.verify", "right")), "keep", None, []),
        (by_hand("relabel", "dog"), "relabel", "dog", []),
        (by_hand("remove", tags=["low_quality_blur", "low_quality_blur"]), "remove", None, ["low_quality_blur"]),
    ],
)
def test_answers_become_a_decision_with_tags(flagged, given, decision, label, tags):
    done = flagged.submit("alice", KEY, given)
    assert (done.review.decision, done.review.new_label, done.review.tags) == (decision, label, tags)
    state = flagged.state(KEY)
    assert (state.state, state.decision, state.new_label, state.how) == ("resolved", decision, label, "sole")


def test_cannot_say_goes_to_discussion(flagged):
    done = flagged.submit("alice", KEY, by_tree(("mislabel.verify", "uncertain")))
    assert (done.state, done.review.tags) == ("conflict", ["mislabel_uncertain"])


def test_a_label_outside_the_classes_may_be_chosen_when_it_was_suggested(flagged):
    flagged.bring(f"a,{KEY},cat,outlier,0.5,fox,x", source="another")
    assert flagged.submit("alice", KEY, by_hand("relabel", "fox")).review.new_label == "fox"


def test_a_sample_that_nobody_flagged_can_be_answered(flagged):
    flagged.submit("alice", "train/cat/3.png", "remove")
    assert flagged.state("train/cat/3.png").decision == "remove"


@both_backends
def test_two_first_answers_at_once_on_a_sample_that_nobody_flagged_are_both_kept(flagged):
    start = threading.Barrier(3)

    def send(name: str) -> None:
        start.wait()
        flagged.submit(name, "train/cat/3.png", "remove")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(send, ["alice", "bob", "lena"]))
    assert flagged.state("train/cat/3.png").submitted == 3


def test_a_sample_of_another_project_is_not_found(flagged):
    with pytest.raises(NotFound):
        flagged.ids["elsewhere"] = 10_000
        flagged.submit("alice", "elsewhere", "keep", base=0)


# -- several reviewers ----------------------------------------------------------------------------------------------


@both_backends
def test_reviewers_who_disagree_make_a_conflict_that_a_lead_settles(flagged):
    flagged.set_policies(min_submitted=2)
    flagged.submit("alice", KEY, "keep")
    assert flagged.submit("bob", KEY, "remove").state == "conflict"
    assert adjudicate(flagged, "lena", "remove") == "resolved"
    state = flagged.state(KEY)
    assert (state.decision, state.how, state.by) == ("remove", "adjudicated", ["lena"])


def adjudicate(world, name: str, decision: str, *, base: int | None = None, event: str | None = None) -> str:
    from app.services.conflicts import adjudicate as settle

    with world.writing(name) as (session, access):
        version = world.state(KEY).version if base is None else base
        return settle(
            session, access, world.ids[KEY], by_hand(decision), client_event_id=event or fresh(), base_version=version
        ).state


def test_a_reviewer_cannot_settle_a_conflict(flagged):
    with pytest.raises(NotAllowed):
        adjudicate(flagged, "alice", "remove")


def test_a_lead_who_saw_an_older_state_is_told(flagged):
    flagged.submit("alice", KEY, "keep")
    with pytest.raises(Conflict):
        adjudicate(flagged, "lena", "remove", base=0)
    assert flagged.state(KEY).decision == "keep"


def test_settling_twice_with_one_id_counts_once(flagged):
    event = fresh()
    adjudicate(flagged, "lena", "remove", event=event)
    assert adjudicate(flagged, "lena", "remove", event=event, base=0) == "resolved"
    assert [e.kind for e in flagged.events()] == ["adjudication"]


def test_what_a_lead_settled_stands_over_later_answers(flagged):
    adjudicate(flagged, "lena", "remove")
    flagged.submit("alice", KEY, "keep")
    assert flagged.state(KEY).decision == "remove"


def test_the_majority_decides_where_the_policy_says_so(flagged):
    flagged.set_policies(min_submitted=3, rule=Rule.MAJORITY)
    for name, decision in (("alice", "keep"), ("bob", "remove"), ("lena", "remove")):
        flagged.submit(name, KEY, decision)
    state = flagged.state(KEY)
    assert (state.state, state.decision, state.how, state.by) == ("resolved", "remove", "majority", ["bob", "lena"])


# -- many at once ---------------------------------------------------------------------------------------------------


def batch(world, name: str, keys: list[str], given, *, batch_id: str, suggestion: bool = False):
    from app.services.batch_review import submit_batch

    with world.writing(name) as (session, access):
        return submit_batch(session, access, keys, given, batch_id=batch_id, use_suggestion=suggestion)


@both_backends
def test_a_batch_answers_all_and_its_repetition_none(flagged):
    done = batch(flagged, "alice", [KEY, OTHER], by_hand("keep"), batch_id="batch-0001")
    assert (done.submitted, done.repeated) == (2, 0)
    again = batch(flagged, "alice", [KEY, OTHER], by_hand("keep"), batch_id="batch-0001")
    assert (again.submitted, again.repeated) == (0, 2)
    assert len(flagged.events()) == 2


@pytest.mark.parametrize("keys", [[KEY, "train/cat/99.png"], [KEY, OTHER, KEY]])
def test_a_batch_with_a_wrong_key_answers_none(flagged, keys):
    with pytest.raises(InvalidInput, match="Nothing was changed"):
        batch(flagged, "alice", keys, by_hand("keep"), batch_id="batch-0001")
    assert flagged.events() == []


@both_backends
def test_a_batch_that_does_not_fit_one_sample_answers_none(flagged):
    with pytest.raises(InvalidInput, match=f"{OTHER}.*Nothing was changed"):
        batch(flagged, "alice", [KEY, OTHER], by_hand("relabel", "dog"), batch_id="batch-0001")
    assert flagged.events() == []
    assert flagged.state(KEY).state == "open"


def test_a_batch_can_relabel_each_to_its_own_suggestion(flagged):
    flagged.bring(f"a,{KEY},cat,mislabel,0.9,dog,x", f"b,{OTHER},dog,mislabel,0.9,cat,x", source="suggesting")
    batch(flagged, "alice", [KEY, OTHER], by_hand("relabel"), batch_id="batch-0001", suggestion=True)
    assert [flagged.state(key).new_label for key in (KEY, OTHER)] == ["dog", "cat"]


def test_another_reviewers_batch_of_the_same_name_is_a_batch_of_its_own(flagged):
    flagged.set_policies(min_submitted=2)
    batch(flagged, "alice", [KEY], by_hand("keep"), batch_id="batch-0001")
    done = batch(flagged, "bob", [KEY], by_hand("remove"), batch_id="batch-0001")
    assert (done.submitted, done.repeated) == (1, 0)
    assert flagged.state(KEY).state == "conflict"


def test_a_viewer_cannot_send_a_batch(flagged):
    with pytest.raises(WinnowError):
        batch(flagged, "carol", [KEY], by_hand("keep"), batch_id="batch-0001")
    assert flagged.events() == []


# -- the hidden half-way state --------------------------------------------------------------------------------------


def test_skipping_keeps_the_sample_open(flagged):
    assert flagged.submit("alice", KEY, SKIP).state == "open"
    assert flagged.state(KEY).submitted == 0
