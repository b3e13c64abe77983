"""A few images of each class, to look at beside a sample; remembered, because every card has two classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from weakref import WeakKeyDictionary

from app.services.picture_urls import thumb_url

_STAY = 300.0
"""Seconds for which a class's examples are remembered; they hardly change."""

_remembered: WeakKeyDictionary[object, dict[tuple[int, str], tuple[float, list[int]]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class ExampleView:
    id: int
    thumb_url: str


def _look_nowhere(_: str) -> list[int]:
    return []


class ClassExamples:
    """The examples of a project's classes. ``engine`` tells databases apart; ``look_up`` finds what is not known."""

    def __init__(self, engine: object, project_id: int, look_up: Callable[[str], list[int]] = _look_nowhere) -> None:
        self._known = _remembered.setdefault(engine, {})
        self._project_id, self._look_up = project_id, look_up

    def of(self, label: str | None, without: int) -> list[ExampleView]:
        """Three at most, without the sample itself."""
        if not label:
            return []
        return [ExampleView(id_, thumb_url(id_)) for id_ in self._ids(label) if id_ != without][:3]

    def missing(self, labels: Iterable[str | None]) -> list[str]:
        """Those of these classes that have to be looked up."""
        return [label for label in dict.fromkeys(labels) if label and self._find(label) is None]

    def remember(self, label: str, ids: list[int]) -> None:
        self._known[self._project_id, label] = (monotonic(), ids)

    def _find(self, label: str) -> list[int] | None:
        asked_at, ids = self._known.get((self._project_id, label), (0.0, []))
        return ids if ids and monotonic() - asked_at <= _STAY else None

    def _ids(self, label: str) -> list[int]:
        ids = self._find(label)
        if ids is None:
            ids = self._look_up(label)
            if ids:
                self.remember(label, ids)
        return ids
