"""Writes that share a commit: each answered after it, none harmed by another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from app.db.direct import Direct
from app.db.session import Database
from app.db.shared_commit import SharedCommit
from app.domain.errors import Busy, Conflict


@pytest.fixture
def database(tmp_path: Path) -> Any:
    database = Database(f"sqlite:///{tmp_path}/some.db")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE said (word TEXT UNIQUE)")
    yield database
    database.dispose()


def saying(word: str) -> Any:
    return lambda direct: direct.say(f"INSERT INTO said VALUES ('{word}')")


def failing(direct: Direct) -> None:
    saying("half")(direct)
    raise ValueError("no")


def words(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        return sorted(row[0] for row in connection.exec_driver_sql("SELECT word FROM said"))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: in this one a browser test before may have left its event loop running."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def together(shared: SharedCommit, *work: Any) -> list[Any]:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(shared.do(each) for each in work), return_exceptions=True)

    return run(all_of_them())


def test_one_that_fails_takes_no_other_with_it(database):
    found = together(database.express._shared, saying("a"), failing, saying("a"), saying("b"))
    assert found[0] is None
    assert found[3] is None
    assert isinstance(found[1], ValueError)
    assert "UNIQUE" in str(found[2])
    assert words(database) == ["a", "b"]


def test_nobody_is_told_before_the_commit(database, monkeypatch):
    seen: list[list[str]] = []
    direct_say = Direct.say

    def say(self: Direct, text: str) -> None:
        if text == "COMMIT":
            seen.append(words(database))
        direct_say(self, text)

    monkeypatch.setattr(Direct, "say", say)

    async def tell() -> list[str]:
        await database.express.write(saying("a"), lambda _, found: found)
        return words(database)

    assert run(tell()) == ["a"]
    assert seen == [[]]


def test_a_commit_that_fails_is_told_to_all_and_the_next_goes_on(database, monkeypatch):
    direct_say, failures = Direct.say, ["first"]

    def say(self: Direct, text: str) -> None:
        if text == "COMMIT" and failures:
            failures.clear()
            raise OSError("the disk is gone")
        direct_say(self, text)

    monkeypatch.setattr(Direct, "say", say)
    shared, gate = _behind_a_gate(database)
    timer = threading.Timer(0.1, gate.release)
    timer.start()
    found = together(shared, saying("a"), saying("b"))
    assert [type(error) for error in found] == [OSError, OSError]
    assert words(database) == []
    gate.release()
    assert together(shared, saying("c")) == [None]
    assert words(database) == ["c"]
    shared.close()


def test_those_that_come_in_meanwhile_share_one_commit(database, monkeypatch):
    commits: list[str] = []
    direct_say = Direct.say

    def say(self: Direct, text: str) -> None:
        commits.extend([text] if text == "COMMIT" else [])
        direct_say(self, text)

    monkeypatch.setattr(Direct, "say", say)
    shared, gate = _behind_a_gate(database)
    timer = threading.Timer(0.1, gate.release)
    timer.start()
    assert together(shared, *(saying(str(n)) for n in range(20))) == [None] * 20
    assert commits == ["COMMIT"]
    assert len(words(database)) == 20
    shared.close()


def _behind_a_gate(database: Database) -> tuple[SharedCommit, threading.Semaphore]:
    """Writes that wait for their turn until the gate is opened."""
    gate = threading.Semaphore(0)

    def turn() -> Any:
        gate.acquire()
        return nullcontext()

    return SharedCommit(database.engine, turn), gate


def test_a_transaction_that_ends_under_a_part_fails_the_whole_group(database):
    """As a full disk does: nobody may be told that what went before was kept."""
    shared, gate = _behind_a_gate(database)

    def ending(direct: Direct) -> None:
        direct.say("ROLLBACK")
        raise ValueError("the disk is full")

    threading.Timer(0.1, gate.release).start()
    found = together(shared, saying("a"), ending, saying("b"))
    assert all(isinstance(error, Exception) for error in found)
    assert words(database) == []
    shared.close()


def test_errors_of_the_driver_mean_what_they_mean_elsewhere(database, monkeypatch):
    async def say_twice() -> None:
        for _ in range(2):
            await database.express.write(saying("a"), lambda _, found: found)

    with pytest.raises(Conflict):
        run(say_twice())
    monkeypatch.setattr(database._turnstile, "enter", lambda timeout: False)
    with pytest.raises(Busy):
        run(say_twice())


def test_it_waits_for_the_writer_whose_turn_it_is(database):
    told: list[str] = []

    def write() -> None:
        asyncio.run(database.express.write(saying("second"), lambda _, found: found))
        told.append("second")

    with database.writing() as session:
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        session.connection().exec_driver_sql("INSERT INTO said VALUES ('first')")
        told.append("first")
    thread.join()
    assert told == ["first", "second"]
