"""The short way to the database for what reviewers do every second: a driver's connection, no ORM.

With SQLite one thread writes for all (app/db/shared_commit.py). PostgreSQL lets many write at once and joins their
commits by itself: there each piece of work has a thread and a transaction of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.direct import Direct
from app.db.failures import translated
from app.db.shared_commit import SharedCommit

T = TypeVar("T")
U = TypeVar("U")

THREADS = {"sqlite": 4, "postgresql": 16}
"""So many at once. More threads only make each other wait for the interpreter, unless they wait for a server."""


class Express:
    """Does work on driver connections for coroutines. Errors are those of ``Database.writing``."""

    def __init__(self, engine: Engine, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._shared = SharedCommit(engine, turn) if engine.dialect.name == "sqlite" else None
        self._threads: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    async def write(self, work: Callable[[Direct], T], then: Callable[[Direct, T], U]) -> U:
        """Do ``work`` and ``then`` in this order; return what came of ``then`` once all is committed.

        ``then`` only reads. Where writers work side by side, others need not wait for it: it comes after the commit.
        """
        try:
            if self._shared is not None:
                found: U = await self._shared.do(lambda direct: then(direct, work(direct)))
                return found
            return await self._in_thread(lambda: self._alone(then, self._alone(work)))
        except (self._driver.Error, PoolTimeout) as error:
            self._raise(error)

    async def read(self, work: Callable[[Direct], T], then: Callable[[T], U]) -> U:
        """Do work that only reads, and ``then`` what takes longer, in the same thread but without the database."""
        try:
            return await self._in_thread(lambda: then(self._look(work)))
        except (self._driver.Error, PoolTimeout) as error:
            self._raise(error)

    def _look(self, work: Callable[[Direct], T]) -> T:
        connection = self._engine.raw_connection()
        try:
            direct = Direct(connection.driver_connection, self._engine.dialect)
            if direct.is_sqlite:
                direct.say("BEGIN")  # all statements see the same moment
            return work(direct)
        finally:
            connection.close()  # back into the pool, which ends the transaction

    def _alone(self, work: Callable[..., T], *given: Any) -> T:
        connection = self._engine.raw_connection()
        try:
            found = work(Direct(connection.driver_connection, self._engine.dialect), *given)
            connection.commit()
        finally:
            connection.close()
        return found

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._threads is None:
            with self._lock:
                self._threads = self._threads or ThreadPoolExecutor(THREADS[self._engine.dialect.name], "express")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @property
    def _driver(self) -> Any:
        return self._engine.dialect.dbapi

    def _raise(self, error: Exception) -> NoReturn:
        known = error
        if isinstance(error, self._driver.Error):
            wrapped = DBAPIError.instance("", None, error, self._driver.Error, dialect=self._engine.dialect)
            assert isinstance(wrapped, Exception)  # noqa: S101 - what it says of itself is wider
            known = wrapped
        raise (translated(known) or known) from error

    def close(self) -> None:
        if self._shared is not None:
            self._shared.close()
        if self._threads is not None:
            self._threads.shutdown()
