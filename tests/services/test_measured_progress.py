"""Progress by issue, class and source, beside what was decided by hand here."""

from __future__ import annotations

from datetime import timedelta

import pytest
from scipy.stats import binomtest

from app.db.base import utc_now
from app.db.models.reviews import SampleState
from app.db.repositories import projects
from app.db.repositories import reviews as reviews_repository
from app.services import dashboard, keep_measured, measure_progress
from app.services.keep_measured import Keeper
from app.services.measure_progress import Progress
from app.services.measure_progress import measure_progress as measure
from tests.fixtures.databases import both_backends
from tests.fixtures.world import World
from tests.services.test_measured_agreement import answer
from tests.services.test_overlap_and_checks import KEYS

CAT, DOG = KEYS[:6], KEYS[6:]


@pytest.fixture
def decided(world: World, monkeypatch) -> World:
    """Two detectors; measured in stretches of five ids."""
    monkeypatch.setattr(measure_progress, "STRETCH", 5)
    world.flag(*CAT[:4], *DOG[:2])
    rows = [f"{n},{key},{key.split('/')[1]},{issue},0.9,,seen" for n, (key, issue) in enumerate(
        [(CAT[0], "outlier"), (CAT[0], "mislabel"), (CAT[1], "outlier"), (DOG[0], "mislabel")]
    )]  # fmt: skip
    world.bring(*rows, source="other", name="other.csv")
    answer(world, "alice", CAT[0], "relabel", "dog")
    answer(world, "alice", CAT[1], "remove")
    answer(world, "alice", CAT[2], "keep")
    answer(world, "alice", DOG[0], None)
    return world


def measured(world: World) -> Progress:
    with world.reading() as (_, access):
        project_id = access.id
    return measure(world.database, project_id)


@both_backends
def test_a_sample_counts_once_for_each_issue_and_stands_where_it_was_put(decided: World) -> None:
    rows = {row.name: row for row in measured(decided).issues}
    assert list(rows) == ["mislabel", "outlier"]
    every = rows["mislabel"]
    assert (every.flagged, every.keep, every.remove, every.relabel, every.conflict, every.open) == (6, 1, 1, 1, 1, 2)
    assert (every.decided, rows["outlier"].flagged, rows["outlier"].decided) == (3, 2, 2)


@both_backends
def test_the_class_of_which_most_is_or_may_be_wrong_stands_first(decided: World) -> None:
    cat, dog = measured(decided).classes
    sizes = {"cat": cat.size, "dog": dog.size}
    with decided.reading() as (session, access):
        whole = projects.class_sizes(session, access.id)
    assert sizes == {name: sum(n for (_, label), n in whole.items() if label == name) for name in sizes}
    assert (cat.name, cat.flagged, cat.keep) == ("cat", 4, 1)
    assert cat.wrong_share == 3 / cat.size > dog.wrong_share == 2 / dog.size


@both_backends
def test_precision_counts_the_flags_on_settled_samples_of_each_source(decided: World) -> None:
    found = {(row.source, row.issue_type): row for row in measured(decided).sources}
    first = found["export", "mislabel"]
    interval = binomtest(2, 3).proportion_ci(0.95, method="wilson")
    assert first.flags == 6
    assert first.precision is not None
    assert (first.precision.right, first.precision.answered) == (2, 3)
    assert (first.precision.low, first.precision.high) == pytest.approx((interval.low, interval.high))
    outlier = found["other", "outlier"].precision
    assert outlier is not None
    assert (outlier.right, outlier.answered) == (1, 2), "another label says nothing for an outlier"
    assert found["other", "mislabel"].flags == 2


def test_what_was_settled_in_bulk_says_nothing_of_precision(decided: World) -> None:
    with decided.database.writing() as session:
        session.get_one(SampleState, decided.ids[CAT[1]]).how = "bulk"
    found = {(row.source, row.issue_type): row.precision for row in measured(decided).sources}
    counted = found["export", "mislabel"]
    assert counted is not None
    assert (counted.right, counted.answered) == (1, 2)


def test_new_flags_are_counted_at_once(world: World, monkeypatch) -> None:
    monkeypatch.setattr(keep_measured, "REST", 0)
    world.flag(*CAT[:2])
    with world.reading() as (_, access):
        project_id = access.id
    keeper = Keeper(measure)
    assert keeper.measure(world.database, project_id).issues[0].flagged == 2
    world.flag(*CAT[:5], issue="mislabel")
    assert keeper.measure(world.database, project_id).issues[0].flagged == 5


@both_backends
def test_answers_are_counted_by_the_hour_in_which_they_came(decided: World) -> None:
    with decided.reading() as (session, access):
        now = utc_now() + timedelta(seconds=1)
        bounds = [now - timedelta(hours=3), now - timedelta(hours=1), now]
        assert reviews_repository.submitted_between(session, access.id, bounds) == [0, 4]
        board = dashboard.make_dashboard(session, access)
    assert [hour.answers for hour in board.hours] == [0] * 23 + [4]
    assert [(row.username, row.submitted) for row in board.reviewers] == [("alice", 4)]
    assert board.figures.per_hour is None, "four answers tell no pace"


def test_an_empty_project_has_nothing_to_count(world: World) -> None:
    found = measured(world)
    assert (found.issues, found.classes, found.sources) == ([], [], [])
    with world.reading() as (session, access):
        assert dashboard.make_dashboard(session, access).hours == []
