"""Units of work: whole or nothing, foreign keys held, writers in turn, times with a zone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from app.db.base import UtcDateTime
from app.db.models.accounts import AuditEntry, User
from app.db.models.projects import Member
from app.db.session import Database, after_commit
from app.db.sqlite_library import make_engine, sqlite
from app.domain.errors import Busy, Conflict, OutOfSpace
from tests.fixtures.databases import both_backends

THREADS, EACH = 8, 25


@both_backends
def test_a_row_that_refers_to_nothing_is_refused(database):
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(Member(project_id=999, user_id=999, role="lead"))


@both_backends
def test_a_user_with_sessions_cannot_be_deleted(world):
    with pytest.raises(IntegrityError), world.database.writing() as session:
        session.execute(sa.delete(User).where(User.username == "alice"))


def test_every_sqlite_connection_holds_foreign_keys_and_flushes_to_disk(database):
    with database.reading() as first, database.writing() as second:
        for session in (first, second):
            assert session.execute(sa.text("PRAGMA foreign_keys")).scalar() == 1
            assert session.execute(sa.text("PRAGMA synchronous")).scalar() == 2


def test_the_write_ahead_log_is_used_only_where_it_is_sound(database):
    with database.reading() as session:
        mode = session.execute(sa.text("PRAGMA journal_mode")).scalar()
    assert mode == ("wal" if sqlite.sqlite_version_info >= (3, 51, 3) else "truncate")


def test_eight_writers_that_read_first_lose_no_update_and_never_find_the_database_busy(database):
    with database.writing() as session:
        session.add(AuditEntry(action="counter", detail={"n": 0}))
    start = threading.Barrier(THREADS)

    def add_some(_: int) -> None:
        start.wait()
        for _ in range(EACH):
            with database.writing() as session:
                row = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "counter")).one()
                row.detail = {"n": row.detail["n"] + 1}

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(add_some, range(THREADS)))
    with database.reading() as session:
        row = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "counter")).one()
    assert row.detail == {"n": THREADS * EACH}


@both_backends
def test_an_error_in_the_middle_keeps_nothing(database):
    with pytest.raises(RuntimeError), database.writing() as session:
        session.add(AuditEntry(action="half"))
        session.flush()
        raise RuntimeError
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).where(AuditEntry.action == "half")) == 0


@both_backends
def test_what_waits_for_the_commit_is_done_after_it_and_never_after_a_rollback(database):
    told = []

    def seen() -> None:
        with database.reading() as session:
            told.append(session.scalar(sa.select(sa.func.count()).where(AuditEntry.action == "kept")))

    with database.writing() as session:
        session.add(AuditEntry(action="kept"))
        after_commit(session, seen)
        assert told == []
    assert told == [1]
    with pytest.raises(RuntimeError), database.writing() as session:
        after_commit(session, seen)
        raise RuntimeError
    assert told == [1]


def test_an_action_after_the_commit_that_fails_takes_nothing_back(database):
    def fail() -> None:
        raise ConnectionError("no broker")

    with database.writing() as session:
        session.add(AuditEntry(action="kept"))
        after_commit(session, fail)
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).where(AuditEntry.action == "kept")) == 1


def test_a_full_disk_is_said_to_be_one(database):
    with pytest.raises(OutOfSpace), database.writing():
        raise OperationalError("INSERT", {}, sqlite.OperationalError("database or disk is full"))


@both_backends
def test_the_same_thing_twice_is_a_conflict(database):
    with pytest.raises(Conflict, match="same moment"), database.writing() as session:
        session.add_all([User(username="twin", display_name="a"), User(username="twin", display_name="b")])


def test_a_database_that_is_held_too_long_is_busy(settings, monkeypatch):
    from app.db import session as module

    monkeypatch.setattr(module, "BUSY_TIMEOUT", 50)
    database = Database(settings.resolved_database_url)
    with database.writing() as holder:
        holder.execute(sa.text("SELECT 1"))
        with pytest.raises(Busy), database.writing() as session:
            session.add(AuditEntry(action="late"))
    database.dispose()


@pytest.mark.servers
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_deadlock_is_busy_for_one_and_nothing_for_the_other(database):
    with database.writing() as session:
        session.add_all([AuditEntry(action="first"), AuditEntry(action="second")])
    ready = threading.Barrier(2)

    def change(*actions: str) -> bool:
        try:
            with database.writing() as session:
                for action in actions:
                    session.execute(sa.update(AuditEntry).where(AuditEntry.action == action).values(detail={}))
                    if action == actions[0]:
                        ready.wait(10)
        except Busy:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(change, "first", "second"), pool.submit(change, "second", "first")]
    assert sorted(future.result() for future in done) == [False, True]


@both_backends
def test_a_time_comes_back_in_utc_whatever_zone_it_had(database):
    noon = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    with database.writing() as session:
        session.add(AuditEntry(action="then", at=noon))
    with database.reading() as session:
        at = session.scalars(sa.select(AuditEntry.at).where(AuditEntry.action == "then")).one()
    assert at == noon
    assert at.tzinfo is UTC


@both_backends
def test_a_time_without_a_zone_is_refused(database):
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - the point of the test
    with pytest.raises(StatementError, match="without a zone"), database.writing() as session:
        session.add(AuditEntry(action="then", at=naive))


def test_no_time_stays_no_time():
    dialect = make_engine("sqlite://").dialect
    assert UtcDateTime().process_bind_param(None, dialect) is None
    assert UtcDateTime().process_result_value(None, dialect) is None
