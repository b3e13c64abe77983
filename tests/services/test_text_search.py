"""Searching by text through the index finds what looking at every sample finds, whatever is sought and where."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import func, select, update

from app.db import grams
from app.db.models.imports import FlagRow
from app.db.models.reviews import SampleState
from app.db.repositories import listing, queue, text_search
from app.db.repositories.sample_filter import SampleFilter, Way, find_way, narrowed
from app.db.repositories.withdrawing import drop_unflagged
from tests.fixtures.databases import both_backends
from tests.fixtures.world import by_hand

LETTERS = "abcABC \t%_\\\"'*()^-:/.éÉßſKİıΣσςяЯ漢字🐈\u200f\u0301"
KEYS = [f"train/{label}/{i}.png" for label in ("cat", "dog") for i in range(6)]


def found(session, wanted, way):
    query = select(SampleState.sample_id).where(SampleState.project_id == 1)
    return sorted(session.scalars(narrowed(query, 1, wanted, way)))


def compare(world, asked):
    """Ask for each text in both ways; return how many searches found something, and how many used the index."""
    hits = indexed = 0
    with world.database.reading() as session:
        for words in asked:
            wanted = SampleFilter(q=words)
            way = find_way(session, 1, wanted)
            expected = found(session, wanted, Way())
            assert found(session, wanted, way) == expected, repr(words)
            hits, indexed = hits + bool(expected), indexed + (way.by_words is not None)
    return hits, indexed


def parts_of(chance, texts, count):
    """Parts of the texts, some with a letter changed or in the other case."""
    for _ in range(count):
        text = chance.choice(texts)
        start = chance.randrange(len(text))
        part = text[start : start + chance.randint(1, 9)]
        kind = chance.random()
        if kind < 0.25:
            place = chance.randrange(len(part))
            part = part[:place] + chance.choice(LETTERS) + part[place + 1 :]
        yield part.swapcase() if kind > 0.8 else part


@both_backends
def test_the_index_finds_what_looking_at_all_finds(world):
    chance = random.Random(4)
    texts = ["".join(chance.choices(LETTERS, k=chance.randint(3, 30))) for _ in range(12)]
    world.flag(*KEYS)
    with world.database.writing() as session:
        for flag, text in zip(world.flags(), texts, strict=True):
            session.execute(update(FlagRow).where(FlagRow.id == flag.id).values(reason=text))
    for key, text in zip(KEYS[:4], texts[:4], strict=True):
        world.submit("alice", key, by_hand("keep", note=text[::-1]))
    asked = [
        *parts_of(chance, [*texts, *(t[::-1] for t in texts[:4]), *KEYS], 400),
        "zzz",
        "%%%",
        "___",
        '"""',
        "\\\\\\",
    ]
    hits, indexed = compare(world, asked)
    assert (hits > 250, indexed > 250) == (True, True)


@both_backends
def test_what_changes_or_goes_is_found_no_more_and_what_comes_is(world):
    world.flag(*KEYS[:3])
    world.submit("alice", KEYS[0], by_hand("keep", note="first words"))
    world.submit("alice", KEYS[0], by_hand("keep", note="second thoughts"))
    with world.database.writing() as session:
        session.execute(update(FlagRow).where(FlagRow.sample_id == world.ids[KEYS[1]]).values(reason="blurred edges"))
        session.execute(update(FlagRow).where(FlagRow.sample_id == world.ids[KEYS[2]]).values(reason=None))
    asked = ["first", "second", "because", "blurred", "EDGES", "cat/2", "cat/3"]
    assert compare(world, asked) == (5, len(asked))
    with world.database.writing() as session:
        session.query(FlagRow).filter_by(sample_id=world.ids[KEYS[2]]).delete()
        drop_unflagged(session, [world.ids[KEYS[2]]])
    assert compare(world, ["cat/2"]) == (0, 1)
    world.flag(KEYS[2])
    assert compare(world, ["cat/2"]) == (1, 1)


@both_backends
def test_rows_that_come_by_the_thousand_are_indexed_too(world, monkeypatch):
    monkeypatch.setattr(grams, "_MANY", 2)
    world.flag(*KEYS[:6])
    world.flag(*KEYS[6:9])
    assert compare(world, ["because", "cat/1", "dog/2", "dog/5"]) == (3, 4)
    world.bring(f"x,{KEYS[9]},dog,outlier,0.5,,alone", source="one by one")  # the trigger is there again
    assert compare(world, ["alone", "dog/3"]) == (2, 2)


@both_backends
def test_words_that_many_have_are_met_in_order(world, monkeypatch):
    world.flag(*KEYS)
    with world.database.reading() as session:
        assert find_way(session, 1, SampleFilter(q="because")).by_words is not None
    monkeypatch.setattr(text_search, "FEW", 5)
    with world.database.reading() as session:
        assert find_way(session, 1, SampleFilter(q="because")).by_words is None
        assert find_way(session, 1, SampleFilter(q="cat/1")).by_words is not None
        assert find_way(session, 1, SampleFilter(q="ca")).by_words is None  # the index knows three characters


@both_backends
def test_without_an_index_every_sample_is_looked_at(world):
    world.flag(*KEYS)
    with world.database.writing() as session:
        if world.database.is_sqlite:
            session.connection().exec_driver_sql("DROP TRIGGER reason_grams_changed_from")
            session.connection().exec_driver_sql("DROP TABLE reason_grams")
        else:
            session.connection().exec_driver_sql("DROP INDEX ix_flags_reason_grams")
    assert compare(world, ["because", "cat/1", "zzz"]) == (2, 0)


@pytest.mark.parametrize("words", ["because", "zzzqqq"])
@both_backends
def test_the_queue_and_the_counts_take_the_same_way(world, words):
    world.flag(*KEYS)
    found = world.next("alice", 20, q=words)
    assert len(found) == (len(KEYS) if words == "because" else 0)
    with world.reading() as (session, access):
        wanted = SampleFilter(q=words)
        assert listing.count_samples(session, access.id, wanted) == len(found)
        assert sum(queue.count_states(session, access.id, wanted).values()) == len(found)


@both_backends
def test_limits_of_the_confidence_hold_for_one_and_the_same_flag(world):
    """A sample with flags at 0.2 and 0.9 has none from 0.4 to 0.6, though its bounds take that in."""
    world.flag(KEYS[0], KEYS[1])
    world.bring(
        f"x,{KEYS[0]},cat,outlier,0.2,,far",
        f"y,{KEYS[2]},cat,outlier,0.5,,far",
        f"z,{KEYS[3]},cat,outlier,,,far",
        source="b",
    )
    state = world.state(KEYS[0])
    assert (state.surest, state.least_sure) == (0.99, 0.2)
    assert world.state(KEYS[3]).surest is None
    assert world.next("bob", 9, min_confidence=0.4, max_confidence=0.6) == [KEYS[2]]
    assert set(world.next("alice", 9, max_confidence=0.3)) == {KEYS[0]}
    world.bring(f"x,{KEYS[0]},cat,outlier,0.45,,far", source="b")
    assert world.state(KEYS[0]).least_sure == 0.45
    with world.database.reading() as session:
        rows = session.execute(
            select(
                SampleState.surest, SampleState.least_sure, func.max(FlagRow.confidence), func.min(FlagRow.confidence)
            )
            .join(FlagRow, FlagRow.sample_id == SampleState.sample_id)
            .group_by(SampleState.sample_id, SampleState.surest, SampleState.least_sure)
        ).all()
    assert all((row[0], row[1]) == (row[2], row[3]) for row in rows)
