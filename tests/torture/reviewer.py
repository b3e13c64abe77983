"""A simulated reviewer who keeps a log of what was sent and what the server said to it.

Each decision carries its own id as its note, so that it can be found in what Winnow exports. One log line a step:
``send`` before a request leaves, then ``ok``, ``conflict``, ``refused`` or ``lost``. A decision whose last word is
``lost`` may or may not have been kept: nobody knows, and Winnow may have it at most once.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.torture.connection import LOST, Connection

GIVE_UP = 0.3
"""Share of the requests without an answer that nobody sends again, as when a browser is closed."""


@dataclass(frozen=True)
class Action:
    """One request that may change something."""

    id: str
    kind: str
    path: str
    body: dict[str, Any]
    sample: str | None = None


class Reviewer:
    """Works until told to stop. ``hot`` are the ids of samples that all reviewers fight for."""

    def __init__(
        self, name: str, connections: tuple[Connection, Connection], api: str, log: Path, seed: int, hot: list[int],
        count: Callable[[], None],
    ) -> None:  # fmt: skip
        self.name, self._api, self._hot, self._count = name, api, hot, count
        self._first, self._second = connections
        self._log = log.open("a", buffering=1)
        self._rng = random.Random(seed)
        self._kept: deque[Action] = deque(maxlen=50)
        self._acknowledged: set[str] = set()
        self._seen: deque[dict[str, Any]] = deque(maxlen=20)
        self.failure: Exception | None = None

    def work(self, stopped: threading.Event) -> None:
        steps = {
            self._plain: 50, self._race: 22, self._stale: 6, self._twice: 7, self._swapped: 6, self._undo: 4,
            self._late_repeat: 3, self._selection: 2,
        }  # fmt: skip
        try:
            while not stopped.is_set():
                step = self._rng.choices(list(steps), list(steps.values()))[0]
                try:
                    step()
                except LOST:  # of a look, which changes nothing
                    time.sleep(0.1)
        except Exception as error:
            self.failure = error
        finally:
            self._log.close()
            self._first.drop()
            self._second.drop()

    # -- what a reviewer does ------------------------------------------------------------------------------------

    def _plain(self) -> None:
        self._settle(self._answer_to(self._next()))

    def _race(self) -> None:
        card = self._look(self._rng.choice(self._hot))
        if self._rng.random() < 0.3:
            time.sleep(self._rng.uniform(0, 0.02))
        self._settle(self._answer_to(card))

    def _stale(self) -> None:
        """As from a tab that was left open."""
        if self._seen:
            self._settle(self._answer_to(self._rng.choice(self._seen)))

    def _twice(self) -> None:
        """The same request on two connections at once, as a proxy that repeats does."""
        action = self._answer_to(self._race_or_next())
        said = self._both([action, action])
        if said[0] in ("lost", "busy") and said[1] in ("lost", "busy"):
            self._retry(action)

    def _swapped(self) -> None:
        """Two decisions on one sample, or on two, that overtake each other."""
        card = self._race_or_next()
        first = self._answer_to(card)
        if self._rng.random() < 0.5:
            second = self._answer_to({**card, "review": {"version": first.body["base_version"] + 1}}, seen=False)
        else:
            second = self._answer_to(self._next())
        actions = [second, first]
        for action, said in zip(actions, self._both(actions), strict=True):
            if said in ("lost", "busy"):
                self._retry(action)

    def _undo(self) -> None:
        id_ = str(uuid.uuid4())
        self._settle(Action(id_, "undo", f"{self._api}/reviews/undo", {"client_event_id": id_}))

    def _late_repeat(self) -> None:
        """A request that was answered long ago comes once more."""
        if self._kept:
            self._send(self._rng.choice(self._kept), self._first)

    def _selection(self) -> None:
        cards = [self._look(sample) for sample in self._rng.sample(self._hot, min(3, len(self._hot)))]
        id_ = str(uuid.uuid4())
        body = {
            "client_event_id": id_, "decision": self._rng.choice(["keep", "remove"]), "note": id_,
            "samples": [{"id": card["id"], "version": card["version"]} for card in cards],
        }  # fmt: skip
        self._settle(Action(id_, "selection", f"{self._api}/reviews/selection", body))

    # -- its parts -----------------------------------------------------------------------------------------------

    def _race_or_next(self) -> dict[str, Any]:
        return self._look(self._rng.choice(self._hot)) if self._rng.random() < 0.5 else self._next()

    def _next(self) -> dict[str, Any]:
        status, found = self._first.call("GET", f"{self._api}/queue?count=1&counts=false")
        if status == 200 and found["items"]:
            return self._saw(found["items"][0])
        return self._look(self._rng.choice(self._hot))

    def _look(self, sample: int) -> dict[str, Any]:
        status, card = self._first.call("GET", f"{self._api}/samples/{sample}")
        if status != 200:
            raise ConnectionError(f"a sample could not be looked at: {status}")
        return self._saw(card)

    def _saw(self, card: dict[str, Any]) -> dict[str, Any]:
        mine = {"version": card["review"]["version"]} if card["review"] else None
        kept = {"id": card["id"], "key": card["key"], "version": card["version"], "review": mine}
        self._seen.append(kept)
        return kept

    def _answer_to(self, card: dict[str, Any], *, seen: bool = True) -> Action:
        id_ = str(uuid.uuid4())
        body = {
            "client_event_id": id_, "base_version": (card["review"] or {"version": 0})["version"], "note": id_,
            "manual": True, "decision": self._rng.choice(["keep", "remove"]), "lead_time_ms": 400,
        }  # fmt: skip
        if seen:
            body["seen_version"] = card["version"]
        return Action(id_, "review", f"{self._api}/samples/{card['id']}/reviews", body, card["key"])

    def _settle(self, action: Action) -> None:
        if self._send(action, self._first) in ("lost", "busy"):
            self._retry(action)

    def _retry(self, action: Action) -> None:
        """Send it again until there is an answer, unless the reviewer gives up."""
        if self._rng.random() < GIVE_UP:
            return
        for _ in range(600):
            time.sleep(0.1)
            if self._send(action, self._first) not in ("lost", "busy"):
                return

    def _both(self, actions: list[Action]) -> list[str]:
        connections, sent = (self._second, self._first), []
        for action, connection in zip(actions, connections, strict=True):
            self._note(action, "send", body=action.body)
            try:
                connection.send("POST", action.path, action.body)
                sent.append(True)
            except LOST:
                sent.append(False)
        return [
            self._hear(action, connection) if was_sent else self._note(action, "lost")
            for action, connection, was_sent in zip(actions, connections, sent, strict=True)
        ]

    def _send(self, action: Action, connection: Connection) -> str:
        self._note(action, "send", body=action.body)
        try:
            connection.send("POST", action.path, action.body)
        except LOST:
            return self._note(action, "lost")
        return self._hear(action, connection)

    def _hear(self, action: Action, connection: Connection) -> str:
        try:
            status, body = connection.receive()
        except LOST:
            return self._note(action, "lost")
        if status == 200:
            self._keep(action)
            return self._note(action, "ok", body=_gist(action.kind, body))
        if status == 409:
            return self._note(action, "conflict", body=body["error"])
        if status == 503:
            return self._note(action, "busy")
        if status >= 500:
            # It says nothing about whether something was kept.
            self._note(action, "error", status=status)
            return "lost"
        return self._note(action, "refused", status=status, body=body)

    def _keep(self, action: Action) -> None:
        if action.id not in self._acknowledged:
            self._acknowledged.add(action.id)
            self._kept.append(action)
            self._count()

    def _note(self, action: Action, what: str, **more: Any) -> str:
        line = {"who": self.name, "id": action.id, "kind": action.kind, "sample": action.sample, "what": what, **more}
        self._log.write(json.dumps(line) + "\n")
        return what


def _gist(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    if kind == "review":
        return {"event_id": body["event_id"]}
    if kind == "undo":
        return {"undone": body["undone"]["note"]}
    return {"answered": [sample["id"] for sample in body["versions"]]}
