"""A queue for the writers of one process: whoever came first goes first, and the next one at once.

SQLite lets one writer in at a time and has no queue: each that waits looks again after a while, and with twenty of them
some look at the wrong moment for seconds. Between processes (the web server and its worker) that still decides; inside
one, writers line up here first.
"""

from __future__ import annotations

import threading
from collections import deque


class Turnstile:
    """Let one through at a time, in the order of arrival. Unlike a lock it may be left by another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._taken = False

    def enter(self, timeout: float) -> bool:
        """Wait for one's turn, ``timeout`` seconds at most; say whether it came."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(timeout):
            return True
        with self._lock:
            if mine.is_set():  # it came at the last moment
                return True
            self._waiting.remove(mine)
            return False

    def leave(self) -> None:
        """Let the next one in."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._taken = False
