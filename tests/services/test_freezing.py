"""Freezing holds nobody up: it is of one moment, counts whole or not at all, and others go on meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.db.models.versions import Version, VersionSample
from app.db.repositories import versions as repository
from app.domain.errors import Conflict, NotFound, OutOfSpace
from app.services import freeze_version as freezing
from app.services import view_versions
from app.services.view_versions import list_versions
from tests.fixtures.databases import both_backends
from tests.fixtures.world import World

FIRST, SECOND, THIRD = "train/cat/0.png", "train/cat/1.png", "train/cat/2.png"
CHECKS = ("undecided", "class_share")


@pytest.fixture
def flagged(world: World, monkeypatch) -> World:
    monkeypatch.setattr(freezing, "_PART", 1)
    world.flag(FIRST, SECOND, THIRD)
    world.submit("alice", FIRST, "remove")
    return world


def in_the_middle(world: World, monkeypatch, act) -> None:
    """Do something once, when a version is half written."""
    waited = []

    def once() -> None:
        waited.append(1)
        if len(waited) == 2:
            act()

    monkeypatch.setattr(world.database, "let_others_write", once)


def versions(world: World) -> list[int]:
    with world.reading() as (session, access):
        return [version.number for version in list_versions(session, access)]


def rows(world: World) -> tuple[int, int]:
    with world.database.reading() as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) for table in (Version, VersionSample))


def frozen(world: World, number: int) -> dict[str, str | None]:
    with world.database.reading() as session:
        version = session.scalars(select(Version).where(Version.number == number)).one()
        return {key: outcome["decision"] for key, outcome in repository.outcomes(session, version.id)}


@both_backends
def test_a_decision_made_meanwhile_is_kept_and_belongs_to_the_next_version(flagged, monkeypatch):
    in_the_middle(flagged, monkeypatch, lambda: flagged.submit("bob", SECOND, "remove"))
    flagged.freeze(*CHECKS)
    assert flagged.state(SECOND).decision == "remove"
    assert frozen(flagged, 1) == {FIRST: "remove", SECOND: None, THIRD: None}
    flagged.freeze(*CHECKS)
    assert frozen(flagged, 2)[SECOND] == "remove"


@both_backends
def test_a_moment_sees_nothing_of_what_comes_after_it_and_stops_nobody(flagged):
    with flagged.database.moment() as session:
        before = session.scalar(select(func.count()).select_from(Version))
        flagged.submit("bob", SECOND, "remove")
        flagged.freeze(*CHECKS)
        assert session.scalar(select(func.count()).select_from(Version)) == before == 0


@both_backends
def test_nobody_is_shown_a_version_that_is_half_written(flagged, monkeypatch):
    seen = []

    def look() -> None:
        seen.append(versions(flagged))
        with flagged.reading() as (session, access), pytest.raises(NotFound):
            view_versions.get_version(session, access, 1)

    in_the_middle(flagged, monkeypatch, look)
    flagged.freeze(*CHECKS)
    assert seen == [[]]
    assert versions(flagged) == [1]


@both_backends
def test_two_freezes_at_once_are_a_conflict(flagged, monkeypatch):
    refused = []

    def freeze_too() -> None:
        with pytest.raises(Conflict, match="at this moment") as error:
            flagged.freeze(*CHECKS)
        refused.append(error)

    in_the_middle(flagged, monkeypatch, freeze_too)
    assert flagged.freeze(*CHECKS) == 1
    assert len(refused) == 1
    assert versions(flagged) == [1]


def fail() -> None:
    raise OutOfSpace("The disk is full.")


@both_backends
def test_a_freeze_that_fails_half_way_leaves_nothing(flagged, monkeypatch):
    with monkeypatch.context() as patch:
        in_the_middle(flagged, patch, fail)
        with pytest.raises(OutOfSpace):
            flagged.freeze(*CHECKS)
    assert rows(flagged) == (0, 0)
    assert flagged.freeze(*CHECKS) == 1


def test_a_freeze_that_was_cut_off_makes_room_after_a_while(flagged, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(repository, "delete_unfrozen", lambda *_: None)  # as if the machine had gone off
        in_the_middle(flagged, patch, fail)
        with pytest.raises(OutOfSpace):
            flagged.freeze(*CHECKS)
    assert rows(flagged) == (1, 2)
    assert versions(flagged) == []
    with pytest.raises(Conflict, match="five minutes"):
        flagged.freeze(*CHECKS)
    monkeypatch.setattr(freezing, "_GIVEN_UP_AFTER", timedelta(0))
    assert flagged.freeze(*CHECKS) == 1
    assert rows(flagged) == (1, 3)


def test_a_freeze_that_was_taken_for_cut_off_does_not_mix_with_the_other(flagged, monkeypatch):
    monkeypatch.setattr(freezing, "_GIVEN_UP_AFTER", timedelta(0))
    in_the_middle(flagged, monkeypatch, lambda: flagged.freeze(*CHECKS))
    with pytest.raises(Conflict, match="somebody else's version"):
        flagged.freeze(*CHECKS)
    assert versions(flagged) == [1]
    assert rows(flagged) == (1, 3)
