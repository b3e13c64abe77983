"""Single sign-on against a real provider in a process of its own: who is let in, as whom, and what is not believed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from app.db.base import utc_now
from app.db.models.accounts import AuditEntry, Identity, OidcFlow, User
from app.main import create_app
from app.settings import Settings
from tests.fixtures import oidc_provider
from tests.fixtures.served import free_port
from tests.fixtures.web import OWN, sign_in

CALLBACK = "/sign-in/oidc/callback"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, oidc_provider.__file__, str(port)])
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            httpx.get(f"{address}/asked")
            break
        except httpx.HTTPError:
            assert process.poll() is None
            time.sleep(0.05)
    yield address
    process.terminate()
    process.wait()


class Door:
    """The application with this provider, and browsers that go there and back."""

    def __init__(self, app, issuer: str) -> None:
        self.app, self.issuer = app, issuer

    def browser(self) -> TestClient:
        return TestClient(self.app, headers=OWN, follow_redirects=False, raise_server_exceptions=False)

    def differ(self, **how: object) -> None:
        httpx.post(f"{self.issuer}/next", json=how)

    def go_there(self, browser: TestClient, path: str = "/sign-in/oidc") -> str:
        """The address to which the provider sends the browser back."""
        sent = browser.get(path)
        assert sent.status_code == 303, sent.text
        assert sent.headers["location"].startswith(f"{self.issuer}/authorize?")
        return httpx.get(sent.headers["location"]).headers["location"]

    def come_back(self, browser: TestClient, address: str):
        return browser.get(address.removeprefix("http://testserver"), headers={"Sec-Fetch-Site": "cross-site"})

    def sign_in(self, browser: TestClient, path: str = "/sign-in/oidc"):
        return self.come_back(browser, self.go_there(browser, path))


@pytest.fixture
def door(settings: Settings, doorbell, issuer: str) -> Iterator[Callable[..., Door]]:
    made = []

    def make(**rules: object) -> Door:
        given = {
            "oidc_issuer": issuer, "oidc_client_id": oidc_provider.CLIENT, "oidc_client_secret": oidc_provider.SECRET,
            "oidc_name": "Example ID",
        }  # fmt: skip
        app = create_app(Settings(_env_file=None, **{**settings.model_dump(), **given, **rules}), doorbell=doorbell)
        made.append(app)
        door = Door(app, issuer)
        door.differ()
        return door

    yield make
    for app in made:
        app.state.wiring.pictures.close()
        app.state.wiring.database.dispose()


def actions(database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_nobody_is_let_in_who_has_no_account(door, database):
    there = door()
    answer = there.sign_in(browser := there.browser())
    assert answer.status_code == 400
    assert "You have no account here" in answer.text
    assert browser.get("/api/v1/me").status_code == 401
    with database.reading() as session:
        assert session.scalars(select(Identity)).all() == []


def test_a_new_user_gets_an_account_where_the_settings_say_so_and_finds_it_again(door, database):
    there = door(oidc_new_users=True)
    for _ in range(2):
        browser = there.browser()
        answer = there.sign_in(browser, "/sign-in/oidc?next=/account")
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert browser.get("/api/v1/me").json()["username"] == "pat"
        assert "httponly" in answer.headers["set-cookie"].lower()
    with database.reading() as session:
        assert len(list(session.scalars(select(Identity)))) == 1
        assert session.scalars(select(User).where(User.username == "pat")).one().password_hash is None
    assert actions(database).count("user_made_by_oidc") == 1
    assert actions(database).count("sign_in_oidc") == 2


def test_a_name_that_is_taken_is_not_given_away(door):
    there = door(oidc_new_users=True)
    there.differ(claims={"preferred_username": "alice", "sub": "another"})
    there.sign_in(browser := there.browser())
    assert browser.get("/api/v1/me").json()["username"] == "alice-2"


def test_the_subject_and_not_the_email_says_who_it_is(door):
    there = door(oidc_new_users=True)
    there.sign_in(there.browser())
    there.differ(claims={"sub": "person-2"})
    there.sign_in(browser := there.browser())
    assert browser.get("/api/v1/me").json()["username"] == "pat-2"


@pytest.mark.parametrize(
    ("rules", "claims", "is_found"),
    [
        ({"oidc_link_by_email": True}, {}, True),
        ({"oidc_link_by_email": True}, {"email_verified": False}, False),
        ({"oidc_link_by_email": True}, {"email_verified": None}, False),
        ({"oidc_link_by_email": True, "oidc_email_domains": ["example.com"]}, {}, False),
        ({"oidc_link_by_email": True, "oidc_email_domains": ["example.org"]}, {}, True),
        ({}, {}, False),
    ],
)
def test_an_account_is_found_by_email_only_if_verified_and_allowed(door, database, rules, claims, is_found):
    with database.writing() as session:
        session.execute(update(User).where(User.username == "alice").values(email="pat@example.org"))
    there = door(**rules)
    there.differ(claims=claims)
    answer = there.sign_in(browser := there.browser())
    assert answer.status_code == (303 if is_found else 400)
    assert (browser.get("/api/v1/me").json().get("username") == "alice") is is_found
    assert ("identity_found_by_email" in actions(database)) is is_found


def test_a_deactivated_user_stays_out(door, database):
    there = door(oidc_new_users=True)
    there.sign_in(there.browser())
    with database.writing() as session:
        session.execute(update(User).where(User.username == "pat").values(is_active=False))
    assert "deactivated" in there.sign_in(there.browser()).text


@pytest.mark.parametrize(
    "how",
    [
        {"claims": {"nonce": "of another time"}}, {"claims": {"nonce": None}}, {"claims": {"aud": "another client"}},
        {"claims": {"iss": "https://evil.example"}}, {"claims": {"exp": 1}}, {"claims": {"sub": None}},
        {"claims": {"sub": ""}}, {"claims": {"azp": "another client"}},
        {"claims": {"aud": ["winnow", "x"], "azp": "x"}},
        {"signed_by": "stranger"}, {"signed_by": "nobody"}, {"signed_by": "secret"}, {"claims": {"exp": None}},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_does_not_hold_lets_nobody_in(door, how):
    there = door(oidc_new_users=True)
    there.differ(**how)
    answer = there.sign_in(browser := there.browser())
    assert answer.status_code == 502, answer.text
    assert browser.get("/api/v1/me").status_code == 401


def test_a_provider_may_change_its_keys(door):
    there = door(oidc_new_users=True)
    there.sign_in(there.browser())
    there.differ(signed_by="new key")
    assert there.sign_in(there.browser()).status_code == 303


def test_a_provider_that_calls_itself_otherwise_is_not_asked(door):
    there = door(oidc_new_users=True)
    there.differ(issuer="https://evil.example")
    answer = there.browser().get("/sign-in/oidc")
    assert answer.status_code == 502
    assert "calls itself" in answer.text


def test_what_comes_back_belongs_to_the_browser_that_began(door):
    there = door(oidc_new_users=True)
    mine, other = there.browser(), there.browser()
    address = there.go_there(mine)
    assert there.come_back(other, address).status_code == 400  # it has no cookie
    there.go_there(other)
    assert there.come_back(other, address).status_code == 400  # it has one with another state
    assert there.come_back(mine, address).status_code == 303
    assert there.come_back(mine, address).status_code == 400  # it works once
    assert other.get("/api/v1/me").status_code == 401


def test_a_flow_ends_after_its_time(door, database):
    from datetime import timedelta

    there = door(oidc_new_users=True)
    address = there.go_there(browser := there.browser())
    with database.writing() as session:
        session.execute(update(OidcFlow).values(created_at=utc_now() - timedelta(minutes=11)))
    assert "took too long" in there.come_back(browser, address).text


def test_a_refusal_of_the_provider_is_told(door):
    there = door(oidc_new_users=True)
    there.differ(error="access_denied")
    answer = there.sign_in(there.browser())
    assert answer.status_code == 400
    assert "Example ID did not sign you in (access_denied)" in answer.text


def test_an_invited_person_gets_an_account_and_joins(door, world, database):
    there = door()
    lena = there.browser()
    sign_in(lena, "lena")
    made = lena.post("/p/pets/invitations", data={"role": "reviewer"}).text
    url = made.split("http://testserver")[1].split("<")[0]
    pat = there.browser()
    assert "Go on with Example ID" in pat.get(url).text
    assert there.sign_in(pat, f"/sign-in/oidc?next={url}").headers["location"] == url
    assert pat.post(f"{url}/accept").headers["location"] == "/p/pets"
    assert pat.get("/p/pets").status_code == 200


def test_somebody_connects_their_account_signs_in_by_it_and_disconnects(door, database):
    there = door()
    alice, later = there.browser(), there.browser()
    sign_in(alice, "alice")
    assert there.sign_in(alice, "/account/oidc").headers["location"] == "/account"
    assert "pat@example.org" in alice.get("/account").text
    assert there.sign_in(later).status_code == 303
    assert later.get("/api/v1/me").json()["username"] == "alice"
    assert alice.post("/account/identities/1/remove").status_code == 303
    assert there.sign_in(there.browser()).status_code == 400
    assert {"identity_connected", "identity_removed"} <= set(actions(database))


def test_no_other_site_connects_an_account(door):
    there = door()
    alice = there.browser()
    sign_in(alice, "alice")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}):
        assert alice.get("/account/oidc", headers=headers).status_code == 403


def test_who_has_no_password_keeps_a_way_in(door):
    there = door(oidc_new_users=True)
    there.sign_in(pat := there.browser())
    answer = pat.post("/account/identities/1/remove")
    assert answer.status_code == 400
    assert "only way in" in answer.text
    assert "no-password" in pat.get("/account").text


def test_who_came_by_the_provider_can_sign_out_there_too(door, issuer):
    there = door(oidc_new_users=True)
    there.sign_in(pat := there.browser())
    left = pat.post("/sign-out")
    assert left.headers["location"] == "/sign-in?signed_out=oidc"
    assert pat.get("/api/v1/me").status_code == 401
    assert 'href="/sign-out/oidc"' in pat.get(left.headers["location"]).text
    end = pat.get("/sign-out/oidc").headers["location"]
    assert end.startswith(f"{issuer}/end?client_id=winnow&post_logout_redirect_uri=http%3A%2F%2Ftestserver")


def test_a_provider_that_does_not_answer_leaves_the_password(settings, doorbell):
    given = {"oidc_issuer": f"http://127.0.0.1:{free_port()}", "oidc_client_id": "winnow"}
    app = create_app(Settings(_env_file=None, **{**settings.model_dump(), **given}), doorbell=doorbell)
    client = TestClient(app, headers=OWN, follow_redirects=False)
    answer = client.get("/sign-in/oidc")
    assert answer.status_code == 502
    assert "does not answer" in answer.text
    assert sign_in(client, "alice").status_code == 303
    app.state.wiring.pictures.close()
    app.state.wiring.database.dispose()


@pytest.mark.parametrize(
    "given",
    [
        {"oidc_issuer": "http://id.example.org", "oidc_client_id": "x"}, {"oidc_issuer": "id.example.org"},
        {"oidc_issuer": "https://id.example.org"},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_at_the_start(given):
    with pytest.raises(ValueError, match=r"https://|WINNOW_OIDC_CLIENT_ID"):
        Settings(_env_file=None, **given)


def test_without_a_provider_its_libraries_are_not_loaded(tmp_path: Path):
    code = (
        "import sys\nfrom app.main import create_app\nfrom app.settings import Settings\nfrom pathlib import Path\n"
        "create_app(Settings(_env_file=None, data_dir=Path(sys.argv[1])))\n"
        "print([m for m in ('authlib', 'joserfc') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
