"""The short way to the database for what reviewers do every second: a driver's connection, no ORM.

With SQLite one thread writes for all (app/db/shared_commit.py). PostgreSQL lets many write at once and joins their
commits by itself: there each piece of work has a thread and a transaction of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.direct import Direct
from app.db.failures import translated
from app.db.shared_commit import SharedCommit

T = TypeVar("T")
U = TypeVar("U")

THREADS = {"sqlite": 4, "postgresql": 8}
"""So many at once. More threads only make each other wait for the interpreter, unless they wait for a server."""


FRESH = 30.0
"""Seconds for which a connection that answered is taken to be there still."""


class Express:
    """Does work on driver connections for coroutines. Errors are those of ``Database.writing``."""

    def __init__(self, engine: Engine, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._shared = SharedCommit(engine, turn) if engine.dialect.name == "sqlite" else None
        self._threads: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._own = threading.local()
        self._connections: set[PoolProxiedConnection] = set()

    async def write(
        self, work: Callable[[Direct], T], then: Callable[[Direct, T], U], *, may_be_lost: bool = False
    ) -> U:
        """Do ``work`` and ``then`` in this order; return what came of ``then`` once all is committed.

        ``then`` only reads. Where writers work side by side, others need not wait for it: it comes after the commit.
        What ``may_be_lost`` in a power cut need not have reached the disk; SQLite makes no such difference.
        """
        try:
            if self._shared is not None:
                found: U = await self._shared.do(lambda direct: then(direct, work(direct)))
                return found
            return await self._in_thread(lambda: self._write_alone(work, then, may_be_lost))
        except (self._driver.Error, DBAPIError, PoolTimeout) as error:
            self._raise(error)

    def _write_alone(self, work: Callable[[Direct], T], then: Callable[[Direct, T], U], may_be_lost: bool) -> U:
        done = self._alone(work, "BEGIN; SET LOCAL synchronous_commit TO off" if may_be_lost else "BEGIN")
        return self._look(lambda direct: then(direct, done))

    async def read(self, work: Callable[[Direct], T], then: Callable[[T], U]) -> U:
        """Do work that only reads, and ``then`` what takes longer, in the same thread but without the database."""
        try:
            return await self._in_thread(lambda: then(self._look(work)))
        except (self._driver.Error, DBAPIError, PoolTimeout) as error:
            self._raise(error)

    def _look(self, work: Callable[[Direct], T]) -> T:
        with self._connected() as direct:
            if self._shared is None:
                return work(direct)
            direct.say("BEGIN")  # all statements see the same moment
            try:
                return work(direct)
            finally:
                direct.say("ROLLBACK")

    def _alone(self, work: Callable[[Direct], T], begin: str) -> T:
        with self._connected() as direct:
            direct.say(begin)
            try:
                found = work(direct)
                direct.say("COMMIT")
            except BaseException:
                direct.say("ROLLBACK")
                raise
        return found

    @contextmanager
    def _connected(self) -> Iterator[Direct]:
        """This thread's own connection: to fetch one from the pool costs as much as two statements."""
        connection = self._usable()
        try:
            yield Direct(connection.driver_connection, self._engine.dialect)
        except self._driver.Error:
            self._drop(connection)  # whatever state it is in
            raise
        self._own.used_at = monotonic()

    def _usable(self) -> PoolProxiedConnection:
        connection: PoolProxiedConnection | None = getattr(self._own, "connection", None)
        if connection is not None and self._shared is None and monotonic() - self._own.used_at > FRESH:
            try:
                Direct(connection.driver_connection, self._engine.dialect).say("SELECT 1")
            except self._driver.Error:  # the server was started anew
                self._drop(connection)
                connection = None
        return connection if connection is not None else self._connect()

    def _connect(self) -> PoolProxiedConnection:
        connection = self._engine.raw_connection()
        if self._shared is None:
            driver: Any = connection.driver_connection
            driver.autocommit = True  # transactions are begun and ended here
        with self._lock:
            self._connections.add(connection)
        self._own.connection, self._own.used_at = connection, monotonic()
        return connection

    def _drop(self, connection: PoolProxiedConnection) -> None:
        self._own.connection = None
        with self._lock:
            self._connections.discard(connection)
        connection.invalidate()

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
        for connection in self._connections:
            connection.invalidate()  # not back into the pool: others expect another way of transactions
