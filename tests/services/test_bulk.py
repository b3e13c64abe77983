"""Bulk with proof: what is drawn, when it may be applied, what it settles, and taking it back."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.db.models.bulk import BulkDecision, BulkEvent, BulkSample
from app.db.models.jobs import Job
from app.db.models.reviews import SampleState
from app.db.repositories import groups
from app.domain.bulk import Said, prove
from app.domain.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotReady
from app.domain.formats.manifest_csv import read_final_rows
from app.domain.formats.removal_list import read_removal_list
from app.services import conflicts, review_queue, settle_bulk, submit_review, version_files, view_bulk
from app.services.decide_bulk import why_not_apply
from app.services.projects import add_classes
from app.services.rank_strata import rank_strata
from app.services.sample_card import get_card
from app.services.write_deliverables import write_deliverables
from tests.fixtures.bulk import apply, draw, keys_of, look_at_all, revoke, show
from tests.fixtures.databases import both_backends
from tests.fixtures.world import SKIP, World, by_hand, fresh
from tests.services.test_versions import CHECKS, files, text

KEYS = [f"{split}/{label}/{i}.png" for split, label in (("train", "cat"), ("train", "dog")) for i in range(6)]


@pytest.fixture
def flagged(world: World) -> World:
    """Twelve mislabels of which ten or more are looked at: two are left for the bulk decision."""
    world.flag(*KEYS, suggested="cat")
    return world


@pytest.fixture
def proved(flagged: World) -> World:
    """Bulk decision 1, to remove, with every drawn sample removed by alice."""
    draw(flagged)
    look_at_all(flagged, 1)
    return flagged


def others(world: World, bulk_id: int = 1) -> list[str]:
    drawn = set(keys_of(world, show(world, bulk_id)))
    return [key for key in KEYS if key not in drawn]


def states(world: World, keys: list[str]) -> set[tuple[str, str | None, str | None]]:
    found = [world.state(key) for key in keys]
    return {(state.state, state.decision, state.how) for state in found}


OPEN = {("open", None, None)}
IN_BULK = {("resolved", "remove", "bulk")}


@both_backends
def test_from_a_draw_to_a_version_and_back(proved: World):
    left = others(proved)
    assert len(left) == 2
    assert show(proved, 1).bulk.remaining == 2
    apply(proved, 1)
    proved.work()
    assert states(proved, left) == IN_BULK
    assert proved.state(left[0]).by == ["lena"]
    detail = show(proved, 1).bulk
    assert (detail.state, detail.settled, detail.proof.agreeing, detail.proof.decided) == ("applied", 2, 10, 10)
    assert proved.next("bob", 12) == []
    proved.freeze("class_share", "lost_group", "vanished_class")  # nothing is undecided
    proved.work()
    final = {row.image_id: row for row in read_final_rows(text(proved, 1, "pets_final_cleaning_manifest.csv"))}
    row = final[left[0]]
    assert (row.resolution, row.resolved_by, row.rule, row.explanation) == (
        "bulk", "lena", "bulk", "remove, in bulk by lena",
    )  # fmt: skip
    assert set(read_removal_list(text(proved, 1, "pets_removal_list.txt"))) == set(KEYS)
    summary = text(proved, 1, "pets_cleaning_summary.txt").read()
    assert "decided in bulk, after a look at drawn samples        2" in summary
    assert "1: remove, every flagged sample: 2 samples, applied by lena; 10 of 10 drawn samples agreed" in summary
    revoke(proved, 1, "the flag was wrong after all")
    proved.work()
    assert states(proved, left) == OPEN
    assert show(proved, 1).bulk.state == "revoked"
    assert set(proved.next("bob", 12)) == set(left)


@both_backends
def test_a_draw_is_random_repeatable_and_recorded(flagged: World):
    first, again, other = (draw(flagged, seed=seed, min_confidence=0.5) for seed in (7, 7, 8))
    drawn = [keys_of(flagged, show(flagged, number)) for number in (first, again, other)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 10
    ids = sorted(flagged.ids[key] for key in KEYS)
    assert [flagged.ids[key] for key in drawn[0]] == random.Random(7).sample(ids, 10)
    with flagged.database.reading() as session:
        event = session.scalars(select(BulkEvent).where(BulkEvent.bulk_id == first)).one()
    assert event.payload["seed"] == 7
    assert event.payload["filters"] == {"min_confidence": 0.5}
    assert (event.payload["population"], event.payload["drawn"]) == (12, 10)


def test_a_draw_is_made_once_however_often_it_is_asked_for(flagged: World):
    event = fresh()
    assert draw(flagged, event=event) == draw(flagged, event=event)
    with flagged.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(BulkDecision)) == 1
    with pytest.raises(InvalidInput, match="another step"):
        draw(flagged, event=event, name="alice")


def test_the_queue_gives_the_drawn_samples_in_the_order_of_the_draw(flagged: World):
    number = draw(flagged, seed=3)
    drawn = keys_of(flagged, show(flagged, number))
    assert flagged.next("alice", 4, draw=number) == drawn[:4]
    assert flagged.next("bob", 12, draw=number) == drawn[4:]


def test_drawn_samples_that_were_settled_in_bulk_are_asked_for_too(proved: World):
    left = others(proved)
    apply(proved, 1)
    proved.work()
    second = draw(proved, "keep", over_bulk=True)
    with proved.writing("bob") as (session, access):
        wanted = review_queue.SampleFilter(draw=second)
        found = review_queue.next_samples(session, access, wanted, count=9, exclude=[], lease=timedelta(minutes=1))
    assert ({card.key for card in found.items}, found.remaining, found.total) == (set(left), 2, 2)


def test_the_proof_follows_the_answers(flagged: World):
    number = draw(flagged)
    drawn = keys_of(flagged, show(flagged, number))
    assert show(flagged, number).bulk.proof.share is None
    for key in drawn[:3]:
        flagged.submit("alice", key, "remove")
    flagged.submit("alice", drawn[3], "keep")
    flagged.submit("bob", drawn[4], by_hand(None))  # to discussion: the answer does not hold for sure
    proof = show(flagged, number).bulk.proof
    assert (proof.decided, proof.agreeing) == (5, 3)
    assert proof.low == pytest.approx(0.2307, abs=1e-4)
    assert proof.high == pytest.approx(0.8824, abs=1e-4)
    flagged.undo("alice")
    assert show(flagged, number).bulk.proof.decided == 4


def test_nothing_is_applied_before_every_drawn_sample_is_decided(flagged: World):
    number = draw(flagged)
    drawn = keys_of(flagged, show(flagged, number))
    for key in drawn[:-1]:
        flagged.submit("alice", key, "remove")
    with pytest.raises(NotReady, match="1 of the 10 drawn samples are not decided"):
        apply(flagged, number)
    assert states(flagged, others(flagged)) == OPEN


def test_a_few_looks_prove_too_little(flagged: World):
    number = draw(flagged)
    proof = prove(9, [Said.AGREES] * 9)
    with flagged.database.reading() as session:
        problem = why_not_apply(session.get_one(BulkDecision, number), proof)
    assert problem is not None
    assert "9 looks prove too little" in problem


def test_a_stratum_that_was_drawn_whole_has_nothing_left_to_apply_it_to(world: World):
    world.flag(*KEYS[:5])
    number = draw(world)
    look_at_all(world, number)
    with pytest.raises(NotReady, match="Every sample of the stratum was drawn"):
        apply(world, number)


def test_a_proof_that_changed_since_it_was_seen_is_looked_at_again(proved: World):
    drawn = keys_of(proved, show(proved, 1))
    proved.submit("alice", drawn[0], "keep")
    with pytest.raises(Conflict) as refused:
        apply(proved, 1, seen=(10, 10))
    assert refused.value.details == {"decided": 10, "agreeing": 9}
    apply(proved, 1, seen=(10, 9))


def test_a_double_click_applies_once(proved: World):
    event = fresh()
    assert apply(proved, 1, event=event) == apply(proved, 1, event=event)
    proved.work()
    with proved.database.reading() as session:
        assert session.scalar(select(func.count()).where(BulkEvent.kind == "apply")) == 1
        assert session.scalar(select(func.count()).where(Job.kind == "bulk")) == 1
        assert session.scalar(select(func.count()).select_from(BulkSample)) == 2
    with pytest.raises(NotReady, match="applied already"):
        apply(proved, 1)


def test_reviewers_draw_and_leads_decide(flagged: World):
    number = draw(flagged, name="alice")
    look_at_all(flagged, number)
    assert show(flagged, number).bulk.drawn.by == "alice"
    with pytest.raises(NotAllowed, match="role lead"):
        apply(flagged, number, name="alice")
    with pytest.raises(NotAllowed):
        revoke(flagged, number, name="bob")
    with pytest.raises(NotAllowed):
        draw(flagged, name="carol")
    with pytest.raises(NotFound):
        show(flagged, number + 1)


@both_backends
def test_an_answer_of_a_reviewer_replaces_the_bulk_decision_and_undoing_it_brings_that_back(proved: World):
    key = others(proved)[0]
    apply(proved, 1)
    proved.work()
    proved.submit("bob", key, "keep")
    assert states(proved, [key]) == {("resolved", "keep", "sole")}
    proved.undo("bob")
    assert states(proved, [key]) == IN_BULK
    proved.redo("bob")
    assert states(proved, [key]) == {("resolved", "keep", "sole")}
    proved.set_policies(min_submitted=2)
    assert states(proved, [key]) == OPEN  # it waits for another reviewer's answer
    proved.undo("bob")
    assert states(proved, [key]) == IN_BULK


@both_backends
def test_new_policies_leave_what_was_decided_in_bulk(proved: World):
    key = others(proved)[0]
    with proved.writing("bob") as (session, access):
        submit_review.submit_review(session, access, proved.ids[key], SKIP, client_event_id=fresh(), base_version=0)
    apply(proved, 1)
    proved.work()
    assert states(proved, [key]) == IN_BULK  # who skips says nothing
    proved.set_policies(min_submitted=3)
    assert states(proved, [key]) == IN_BULK


def test_a_lead_settles_a_sample_that_was_decided_in_bulk(proved: World):
    key = others(proved)[0]
    apply(proved, 1)
    proved.work()
    with proved.writing("lena") as (session, access):
        conflicts.adjudicate(
            session, access, proved.ids[key], by_hand("keep"), client_event_id=fresh(),
            base_version=proved.state(key).version,
        )  # fmt: skip
    assert states(proved, [key]) == {("resolved", "keep", "adjudicated")}
    revoke(proved, 1)
    proved.work()
    assert states(proved, [key]) == {("resolved", "keep", "adjudicated")}


@both_backends
@pytest.mark.parametrize("newer_first", [True, False])
def test_of_two_bulk_decisions_the_newer_that_stands_counts(proved: World, newer_first: bool):
    left = others(proved)
    apply(proved, 1)
    proved.work()
    with pytest.raises(InvalidInput, match="No open sample"):
        draw(proved, "keep")
    second = draw(proved, "keep", over_bulk=True)
    assert set(keys_of(proved, show(proved, second))) == set(left)
    settle_without_proof(proved, second)
    assert states(proved, left) == {("resolved", "keep", "bulk")}
    revoke(proved, second if newer_first else 1)
    proved.work()
    assert states(proved, left) == (IN_BULK if newer_first else {("resolved", "keep", "bulk")})
    revoke(proved, 1 if newer_first else second)
    proved.work()
    assert states(proved, left) == OPEN


def settle_without_proof(world: World, bulk_id: int) -> None:
    """Apply a bulk decision whose stratum is too small to prove anything."""
    with world.database.writing() as session:
        row = session.get_one(BulkDecision, bulk_id)
        row.state, row.applied_event_id = "applying", session.scalar(select(func.max(BulkEvent.id)))
    settle_bulk.settle_bulk(world.database, bulk_id, Context())


class Context:
    """Work that may be stopped after so many parts."""

    def __init__(self, parts: int = 10**6) -> None:
        self.parts = parts
        self.done: list[int] = []

    def report(self, done: int, problems: int = 0) -> None:
        self.done.append(done)

    def should_stop(self) -> bool:
        return len(self.done) >= self.parts


# -- relabelling -----------------------------------------------------------------------------------------------------


@both_backends
def test_a_relabel_gives_each_its_own_suggestion_and_leaves_out_what_it_does_not_fit(world: World):
    rows = [f"a{i},{key},,mislabel,0.9,{'dog' if 'cat' in key else 'cat'},x" for i, key in enumerate(KEYS)]
    odd = [
        "b,test/cat/0.png,,mislabel,0.9,fox,x",
        "c,test/cat/1.png,,mislabel,0.9,,x",
        "d,test/dog/2.png,,mislabel,0.9,dog,x",
    ]
    world.bring(*rows, *odd)
    number = draw(world, "relabel", tags=("mislabel_confirmed",))
    detail = show(world, number).bulk
    assert detail.population == 12
    assert {row.reason: row.count for row in detail.left_out} == {
        "no_suggestion": 1, "unknown_class": 1, "same_label": 1,
    }  # fmt: skip
    assert next(row.classes for row in detail.left_out if row.reason == "unknown_class") == {"fox": 1}
    assert detail.remaining == 2
    for key in keys_of(world, show(world, number)):
        world.submit("alice", key, by_hand("relabel", "dog" if "cat" in key else "cat"))
    left = others(world, number)
    apply(world, number)
    world.work()
    for key in left:
        state = world.state(key)
        assert (state.decision, state.new_label) == ("relabel", "dog" if "/cat/" in key else "cat")
        assert state.tags == ["mislabel_confirmed"]
    assert states(world, ["test/cat/0.png", "test/cat/1.png", "test/dog/2.png"]) == OPEN


def test_a_relabel_to_another_class_than_the_suggested_one_does_not_agree(world: World):
    world.bring(*(f"{i},{key},,mislabel,0.9,dog,x" for i, key in enumerate(KEYS[:6])))
    number = draw(world, "relabel")
    drawn = keys_of(world, show(world, number))
    world.bring("z,train/cat/0.png,,outlier,0.1,,x")  # a second flag changes nothing
    with world.writing("lena") as (session, access):
        add_classes(session, access, ["fox"])
    world.submit("alice", drawn[0], by_hand("relabel", "fox"))
    world.submit("alice", drawn[1], by_hand("relabel", "dog"))
    proof = show(world, number).bulk.proof
    assert (proof.decided, proof.agreeing) == (2, 1)


def test_a_stratum_whose_suggestions_are_all_no_class_can_not_be_drawn_from(world: World):
    world.flag(*KEYS, suggested="fox")
    with pytest.raises(InvalidInput, match="suggested label"):
        draw(world, "relabel")


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"tags": ("outlier_valid",)}, "means keep"), ({"width": 0.9}, "width"), ({"draw": 1}, "drawn from")],
)
def test_what_makes_no_sense_is_refused_before_anything_is_drawn(flagged: World, changes, message):
    with pytest.raises(InvalidInput, match=message):
        draw(flagged, "remove", **changes)
    with flagged.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(BulkEvent)) == 0


@both_backends
def test_a_duplicate_group_keeps_an_image(world: World):
    """Two groups of six: with all others gone as duplicates, the last one of each stays open."""
    rows = [f'a{i},{key},,duplicate,0.9,,"group {key.split("/")[1]}"' for i, key in enumerate(KEYS)]
    world.bring(*rows)
    with world.database.writing() as session:
        groups.replace_members(session, 1, [(key.split("/")[1], world.ids[key]) for key in KEYS])
    number = draw(world, issue_type="duplicate")
    left = others(world, number)
    for key in keys_of(world, show(world, number)):
        world.submit("alice", key, "remove")
    apply(world, number)
    world.work()
    kept = [key for key in left if world.state(key).state == "open"]
    assert len(kept) == len({key.split("/")[1] for key in left})
    assert {row.reason: row.count for row in show(world, number).bulk.left_out} == {"last_of_group": len(kept)}


# -- stopped half way ------------------------------------------------------------------------------------------------


def test_a_job_that_was_stopped_goes_on_where_it_was(proved: World, monkeypatch):
    monkeypatch.setattr(settle_bulk, "PART", 1)
    left = others(proved)
    job = apply(proved, 1)
    proved.cancel(job)
    proved.work()
    assert proved.job(job).state == "cancelled"
    with pytest.raises(Exception, match="stopped"):
        settle_bulk.settle_bulk(proved.database, 1, Context(parts=1))
    assert sorted(proved.state(key).state for key in left) == ["open", "resolved"]
    detail = show(proved, 1).bulk
    assert (detail.state, detail.is_stuck, detail.settled) == ("applying", True, 1)
    with pytest.raises(NotReady) as refused:
        proved.freeze(*CHECKS, "vanished_class")
    assert "bulk_under_way" in refused.value.details["checks"]
    assert apply(proved, 1) != job
    proved.work()
    assert (show(proved, 1).bulk.settled, states(proved, left)) == (2, IN_BULK)


def test_one_that_stopped_half_way_can_be_taken_back(proved: World, monkeypatch):
    monkeypatch.setattr(settle_bulk, "PART", 1)
    left = others(proved)
    apply(proved, 1)
    with pytest.raises(Exception, match="stopped"):
        settle_bulk.settle_bulk(proved.database, 1, Context(parts=1))
    revoke(proved, 1)
    proved.work()  # the job that applies sees it, and the one that takes back does its work
    assert states(proved, left) == OPEN
    assert show(proved, 1).bulk.state == "revoked"


def test_one_that_was_never_applied_is_given_up(flagged: World):
    number = draw(flagged)
    revoke(flagged, number, "the wrong stratum")
    detail = show(flagged, number).bulk
    assert (detail.state, detail.job, detail.revoke_reason) == ("revoked", None, "the wrong stratum")
    with pytest.raises(Conflict):
        revoke(flagged, number)


def test_taking_back_needs_a_reason(proved: World):
    with pytest.raises(InvalidInput, match="why"):
        revoke(proved, 1, "   ")


# -- what is told of it ----------------------------------------------------------------------------------------------


def test_the_history_tells_all_that_is_needed_to_merge_in_another_way(proved: World):
    left = others(proved)
    drawn = keys_of(proved, show(proved, 1))
    apply(proved, 1)
    proved.work()
    proved.freeze(*CHECKS, "vanished_class")
    proved.work()
    revoke(proved, 1)
    proved.work()
    proved.freeze(*CHECKS, "vanished_class")
    proved.work()

    def told(number: int) -> list[dict]:
        lines = [json.loads(line) for line in text(proved, number, "reviews.jsonl")]
        return [line for line in lines if line["event"].startswith("bulk")]

    assert [line["event"] for line in told(1)] == ["bulk_draw", "bulk_apply", "bulk_samples"]
    assert [line["event"] for line in told(2)] == ["bulk_draw", "bulk_apply", "bulk_samples", "bulk_revoke"]
    evidence, settled = told(2)[1], told(2)[2]
    assert (evidence["reviewer"], evidence["decided"], evidence["agreeing"]) == ("lena", 10, 10)
    assert evidence["low"] == pytest.approx(0.7225, abs=1e-4)
    assert [look["image_id"] for look in evidence["looks"]] == drawn
    assert evidence["looks"][0] == {
        "image_id": drawn[0], "expected_label": None, "said": "remove", "how": "sole", "by": ["alice"], "agrees": True,
    }  # fmt: skip
    assert settled["image_ids"] == sorted(left)
    assert told(2)[3]["reason"] == "it was wrong"


def test_files_of_a_version_are_the_same_after_the_bulk_decision_is_taken_back(proved: World, lists_only: None):
    apply(proved, 1)
    proved.work()
    proved.freeze(*CHECKS, "vanished_class")
    proved.work()
    before = files(proved, 1)
    revoke(proved, 1)
    proved.work()
    with proved.reading() as (session, access):
        version_id = version_files.repository.get_version(session, access.id, 1).id
    write_deliverables(proved.database, version_id, proved.settings.folder("versions"))
    assert files(proved, 1) == before


def test_a_samples_history_names_the_bulk_decision(proved: World):
    key = others(proved)[0]
    apply(proved, 1)
    proved.work()
    revoke(proved, 1, "no")
    with proved.reading() as (session, access):
        steps = [step.text for step in get_card(session, access, proved.ids[key]).history]
    assert steps == ["in bulk (1): remove", "took bulk decision 1 back: no"]


@both_backends
def test_strata_are_ranked_by_what_a_look_settles(world: World):
    many = [f"a{i},{key},,mislabel,0.97,,x" for i, key in enumerate(KEYS)]
    few = [f"b{i},test/cat/{i}.png,,outlier,0.6,,x" for i in range(3)]
    world.bring(*many, *few, source="one")
    world.bring("c,train/cat/0.png,,quality,,,x", source="two")
    world.submit("alice", KEYS[0], "keep")
    world.submit("alice", KEYS[1], "keep")
    world.submit("alice", KEYS[2], "remove")
    with world.reading() as (session, access):
        rows = rank_strata(session, access)
    first, *rest = rows
    assert (first.issue_type, first.source, first.low, first.high) == ("mislabel", "one", 0.95, 1.0)
    assert (first.open, first.decided, first.answer, first.agreeing, first.share) == (9, 3, "keep", 2, 2 / 3)
    assert (first.looks, first.per_look) == (9, 1.0)
    assert {(row.issue_type, row.open, row.answer) for row in rest} == {("outlier", 3, None)}
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).where(SampleState.state == "open")) == 12


def test_the_list_shows_every_bulk_decision_the_newest_first(proved: World):
    draw(proved, "keep")
    with proved.reading("bob") as (session, access):
        found = view_bulk.list_bulk(session, access)
    assert [(row.id, row.decision, row.proof.decided, row.can_decide) for row in found] == [
        (2, "keep", 0, False), (1, "remove", 10, False),
    ]  # fmt: skip
