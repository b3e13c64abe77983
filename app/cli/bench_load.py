"""Reviewers made of threads, for ``winnow bench review``: each asks, decides and looks as the page does."""

from __future__ import annotations

import json
import random
import re
import socket
import statistics
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Client:
    """One connection that is kept open.

    It knows as much of HTTP as our server needs: the clients run on the server's cores, and what they take is missing
    there.
    """

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[float, bytes]:
        """(milliseconds, what came)"""
        data = json.dumps(body).encode() if body is not None else b""
        kind = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n" if body is not None else ""
        request = f"{method} {path} HTTP/1.1\r\n{self._headers}{kind}\r\n".encode() + data
        begun = time.perf_counter()
        self._socket.sendall(request)
        status, text = self._read()
        spent = (time.perf_counter() - begun) * 1000
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {text[:300]!r}")
        return spent, text

    def _read(self) -> tuple[int, bytes]:
        head, text = self._until_blank_line()
        found = _LENGTH.search(head)
        if found is None:
            raise RuntimeError(f"an answer without a length: {head[:200]!r}")
        parts, missing = [text], int(found[1]) - len(text)
        while missing > 0:
            parts.append(self._receive())
            missing -= len(parts[-1])
        return int(head[9:12]), b"".join(parts)

    def _until_blank_line(self) -> tuple[bytes, bytes]:
        come = self._receive()
        while b"\r\n\r\n" not in come:
            come += self._receive()
        head, _, text = come.partition(b"\r\n\r\n")
        return head, text

    def _receive(self) -> bytes:
        come = self._socket.recv(1 << 18)
        if not come:
            raise ConnectionError("the server closed the connection")
        return come


@dataclass
class Tally:
    """What all reviewers together did: milliseconds by kind of request, and who decided on what."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    decided: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, spent: float) -> None:
        with self.lock:
            self.times[kind].append(spent)

    @property
    def twice(self) -> int:
        """Samples that two reviewers were given."""
        return len(self.decided) - len(set(self.decided))


@dataclass(frozen=True)
class Reviewer:
    """Decides on one sample after the other. ``pause`` is the time between two decisions in seconds, 0 for none.

    Every thirtieth time somebody with a pause opens a grid of 200 and looks at twenty thumbnails.
    """

    client: Client
    api: str
    tally: Tally
    pause: float

    def work(self, until: Callable[[], bool]) -> None:
        try:
            self._work(until)
        except Exception as error:  # noqa: BLE001 - a thread's error is a figure of the measurement
            with self.tally.lock:
                self.tally.errors.append(f"{type(error).__name__}: {error}")

    def _work(self, until: Callable[[], bool]) -> None:
        time.sleep(random.random() * self.pause)  # noqa: S311 - spreads the reviewers, guards nothing
        sample, done = self._next(), 0
        while sample is not None and not until():
            begun = time.monotonic()
            saved = self._decide(sample)
            sample, asked = self._next_after(sample)
            self.tally.add("next + decision", saved + asked)
            done += 1
            if self.pause and done % 30 == 15:
                self._look()
            time.sleep(max(0.0, self.pause - (time.monotonic() - begun)))

    def _next(self) -> int | None:
        return self._next_after(None)[0]

    def _next_after(self, _: int | None) -> tuple[int | None, float]:
        spent, text = self.client.call("GET", f"{self.api}/queue?count=1&counts=false")
        items = json.loads(text)["items"]
        self.tally.add("next sample", spent)
        return (items[0]["id"] if items else None), spent

    def _decide(self, sample: int) -> float:
        body = {
            "client_event_id": str(uuid.uuid4()), "base_version": 0, "manual": True, "decision": "keep",
            "lead_time_ms": 500,
        }  # fmt: skip
        spent, _ = self.client.call("POST", f"{self.api}/samples/{sample}/reviews", body)
        with self.tally.lock:
            self.tally.times["decision"].append(spent)
            self.tally.decided.append(sample)
        return spent

    def _look(self) -> None:
        spent, text = self.client.call("GET", f"{self.api}/samples?limit=200&count=false")
        self.tally.add("grid page of 200", spent)
        for row in json.loads(text)["rows"][:20]:
            self.tally.add("thumbnail", self.client.call("GET", row["thumb_url"])[0])


def run_reviewers(port: int, api: str, tokens: Sequence[str], *, seconds: float, pause: float) -> tuple[Tally, float]:
    """Let one reviewer a token work so long; return the tally and how long it took."""
    tally = Tally()
    begun = time.monotonic()
    threads = [
        threading.Thread(target=Reviewer(Client(port, token), api, tally, pause).work, args=(_after(begun + seconds),))
        for token in tokens
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally, time.monotonic() - begun


def _after(moment: float) -> Callable[[], bool]:
    return lambda: time.monotonic() >= moment


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and largest."""
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[max(0, int(len(ordered) * 0.95) - 1)], 1),
        "max": round(ordered[-1], 1),
    }
