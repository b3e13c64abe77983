"""Signing in and out, links, tokens: who is let in, for how long, and what ends it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.db.base import utc_now
from app.db.models.accounts import ApiToken, Invitation, OneTimeLink, User, UserSession
from app.main import create_app
from app.services.users import ensure_first_admin
from tests.fixtures.people import PASSWORD
from tests.fixtures.web import OWN, sign_in

NEW = "another long password"


def test_the_right_password_signs_in_with_a_guarded_cookie(browser):
    alice = browser()
    answer = sign_in(alice, "Alice ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie
    assert alice.get("/").status_code == 200


def test_over_https_the_cookie_goes_over_it_only(settings, doorbell):
    from fastapi.testclient import TestClient

    app = create_app(settings.model_copy(update={"secure_cookies": True}), doorbell=doorbell)
    client = TestClient(app, base_url="https://testserver", headers=OWN, follow_redirects=False)
    answer = sign_in(client, "alice")
    assert answer.headers["set-cookie"].startswith("__Host-")
    assert "secure" in answer.headers["set-cookie"].lower()
    assert answer.headers["strict-transport-security"]
    app.state.wiring.database.dispose()


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong password"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_try_is_told_the_same_whether_the_name_exists(browser, name, password):
    answer = sign_in(browser(), name, password)
    assert answer.status_code == 401
    assert "The user name or the password is wrong." in answer.text
    assert "set-cookie" not in answer.headers


def test_the_sixth_wrong_try_in_a_minute_is_refused_even_if_right(browser):
    client = browser()
    for _ in range(5):
        assert sign_in(client, "alice", "wrong password").status_code == 401
    assert sign_in(client, "alice").status_code == 429
    assert sign_in(client, "bob").status_code == 303


def test_an_inactive_user_is_let_in_neither_by_password_nor_cookie_nor_token(client, database):
    alice = client("alice")
    token = make_token(alice)
    with database.writing() as session:
        session.execute(update(User).where(User.username == "alice").values(is_active=False))
    assert alice.get("/api/v1/me").status_code == 401
    assert client("anonymous").get("/api/v1/me", headers=bearer(token)).status_code == 401
    assert sign_in(client("anonymous"), "alice").status_code == 401


def test_a_password_longer_than_any_is_refused_before_it_is_hashed(browser):
    assert sign_in(browser(), "alice", "x" * 1500).status_code == 400


def test_signing_out_ends_the_session_on_the_server(client, browser):
    alice, thief = client("alice"), browser()
    thief.cookies.update(alice.cookies)
    assert thief.get("/api/v1/me").status_code == 200
    left = alice.post("/sign-out")
    assert (left.status_code, left.headers["Clear-Site-Data"]) == (303, '"cache"'), "pictures must not stay behind"
    assert thief.get("/api/v1/me").status_code == 401


def test_a_changed_password_ends_every_other_session(client, browser):
    alice, other = client("alice"), browser()
    sign_in(other, "alice")
    answer = alice.post("/account/password", data={"current": PASSWORD, "new": NEW, "new_again": NEW})
    assert answer.status_code == 303
    assert other.get("/api/v1/me").status_code == 401
    assert alice.get("/api/v1/me").status_code == 200
    assert sign_in(browser(), "alice").status_code == 401
    assert sign_in(browser(), "alice", NEW).status_code == 303


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"current": "wrong", "new": NEW, "new_again": NEW}, "current password is wrong"),
        ({"current": PASSWORD, "new": NEW, "new_again": "different"}, "differ"),
        ({"current": PASSWORD, "new": "short", "new_again": "short"}, "at least 10"),
    ],
)
def test_a_password_is_changed_only_by_who_knows_it_to_one_that_will_do(client, fields, said):
    answer = client("alice").post("/account/password", data=fields)
    assert answer.status_code == 400
    assert said in answer.text


@pytest.mark.parametrize("column", ["last_seen_at", "created_at"])
def test_a_session_ends_when_idle_or_old(client, database, column):
    alice = client("alice")
    with database.writing() as session:
        session.execute(update(UserSession).values({column: utc_now() - timedelta(days=8)}))
    assert alice.get("/api/v1/me").status_code == 401


def test_a_session_can_be_ended_from_the_account_and_only_ones_own(client, browser, database):
    alice, bob, second = client("alice"), client("bob"), browser()
    sign_in(second, "alice")
    with database.reading() as session:
        newest = session.scalars(select(UserSession).order_by(UserSession.id.desc())).first().id
    assert bob.post(f"/account/sessions/{newest}/revoke").status_code == 404
    assert second.get("/api/v1/me").status_code == 200
    assert alice.post(f"/account/sessions/{newest}/revoke").status_code == 303
    assert second.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "http:evil", "javascript:alert(1)", "\\\\evil",
        "/\t/evil.example", "/%0d%0aLocation:x\r\n", " //evil", "evil.example", "///evil", "/@evil:80", "", "/a b",
        "/\x00", "/ä", "/x#//evil", "data:text/html,x",
    ],
)  # fmt: skip
def test_nobody_is_led_off_the_site_after_signing_in(browser, target):
    answer = sign_in(browser(), "alice", next=target)
    assert answer.status_code == 303
    assert re.fullmatch(r"/(?!/)[\w/?=&%.-]*", answer.headers["location"])


def test_after_signing_in_one_gets_where_one_wanted_to(browser, world):
    alice = browser()
    asked = alice.get("/p/pets/samples?issue_type=outlier&q=a")
    assert asked.status_code == 303
    page = alice.get(asked.headers["location"])
    target = re.search(r'name="next" value="([^"]*)"', page.text).group(1).replace("&amp;", "&")
    assert target == "/p/pets/samples?issue_type=outlier&q=a"
    assert sign_in(alice, "alice", next=target).headers["location"] == target


# -- one-time links -------------------------------------------------------------------------------------------------


def welcome(client, url: str, name: str = "newcomer", password: str = NEW):
    """Fill in the form behind a link, be it an invitation or a way to a new password."""
    fields = {"username": name, "display_name": "New", "password": password, "password_again": password}
    return client.post(url, data=fields)


def invite(client, **fields: str) -> str:
    page = client("root").post("/users/invitations", data={"name": "New", **fields})
    assert page.status_code == 200
    return re.search(r"/invitation/[\w-]+", page.text).group()


def test_an_invitation_works_once(client, browser):
    url = invite(client)
    newcomer = browser()
    assert newcomer.get(url).status_code == 200
    assert welcome(newcomer, url).status_code == 303
    assert newcomer.get("/api/v1/me").json()["username"] == "newcomer"
    assert browser().get(url).status_code == 404
    assert welcome(browser(), url, "second").status_code == 404


def test_an_invitation_ends_after_its_time(client, browser, database):
    url = invite(client)
    with database.writing() as session:
        session.execute(update(Invitation).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert browser().get(url).status_code == 404


@pytest.mark.parametrize(("name", "password"), [("alice", NEW), ("", NEW), ("new comer", NEW), ("newcomer", "short")])
def test_a_link_is_not_used_up_by_a_name_or_password_that_will_not_do(client, browser, name, password):
    url = invite(client)
    assert welcome(browser(), url, name, password).status_code == 400
    assert welcome(browser(), url).status_code == 303


def test_a_deactivated_user_cannot_come_back_by_an_old_link(client, browser, database):
    root, url = client("root"), None
    with database.reading() as session:
        alice = session.scalars(select(User).where(User.username == "alice")).one().id
    page = root.post(f"/users/{alice}", data={"action": "reset"})
    url = re.search(r"/welcome/[\w-]+", page.text).group()
    assert root.post(f"/users/{alice}", data={"action": "deactivate"}).status_code == 303
    assert welcome(browser(), url).status_code == 404
    assert sign_in(browser(), "alice").status_code == 401


def test_the_first_admins_link_is_given_until_an_admin_has_a_password(database):
    with database.writing() as session:
        assert ensure_first_admin(session) is None
        session.execute(update(User).where(User.is_admin).values(is_active=False))
        first, second = ensure_first_admin(session), ensure_first_admin(session)
        assert first != second
        assert len(list(session.scalars(select(OneTimeLink)))) == 1


# -- tokens ---------------------------------------------------------------------------------------------------------


def make_token(client, **fields: str) -> str:
    page = client.post("/account/tokens", data={"name": "script", "scope": "manage", **fields})
    assert page.status_code == 200
    return re.search(r"wnw_[\w-]+", page.text).group()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_reads_and_writes_without_a_cookie(client, browser, world):
    token = make_token(client("alice"))
    script = browser(**bearer(token))
    assert script.get("/api/v1/me").json()["username"] == "alice"
    assert script.delete("/api/v1/projects/pets/queue").status_code == 204


def test_the_account_shows_when_a_token_was_last_used(client, browser, database):
    token = make_token(client("alice"))
    browser(**bearer(token)).get("/api/v1/me")
    with database.reading() as session:
        assert session.scalars(select(ApiToken)).one().last_used_at is not None


def test_a_revoked_token_is_dead_and_nobody_revokes_anothers(client, browser, database):
    token = make_token(client("alice"))
    with database.reading() as session:
        number = session.scalars(select(ApiToken)).one().id
    assert client("bob").post(f"/account/tokens/{number}/revoke").status_code == 404
    assert browser(**bearer(token)).get("/api/v1/me").status_code == 200
    assert client("alice").post(f"/account/tokens/{number}/revoke").status_code == 303
    assert browser(**bearer(token)).get("/api/v1/me").status_code == 401


def test_an_expired_token_is_dead(client, browser, database):
    token = make_token(client("alice"), days="1")
    with database.writing() as session:
        session.execute(update(ApiToken).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert browser(**bearer(token)).get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("token", ["", "x", "wnw_x", "wnw_" + "a" * 5000])
def test_a_token_that_is_none_is_refused(browser, token):
    assert browser(**bearer(token)).get("/api/v1/me").status_code == 401


def test_tokens_passwords_and_cookies_are_kept_as_hashes_only(client, settings):
    token = make_token(client("alice"))
    cookie = client("alice").cookies["winnow_session"]
    stored = (settings.data_dir / "winnow.db").read_bytes()
    for secret in (token, cookie, PASSWORD):
        assert secret.encode() not in stored


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/account/tokens", {"name": "more of me"}),
        ("/account/password", {"current": PASSWORD, "new": "another fine one", "new_again": "another fine one"}),
        ("/account/sessions/1/revoke", {}),
        ("/account/tokens/1/revoke", {}),
        ("/users/invitations", {"name": "a friend", "is_admin": "true"}),
        ("/users/1", {"action": "reset"}),
    ],
)
def test_a_token_makes_no_tokens_and_manages_no_users(client, browser, path, data):
    script = browser(**bearer(make_token(client("root"))))
    answer = script.post(path, data=data)
    assert answer.status_code == 403
    assert "API token" in answer.text
    assert script.get("/users").status_code == 403
    assert script.get("/api/v1/jobs").status_code == 200


def test_a_password_is_checked_while_nobody_else_waits(client, database, monkeypatch):
    """A slow hash must not hold the database."""
    from app.db.models.accounts import AuditEntry
    from app.services import sign_in as module

    real = module.is_password

    def check(*given) -> bool:
        with database.writing() as session:
            session.add(AuditEntry(action="meanwhile"))
        return real(*given)

    monkeypatch.setattr(module, "is_password", check)
    assert client("alice").get("/account").status_code == 200


def test_tries_at_once_get_no_further_than_one_after_the_other(browser, monkeypatch):
    from app.services import sign_in as module

    answers: list[int] = []

    def check(*_) -> bool:
        if len(answers) < 10:
            answers.append(sign_in(browser(), "alice", f"wrong {len(answers)}").status_code)
        return False

    monkeypatch.setattr(module, "is_password", check)
    sign_in(browser(), "alice", "wrong")
    assert 429 in answers
