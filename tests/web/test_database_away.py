"""PostgreSQL is gone for a moment: requests are told to come again, and none is answered as a fault of Winnow's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import make_url, text

from app.db.session import Database
from app.domain.errors import Busy, Conflict
from app.services import freeze_version as freezing
from app.settings import Settings
from tests.fixtures.people import PASSWORD
from tests.fixtures.world import World, fresh

pytestmark = [
    pytest.mark.servers,
    pytest.mark.parametrize("backend", ["postgresql"], indirect=True),
]


class Gate:
    """A way to a server that can be shut: what goes through breaks off, and nothing new comes in."""

    def __init__(self, host: str, port: int) -> None:
        self._target, self._ends = (host, port), set[socket.socket]()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._open = True
        self._guests = set[socket.socket]()
        self.asked, self._break_at = 0, 0
        self._threads: list[threading.Thread] = []
        self._start(self._let_in)

    def _start(self, work: Callable[..., None], *given: socket.socket) -> None:
        self._threads.append(threading.Thread(target=work, args=given, daemon=True))
        self._threads[-1].start()

    def _let_in(self) -> None:
        with suppress(OSError):
            while True:
                guest, _ = self._door.accept()
                if not self._open:
                    guest.close()
                    continue
                server = socket.create_connection(self._target)
                self._ends |= {guest, server}
                self._guests.add(guest)
                self._start(self._carry, guest, server)
                self._start(self._carry, server, guest)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if source in self._guests:
                    self.asked += 1
                    if self.asked == self._break_at:
                        self.break_off()
                        break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut()
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for thread in self._threads:
            thread.join(5)
        for end in self._ends:
            end.close()

    def shut(self) -> None:
        self._open = False
        self.break_off()

    def break_at(self, number: int) -> None:
        """Break all connections off when so many more messages have gone to the server; the last one is lost."""
        self.asked, self._break_at = 0, number

    def break_off(self) -> None:
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        self._open = True


@pytest.fixture
def gate(settings: Settings) -> Iterator[Gate]:
    """The tests' database behind a gate, for all that come after."""
    url = make_url(settings.resolved_database_url)
    gate = Gate(url.host or "127.0.0.1", url.port or 5432)
    settings.database_url = url.set(host="127.0.0.1", port=gate.port).render_as_string(hide_password=False)
    yield gate
    gate.close()


def test_requests_are_told_to_come_again_and_do_once_it_is_back(gate: Gate, filled: World, client) -> None:
    alice = client("alice")
    sample = next(iter(filled.ids.values()))
    event = {"client_event_id": fresh(), "base_version": 0, "manual": True, "decision": "keep"}
    asked = [
        ("GET", "/api/v1/projects/pets/queue", {}),
        ("POST", f"/api/v1/projects/pets/samples/{sample}/reviews", {"json": event}),
        ("GET", "/api/v1/projects/pets/samples", {}),
        ("GET", "/p/pets/imports", {}),
        ("GET", "/p/pets", {}),
        ("POST", "/sign-in", {"data": {"username": "alice", "password": PASSWORD}}),
    ]
    before = [alice.request(method, path, **more).status_code for method, path, more in asked]
    assert max(before) < 500, before

    gate.shut()
    for method, path, more in asked * 2:  # connections that were open, and new ones
        answer = alice.request(method, path, **more)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "3"), (path, answer.text)
        assert "can't be reached just now" in unescape(answer.text)

    gate.open()
    after = [alice.request(method, path, **more).status_code for method, path, more in asked]
    assert after == before


@pytest.fixture
def through_gate(gate: Gate, settings: Settings) -> Iterator[Database]:
    database = Database(settings.resolved_database_url)
    yield database
    database.dispose()


def test_what_was_read_counts_though_the_connection_broke_off_after_it(gate: Gate, through_gate: Database) -> None:
    with through_gate.reading() as session:
        assert session.scalar(text("SELECT 7")) == 7
        gate.break_off()
    with through_gate.reading() as session:
        assert session.scalar(text("SELECT 8")) == 8
    assert through_gate.engine.pool.checkedout() == 0  # type: ignore[attr-defined] - no connection was forgotten


def test_a_refusal_stays_one_though_the_connection_broke_off_before_it(gate: Gate, through_gate: Database) -> None:
    with pytest.raises(Conflict, match="somebody was faster"), through_gate.writing() as session:
        session.execute(text("SELECT 1"))
        gate.break_off()
        raise Conflict("somebody was faster")
    assert through_gate.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_commit_that_does_not_get_through_is_told_to_come_again(gate: Gate, through_gate: Database) -> None:
    with pytest.raises(Busy, match="can't be reached"), through_gate.writing() as session:
        session.execute(text("SELECT 1"))
        gate.break_off()


def test_a_freeze_is_told_to_come_again_wherever_it_is_cut_off(
    gate: Gate, filled: World, client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every seventh message to the database, of some eighty."""
    monkeypatch.setattr(freezing, "_GIVEN_UP_AFTER", timedelta(0))
    lena = client("lena")
    accepted = ["undecided", "open_conflicts", "open_leaks", "class_share", "lost_group", "both_sides"]
    seen = set()
    for number in range(2, 1000, 7):
        gate.break_at(number)
        answer = lena.post("/api/v1/projects/pets/versions", json={"accept": accepted})
        seen.add(answer.status_code)
        assert answer.status_code in (202, 503), (number, answer.text)
        if gate.asked < number:
            break
    assert seen == {202, 503}
