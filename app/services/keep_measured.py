"""Keeps what was measured of each project, for as long as measuring anew would be wasted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from app.db.repositories import merging as merging_repository
from app.db.repositories import progress as progress_repository
from app.db.repositories import projects as projects_repository
from app.db.session import Database

REST = 20
"""Measuring takes at most one part in so many of the time, however often somebody looks."""

MOST_SECONDS = 60.0
"""After so long it is measured anew even where nothing that the key tells of has changed."""


class HasSeconds(Protocol):
    """Something measured, that says how long that took."""

    @property
    def seconds(self) -> float: ...


Measured = TypeVar("Measured", bound=HasSeconds)


class Keeper(Generic[Measured]):
    """One kind of measurement, of every project."""

    def __init__(
        self,
        measure: Callable[[Database, int], Measured],
        *,
        rest: float | None = None,
        mark: Callable[[Database, int], str] | None = None,
    ) -> None:
        """``mark`` gives another text as soon as measuring would; ``rest`` is in the place of ``REST``."""
        self._measure, self._rest, self._mark = measure, rest, mark or _mark
        self._lock = threading.Lock()
        self._known: dict[int, tuple[str, float, Measured]] = {}

    def measure(self, database: Database, project_id: int) -> Measured:
        with self._lock:  # who asks meanwhile takes what is being measured
            key = self._mark(database, project_id)
            known = self._known.get(project_id)
            if known is not None:
                old_key, at, measured = known
                age = time.monotonic() - at
                rest = REST if self._rest is None else self._rest
                if age < rest * measured.seconds or (key == old_key and age < MOST_SECONDS):
                    return measured
            measured = self._measure(database, project_id)
            self._known[project_id] = (key, time.monotonic(), measured)
            return measured


def _mark(database: Database, project_id: int) -> str:
    """Another text as soon as there is an answer or a flag more, or other rules."""
    with database.reading() as session:
        policies = projects_repository.get_project_by_id(session, project_id).policies
        answers = merging_repository.last_event_id(session, project_id)
        flags = progress_repository.imports_mark(session, project_id)
    return f"{answers} {flags} {json.dumps(policies, sort_keys=True)}"
