"""Wrong tries: who has to wait, how long, and who never does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from app.db.base import utc_now
from app.db.models.accounts import AuditEntry, SignInFailure
from app.main import create_app
from app.services import sign_in as module
from tests.fixtures.databases import both_backends
from tests.fixtures.people import PASSWORD
from tests.fixtures.web import OWN, sign_in


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch) -> None:
    """Hashing is slow by design, and these tests try often."""
    monkeypatch.setattr(module, "is_password", lambda known, given: known is not None and given == PASSWORD)


@pytest.fixture
def from_address(app):
    def make(address: str) -> TestClient:
        return TestClient(app, headers=OWN, follow_redirects=False, client=(address, 5000))

    return make


def let_time_pass(database, **time: float) -> None:
    with database.writing() as session:
        for row in session.scalars(select(SignInFailure)):
            row.at -= timedelta(**time)


def fail(client, name: str, times: int) -> None:
    for _ in range(times):
        assert sign_in(client, name, "wrong").status_code == 401


@both_backends
def test_the_wait_grows_and_is_told_as_a_number_and_in_words(from_address, database):
    client = from_address("10.0.0.1")
    fail(client, "alice", 5)
    told = []
    for _ in range(7):
        answer = sign_in(client, "alice", "wrong")
        assert answer.status_code == 429
        told.append(int(answer.headers["retry-after"]))
        assert "Too many wrong tries. Try again in" in answer.text
        let_time_pass(database, seconds=told[-1])
        fail(client, "alice", 1)
    assert told == [30, 60, 120, 240, 480, 900, 900]


def test_asking_again_does_not_make_the_wait_longer(from_address, database):
    client = from_address("10.0.0.1")
    fail(client, "alice", 5)
    for _ in range(20):
        assert int(sign_in(client, "alice").headers["retry-after"]) <= 30
    let_time_pass(database, seconds=30)
    assert sign_in(client, "alice").status_code == 303


def test_the_right_password_makes_the_wrong_ones_before_it_forgotten(from_address):
    client = from_address("10.0.0.1")
    for _ in range(3):
        fail(client, "alice", 4)
        assert sign_in(from_address("10.0.0.1"), "alice").status_code == 303


def test_strangers_never_keep_the_owner_out_where_they_are_known(from_address, database):
    home = from_address("10.1.1.1")
    assert sign_in(home, "alice").status_code == 303
    for number in range(10):
        fail(from_address(f"10.0.0.{number}"), "alice", 5)
    stranger = sign_in(from_address("10.0.1.1"), "alice")
    assert stranger.status_code == 429  # from all addresses together that was enough
    assert int(stranger.headers["retry-after"]) <= 60
    assert sign_in(from_address("10.1.1.1"), "alice").status_code == 303
    let_time_pass(database, hours=1)
    assert sign_in(from_address("10.0.1.1"), "alice").status_code == 303


def test_one_address_that_tries_many_names_has_to_wait(from_address):
    client = from_address("10.0.0.1")
    for number in range(30):
        fail(client, f"name{number}", 1)
    assert sign_in(client, "bob").status_code == 429
    assert sign_in(from_address("10.0.0.2"), "bob").status_code == 303


def test_two_processes_count_together(settings, doorbell, from_address):
    other = create_app(settings, doorbell=doorbell)
    fail(from_address("10.0.0.1"), "alice", 3)
    second = TestClient(other, headers=OWN, follow_redirects=False, client=("10.0.0.1", 5000))
    fail(second, "alice", 2)
    assert sign_in(second, "alice").status_code == 429
    assert sign_in(from_address("10.0.0.1"), "alice").status_code == 429
    other.state.wiring.pictures.close()
    other.state.wiring.database.dispose()


@pytest.mark.parametrize("path", ["/invitation/guess{}", "/welcome/guess{}"])
def test_links_are_not_guessed_at_leisure(from_address, database, path):
    client = from_address("10.0.0.1")
    for number in range(20):
        assert client.get(path.format(number)).status_code == 404
    answer = client.get(path.format("x"))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= 5
    assert from_address("10.0.0.2").get(path.format("x")).status_code == 404


def test_tokens_that_are_none_get_429_and_right_ones_never_wait(app, client, from_address):
    page = client("alice").post("/account/tokens", data={"name": "script"}).text
    token = re.search(r"wnw_[\w-]+", page).group()
    right = {"Authorization": f"Bearer {token}"}
    guesser = from_address("10.0.0.1")
    for number in range(30):
        wrong = {"Authorization": f"Bearer wnw_{number}"}
        assert guesser.get("/api/v1/me", headers=wrong).status_code == 401
    answer = guesser.get("/api/v1/me", headers=wrong)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "too_many_attempts"
    assert int(answer.headers["retry-after"]) == answer.json()["error"]["details"]["retry_after"] > 0
    assert guesser.get("/api/v1/me", headers=right).status_code == 200


def test_whoever_finds_an_open_browser_cannot_guess_its_password(client):
    alice = client("alice")
    wrong = {"current": "wrong", "new": "another fine one", "new_again": "another fine one"}
    for _ in range(5):
        assert alice.post("/account/password", data=wrong).status_code == 400
    answer = alice.post("/account/password", data={**wrong, "current": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_tries_are_forgotten_after_a_day(from_address, database):
    client = from_address("10.0.0.1")
    fail(client, "alice", 5)
    with database.writing() as session:
        session.execute(update(SignInFailure).values(at=utc_now() - timedelta(hours=25)))
    assert sign_in(client, "alice").status_code == 303
    with database.reading() as session:
        assert list(session.scalars(select(SignInFailure))) == []
        assert session.scalars(select(AuditEntry.action)).all() == ["sign_in"]
