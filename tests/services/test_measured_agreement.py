"""Agreement as the page measures it, from the database's counts, beside the libraries on the raw answers."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from app.services import check_samples, keep_measured, measure_agreement
from app.services.agreement_page import AgreementPage, make_page
from app.services.keep_measured import Keeper
from app.services.measure_agreement import Measured, measure
from app.services.submit_review import submit_review
from tests.fixtures.databases import both_backends
from tests.fixtures.world import World, by_hand, fresh
from tests.services.test_overlap_and_checks import KEYS, settle

PEOPLE = ("alice", "bob", "lena")


@pytest.fixture
def answered(world: World, monkeypatch) -> World:
    """Three people's answers, made by a seed, with gaps; measured in stretches of five ids."""
    monkeypatch.setattr(measure_agreement, "STRETCH", 5)
    world.flag(*KEYS)
    world.set_policies(min_submitted=3)
    source = random.Random(4)
    for key in KEYS:
        for name in PEOPLE:
            said = source.choice(["keep", "keep", "remove", "relabel", None, "gap"])
            if said != "gap":
                label = "dog" if "/cat/" in key else "cat"
                answer(world, name, key, said, label if said == "relabel" else None)
    return world


def answer(world: World, name: str, key: str, said: str | None, label: str | None = None, ms: int = 0) -> None:
    with world.writing(name) as (session, access):
        submit_review(
            session, access, world.ids[key], by_hand(said, label), client_event_id=fresh(), base_version=0,
            lead_time_ms=ms,
        )  # fmt: skip


def measured(world: World) -> Measured:
    with world.reading() as (_, access):
        project_id = access.id
    return measure(world.database, project_id)


def page(world: World, name: str = "lena", wanted: tuple[str, str] | None = None) -> AgreementPage:
    with world.reading(name) as (session, access):
        return make_page(session, access, measured(world), wanted)


def raw(world: World) -> dict[str, list[str | None]]:
    """Each person's decisions in the order of the samples; None is a gap."""
    rows = {name: [world.review(name, key) for key in KEYS] for name in PEOPLE}
    return {name: [None if r is None else r.decision or "discuss" for r in found] for name, found in rows.items()}


@both_backends
def test_kappa_and_alpha_are_those_of_the_libraries_on_the_raw_table(answered: World) -> None:
    table, found = raw(answered), page(answered)
    codes = {"keep": 0.0, "remove": 1.0, "relabel": 2.0, "discuss": 3.0}
    numbers = [[np.nan if said is None else codes[said] for said in table[name]] for name in PEOPLE]
    alpha = krippendorff.alpha(reliability_data=np.array(numbers), level_of_measurement="nominal")
    assert found.alpha == pytest.approx(alpha)
    assert len(found.pairs) == 3
    for pair in found.pairs:
        both = [(a, b) for a, b in zip(table[pair.first], table[pair.second], strict=True) if a and b]
        assert pair.kappa == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))
        assert (pair.shared, pair.same) == (len(both), sum(a == b for a, b in both))
    assert [(row.issue_type, row.alpha) for row in found.issues] == [("mislabel", pytest.approx(alpha))]


def test_the_confusion_counts_every_shared_sample_once(answered: World) -> None:
    table = page(answered, wanted=("bob", "alice")).confusion
    assert table is not None
    said = raw(answered)
    for first, cells in table.rows:
        for second, cell in zip(table.decisions, cells, strict=True):
            both = zip(said[table.first], said[table.second], strict=True)
            assert cell.count == sum((a, b) == (first, second) for a, b in both)
            assert cell.is_same == (first == second)
    assert {table.first, table.second} == {"alice", "bob"}


def test_the_confusion_of_an_issue_counts_each_two_answers_on_a_sample_once(answered: World) -> None:
    table = page(answered).issue_confusion
    assert table is not None
    assert (table.first, table.second) == ("mislabel", "")
    expected: Counter[tuple[str, str]] = Counter()
    for given in zip(*raw(answered).values(), strict=True):
        for one, other in combinations([said for said in given if said is not None], 2):
            expected[one, other] += 1
            if one != other:
                expected[other, one] += 1
    for one, cells in table.rows:
        assert {other: cell.count for other, cell in zip(table.decisions, cells, strict=True)} == {
            other: expected[one, other] for other in table.decisions
        }


@both_backends
def test_a_relabel_to_another_class_is_no_agreement_on_the_label(world: World) -> None:
    world.flag(*KEYS)
    world.set_policies(min_submitted=2)
    with world.writing("lena") as (session, access):
        from app.services.projects import add_classes

        add_classes(session, access, ["fox"])
    for key, label in ((KEYS[0], "dog"), (KEYS[1], "dog"), (KEYS[2], "fox")):
        answer(world, "alice", key, "relabel", "dog")
        answer(world, "bob", key, "relabel", label)
    found = page(world)
    assert (found.alpha, found.pairs[0].kappa) == (1.0, 1.0)
    labels = [["dog", "dog", "dog"], ["dog", "dog", "fox"]]
    expected = krippendorff.alpha(
        reliability_data=np.array([[float(said == "fox") for said in row] for row in labels]),
        level_of_measurement="nominal",
    )
    assert found.label_alpha == pytest.approx(expected)
    assert found.pairs[0].label_kappa == pytest.approx(cohen_kappa_score(*labels))
    assert [(row.name, row.samples) for row in found.conflicts_by_answers] == [("relabel to different classes", 1)]


@both_backends
def test_each_reviewers_figures(world: World) -> None:
    world.flag(*KEYS)
    world.set_policies(min_submitted=2)
    for key, said, ms in ((KEYS[0], "keep", 1000), (KEYS[1], "remove", 2000), (KEYS[2], None, 9000)):
        answer(world, "alice", key, said, ms=ms)
    answer(world, "bob", KEYS[0], "remove")
    settle(world, KEYS[0], "remove")
    settle(world, KEYS[2], "keep")
    alice, bob = page(world).reviewers
    assert (alice.username, alice.flagged, alice.keep, alice.remove, alice.uncertain) == ("alice", 3, 1, 1, 1)
    assert (alice.median_seconds, alice.per_hour) == (2.0, pytest.approx(900))
    assert (alice.adjudicated, alice.overturned) == (2, 2)
    assert (bob.median_seconds, bob.per_hour, bob.adjudicated, bob.overturned) == (None, None, 1, 0)


def test_what_a_lead_would_settle_is_counted_by_issue_and_by_answers(world: World) -> None:
    world.flag(*KEYS[:3])
    world.bring(f"x,{KEYS[0]},cat,outlier,0.5,,far", source="other")
    world.set_policies(min_submitted=2)
    answer(world, "alice", KEYS[0], "keep")
    answer(world, "bob", KEYS[0], "remove")
    answer(world, "alice", KEYS[1], None)
    found = page(world)
    assert {row.name: row.samples for row in found.conflicts_by_issue} == {"mislabel": 2, "outlier": 1}
    assert {row.name: row.samples for row in found.conflicts_by_answers} == {"keep / remove": 1, "discuss alone": 1}


def test_answers_on_settled_check_samples_tell_of_their_reviewer_alone(world: World) -> None:
    world.flag(*KEYS)
    settle(world, KEYS[0], "remove")
    with world.writing("lena") as (session, access):
        check_samples.add_adjudicated(session, access)
    answer(world, "alice", KEYS[0], "keep")
    answer(world, "bob", KEYS[0], "remove")
    answer(world, "alice", KEYS[1], "keep")
    found = page(world)
    assert (found.shared, found.pairs) == (0, [])
    accuracy = {row.username: row.accuracy for row in found.reviewers}
    assert (accuracy["alice"].right, accuracy["alice"].answered) == (0, 1)
    assert 0.0 == accuracy["alice"].low < accuracy["alice"].high < 1.0
    assert page(world, "alice").reviewers[0].accuracy is None, "leads alone see it"


def test_a_reviewer_sees_their_own_figures_alone(answered: World) -> None:
    found = page(answered, "alice")
    assert not found.is_whole
    assert [row.username for row in found.reviewers] == ["alice"]
    assert (found.pairs, found.confusion, found.issues, found.conflicts_by_answers) == ([], None, [], [])
    assert found.alpha == page(answered).alpha


def test_an_empty_project_has_nothing_to_measure(world: World) -> None:
    found = page(world)
    assert (found.shared, found.alpha, found.label_alpha, found.reviewers) == (0, None, None, [])


def test_what_was_measured_is_kept_while_measuring_anew_would_be_too_much(world: World, monkeypatch) -> None:
    world.flag(*KEYS)
    with world.reading() as (_, access):
        project_id = access.id
    keeper = Keeper(measure)
    first = keeper.measure(world.database, project_id)
    assert keeper.measure(world.database, project_id) is first, "nothing changed"
    monkeypatch.setattr(keep_measured, "REST", 10_000_000)
    world.submit("alice", KEYS[0], "keep")
    assert keeper.measure(world.database, project_id) is first, "too soon"
    monkeypatch.setattr(keep_measured, "REST", 0)
    assert keeper.measure(world.database, project_id).tallies.keys() == {world.actor("alice").user_id}
