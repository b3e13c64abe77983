"""Engines and sessions: one unit of work per request or task, committed before the answer goes out.

SQLite: writers begin IMMEDIATE, because a plain BEGIN that reads first and writes later fails under load instead of
waiting. Its write-ahead log has a corruption bug before 3.51.3 when two connections checkpoint at once, so older
libraries use the rollback journal (docs/decisions/0004-sqlite-journal.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import QueuePool, StaticPool

from app.db.express import Express
from app.db.failures import BUSY, TRANSLATED, translated
from app.db.sqlite_library import WAL_IS_SOUND, make_engine, sqlite
from app.db.turnstile import Turnstile
from app.domain.errors import Busy

__all__ = ["WAL_IS_SOUND", "Database", "Session", "after_commit"]

logger = logging.getLogger(__name__)

BUSY_TIMEOUT = 30_000
"""Milliseconds that a writer waits for its turn."""

HISTORY = ("review_events", "leak_verdict_events", "bulk_events", "bulk_samples")
"""Tables of what people did, in the order of their ids."""

TURN = 0.12
"""Seconds in which every writer that waits has looked once whether it is its turn."""


class Database:
    """One engine with two session kinds: reading ones, and writing ones that take the write lock at once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _make_engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._turnstile = Turnstile() if self.is_sqlite else None
        self.express = Express(self.engine, self._turn)
        self._reader = sessionmaker(self.engine, expire_on_commit=False)
        self._writer = sessionmaker(self.engine.execution_options(write=True), expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session whose transaction is never committed.

        Raises:
            InvalidInput: a value does not fit into the database.
            Busy: somebody else held the database too long.
        """
        with _closed_in_the_end(self._reader()) as session:
            try:
                yield session
            except TRANSLATED as error:
                if said := translated(error):
                    raise said from error
                raise

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that is committed when the block ends well, and rolled back otherwise.

        Raises:
            OutOfSpace: the disk is full; nothing of the block was kept.
            InvalidInput: a value does not fit into the database; nothing of the block was kept.
            Busy: somebody else held the database too long; nothing of the block was kept.
            Conflict: somebody else made the same thing at the same moment; nothing of the block was kept.
        """
        with self._turn(), _closed_in_the_end(self._writer()) as session:
            try:
                yield session
                session.commit()
                _run_after_commit(session)
            except TRANSLATED as error:
                _end(session.rollback)
                if said := translated(error):
                    raise said from error
                raise
            except BaseException:
                _end(session.rollback)
                raise

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._turnstile is None:
            yield
            return
        if not self._turnstile.enter(BUSY_TIMEOUT / 1000):
            raise Busy(BUSY)
        try:
            yield
        finally:
            self._turnstile.leave()

    @contextmanager
    def moment(self) -> Iterator[Session]:
        """A session that reads one moment, however long it takes; nobody waits for it (docs/decisions/0012).

        No event was under way at that moment: all that come later have higher ids.
        """
        if not self.is_sqlite:
            with self.reading() as session:
                self._take_snapshot(session)
                yield session
        elif WAL_IS_SOUND:
            with self.reading() as session:
                yield session
        else:
            with self._copy() as session:
                yield session

    @contextmanager
    def _copy(self) -> Iterator[Session]:
        """A session on a copy, because with a rollback journal no writer can commit while somebody reads."""
        copy = sqlite.connect("", check_same_thread=False)  # a file that SQLite makes, and deletes with the connection
        source = self.engine.raw_connection()
        try:
            source.driver_connection.backup(copy)  # type: ignore[union-attr]
            source.close()
            engine = make_engine("sqlite://", creator=lambda: copy, poolclass=StaticPool, hide_parameters=True)
            with Session(engine) as session:
                yield session
        except sqlite.OperationalError as error:
            if said := translated(error):
                raise said from error
            raise
        finally:
            source.close()
            copy.close()

    def _take_snapshot(self, session: Session) -> None:
        """Begin a transaction that sees one moment of a PostgreSQL database.

        An event gets its id before it is committed. The lock waits for those that are under way, on a connection of
        its own, because it need not last longer than it takes to fix the moment: nobody waits for what comes after.
        """
        with self.engine.connect() as gate:
            gate.execute(text(f"LOCK TABLE {', '.join(HISTORY)} IN SHARE MODE"))
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            session.execute(text("SELECT 1"))  # the moment is that of the first query
            gate.rollback()

    def let_others_write(self) -> None:
        """Wait for a moment between two of many write transactions in a row.

        SQLite has no queue of writers: each that waits looks again every 0.1 s, and would find the next transaction
        of the row there already, until its patience ends.
        """
        if self.is_sqlite:
            time.sleep(TURN)

    def dispose(self) -> None:
        self.express.close()
        self.engine.dispose()


@contextmanager
def _closed_in_the_end(session: Session) -> Iterator[Session]:
    try:
        yield session
    finally:
        _end(session.close)


def _end(rolling_back: Callable[[], None]) -> None:
    """Roll back. Where the connection broke off the server has done so, and what was found or refused before stands."""
    try:
        rolling_back()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        logger.warning("a connection to the database had broken off when its transaction was rolled back")


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Do something once this unit of work is committed, and never if it is rolled back.

    Only for what may be lost, like a bell for workers: the transaction is over when it runs.
    """
    session.info.setdefault("after_commit", []).append(action)


def _run_after_commit(session: Session) -> None:
    for action in session.info.pop("after_commit", []):
        try:
            action()
        except Exception:
            logger.exception("an action after the commit failed; the committed work is safe")


def _make_engine(url: str) -> Engine:
    # FastAPI's thread pool has 40 threads: a smaller pool would make requests fail under load.
    options: dict[str, Any] = {"pool_size": 20, "max_overflow": 30, "pool_timeout": 10, "poolclass": QueuePool}
    if url.startswith("sqlite"):
        options["connect_args"] = {"check_same_thread": False, "timeout": BUSY_TIMEOUT / 1000}
    else:
        options["pool_pre_ping"] = True
    engine = make_engine(url, hide_parameters=True, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transaction handling begins too late; _begin_sqlite does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT}",
        f"journal_mode={'WAL' if WAL_IS_SOUND else 'TRUNCATE'}",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "cache_size=-65536",
        "cache_spill=OFF",  # a long write keeps its pages in memory, so that readers go on until it commits
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
