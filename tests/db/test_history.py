"""The history of reviews and verdicts takes additions only, whoever asks."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from app.db.models.bulk import BulkDraw, BulkEvent, BulkSample
from app.db.models.leaks import LeakPair, LeakVerdictEvent
from app.db.models.reviews import ReviewEvent
from app.domain.errors import Conflict
from tests.fixtures.bulk import draw
from tests.fixtures.databases import both_backends

REFUSED = "append-only"


@pytest.fixture
def history(world):
    world.flag("train/cat/0.png")
    world.submit("alice", "train/cat/0.png", "keep")
    with world.writing("alice") as (session, access):
        pair = LeakPair(
            project_id=access.id, train_sample_id=world.ids["train/cat/0.png"], similarity=1.0, verdict="open",
            test_sample_id=world.ids["test/cat/0.png"], leak_type="identical_file", label_conflict=False, version=0,
        )  # fmt: skip
        session.add(pair)
        session.flush()
        session.add(
            LeakVerdictEvent(
                pair_id=pair.id, user_id=access.actor.user_id, client_event_id="event-0001", verdict="confirmed",
                base_version=0, new_version=1,
            )
        )  # fmt: skip
    return world


@both_backends
@pytest.mark.parametrize("table", [ReviewEvent.__table__, LeakVerdictEvent.__table__], ids=lambda t: t.name)
@pytest.mark.parametrize("statement", ["update", "delete"])
def test_history_cannot_be_changed_or_deleted(history, table, statement):
    change = sa.delete(table) if statement == "delete" else sa.update(table).values(client_event_id="another-id")
    with pytest.raises(DatabaseError, match=REFUSED), history.database.writing() as session:
        session.execute(change)
    with history.database.reading() as session:
        assert session.execute(sa.select(table.c.client_event_id)).scalar_one() != "another-id"


@both_backends
@pytest.mark.parametrize("model", [BulkDraw, BulkEvent, BulkSample], ids=lambda model: model.__tablename__)
@pytest.mark.parametrize("statement", ["update", "delete"])
def test_what_a_bulk_decision_rests_on_cannot_be_changed_or_deleted(world, model, statement):
    world.flag("train/cat/0.png")
    number = draw(world)
    with world.database.writing() as session:
        session.add(BulkSample(bulk_id=number, sample_id=world.ids["train/cat/0.png"]))
    table = model.__table__
    change = sa.delete(table) if statement == "delete" else sa.update(table).values(bulk_id=number)
    with pytest.raises(DatabaseError, match=REFUSED), world.database.writing() as session:
        session.execute(change)
    with world.database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 1


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_history_cannot_be_truncated(history):
    with pytest.raises(DatabaseError, match=REFUSED), history.database.writing() as session:
        session.execute(sa.text("TRUNCATE review_events CASCADE"))


@both_backends
def test_a_client_event_id_exists_once(history):
    with pytest.raises(Conflict), history.writing("bob") as (session, access):
        known = session.scalars(sa.select(ReviewEvent)).one()
        session.add(
            ReviewEvent(
                project_id=access.id, sample_id=known.sample_id, reviewer_id=access.actor.user_id, kind="review",
                client_event_id=known.client_event_id, base_version=0, new_version=1, payload={},
            )
        )  # fmt: skip
