"""Short writes of many requests in one commit, by one thread that writes for all of them.

SQLite has one writer. With a thread a request each waits for the others' commits and for its turn at the interpreter;
one thread that takes what has come in meanwhile as one transaction does the same work several times as fast. Each
request is answered only after the commit that holds its part (docs/decisions/0002-commit-before-answer.md), and its
part stands in a savepoint of its own: one that fails takes no other with it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Engine

from app.db.direct import Direct

MOST = 32
"""So many parts go into one commit at most, so that other writers get their turn."""


@dataclass(slots=True, eq=False)
class _Part:
    """What one request wants done, and what came of it."""

    work: Callable[[Direct], Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class SharedCommit:
    """Takes parts from event loops and does them in groups. ``turn`` lines up with the other writers."""

    def __init__(self, engine: Engine, turn: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine, self._turn = engine, turn
        self._waiting: SimpleQueue[_Part | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._connection: Any = None

    async def do(self, work: Callable[[Direct], Any]) -> Any:
        """Have ``work`` done; its result comes once it is committed.

        Raises whatever ``work`` raised, or what kept its group from being committed; nothing of it was kept then.
        """
        loop = asyncio.get_running_loop()
        part = _Part(work, loop, loop.create_future())
        self._start()
        self._waiting.put(part)
        return await part.answer

    def _start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._serve, daemon=True, name="shared-commit")
                    self._thread.start()

    def close(self) -> None:
        """End the thread, after what it has begun."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _serve(self) -> None:
        while (part := self._waiting.get()) is not None:
            group = [part]
            try:
                self._do(group)
            except BaseException as error:  # noqa: BLE001 - whoever waits for an answer gets this one
                for each in group:
                    each.result, each.error = None, error
                self._drop_connection()
            _answer(group)
        self._drop_connection()

    def _do(self, group: list[_Part]) -> None:
        """Do the first of ``group``, and with it whatever came in until it was its turn."""
        with self._turn():
            self._take_more(group)
            direct = self._direct()
            direct.say("BEGIN IMMEDIATE")
            for part in group:
                _do_part(direct, part)
            direct.say("COMMIT")

    def _take_more(self, group: list[_Part]) -> None:
        while len(group) < MOST:
            try:
                part = self._waiting.get_nowait()
            except Empty:
                return
            if part is None:  # the end comes after this group
                self._waiting.put(None)
                return
            group.append(part)

    def _direct(self) -> Direct:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        return Direct(self._connection.driver_connection, self._engine.dialect)

    def _drop_connection(self) -> None:
        """Close the connection, and with it whatever transaction is open on it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()


def _do_part(direct: Direct, part: _Part) -> None:
    direct.say("SAVEPOINT part")
    try:
        part.result = part.work(direct)
    except Exception as error:  # noqa: BLE001 - handed to who asked
        part.error = error
        # A full disk may have ended the whole transaction: then there is no such savepoint, and the group fails.
        direct.say("ROLLBACK TO part")
    direct.say("RELEASE part")


def _answer(group: list[_Part]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Part]] = defaultdict(list)
    for part in group:
        by_loop[part.loop].append(part)
    for loop, parts in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, parts)
        except RuntimeError:
            continue  # the loop has ended, and with it whoever waited


def _settle(parts: list[_Part]) -> None:
    for part in parts:
        if part.answer.done():
            continue  # whoever waited has gone
        if part.error is not None:
            part.answer.set_exception(part.error)
        else:
            part.answer.set_result(part.result)
