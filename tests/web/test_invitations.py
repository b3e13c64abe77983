"""Invitations by link: who may make them for what, whom they let in, and what ends them."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.db.base import utc_now
from app.db.models.accounts import AuditEntry, Invitation, User, UserSession
from app.db.models.projects import Member
from tests.fixtures.databases import both_backends
from tests.fixtures.people import PASSWORD
from tests.fixtures.web import sign_in

NEW = "another long password"
INTO_PROJECT = "/p/pets/invitations"


def invite(client, path: str = INTO_PROJECT, **fields: str) -> str:
    answer = client.post(path, data=fields)
    assert answer.status_code == 200, answer.text
    return re.search(r"/invitation/[\w-]{40,}", answer.text).group()


def accept(client, url: str, name: str = "newcomer", **fields: str):
    given = {"username": name, "display_name": "", "password": NEW, "password_again": NEW}
    return client.post(url, data={**given, **fields})


def role_of(database, name: str) -> str | None:
    with database.reading() as session:
        query = select(Member.role).join(User, User.id == Member.user_id).where(User.username == name)
        return session.scalar(query)


@both_backends
def test_an_invited_person_makes_an_account_and_lands_in_the_project(client, browser, world, database):
    url, newcomer = invite(client("lena"), role="reviewer", name="Nina"), browser()
    page = newcomer.get(url).text
    assert "Join Pets" in page
    assert 'value="Nina"' in page
    answer = accept(newcomer, url)
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/pets")
    assert newcomer.get("/p/pets").status_code == 200
    assert role_of(database, "newcomer") == "reviewer"
    assert newcomer.get("/users").status_code == 403
    assert sign_in(browser(), "newcomer", NEW).status_code == 303


def test_the_link_shows_once_and_is_kept_as_a_hash(client, world, settings):
    lena = client("lena")
    url = invite(lena, name="Nina")
    page = lena.get("/p/pets/members").text
    assert "Nina" in page
    token = url.rsplit("/", 1)[1]
    assert token not in page
    assert token.encode() not in (settings.data_dir / "winnow.db").read_bytes()


def test_somebody_with_an_account_joins_as_themselves(client, browser, world, database):
    url, mallory = invite(client("lena"), role="viewer"), client("mallory")
    assert "Join as mallory" in mallory.get(url).text
    assert mallory.post(f"{url}/accept").headers["location"] == "/p/pets"
    assert role_of(database, "mallory") == "viewer"
    assert mallory.post(f"{url}/accept").status_code == 404


def test_who_has_an_account_signs_in_on_the_way(client, browser, world):
    url, mallory = invite(client("lena")), browser()
    assert f'/sign-in?next={url}"' in mallory.get(url).text
    assert sign_in(mallory, "mallory", next=url).headers["location"] == url
    assert mallory.post(f"{url}/accept").status_code == 303


def test_an_invitation_never_takes_a_role_away(client, world, database):
    url = invite(client("lena"), role="viewer")
    assert client("alice").post(f"{url}/accept").status_code == 303
    assert role_of(database, "alice") == "reviewer"


@pytest.mark.parametrize(("who", "role", "status"), [
    ("lena", "admin", 403), ("lena", "lead", 200), ("lena", "owner", 400), ("alice", "viewer", 403),
    ("carol", "viewer", 403), ("mallory", "viewer", 404), ("root", "admin", 200),
])  # fmt: skip
def test_nobody_invites_to_more_than_they_have(client, world, who, role, status):
    assert client(who).post(INTO_PROJECT, data={"role": role}).status_code == status


def test_a_lead_makes_no_admins_of_the_server(client, world, database):
    assert client("lena").post(INTO_PROJECT, data={"is_admin": "true"}).status_code == 403
    with database.reading() as session:
        assert list(session.scalars(select(Invitation))) == []


def test_an_admin_invites_to_the_server_to_a_project_and_to_be_an_admin(client, browser, world, database):
    root = client("root")
    alone, both = invite(root, "/users/invitations"), invite(root, "/users/invitations", project="pets", role="lead")
    chief = invite(root, "/users/invitations", is_admin="true", email="Chief@Example.org ")
    assert accept(browser(), alone, "one").headers["location"] == "/"
    assert accept(browser(), both, "two").headers["location"] == "/p/pets"
    assert accept(browser(), chief, "three").status_code == 303
    assert (role_of(database, "one"), role_of(database, "two")) == (None, "lead")
    with database.reading() as session:
        found = {u.username: (u.is_admin, u.email) for u in session.scalars(select(User).where(User.id > 6))}
    assert found == {"one": (False, None), "two": (False, None), "three": (True, "chief@example.org")}


def test_the_email_that_a_lead_notes_is_nobodys(client, browser, world, database):
    """Otherwise a lead could make an account that another person's single sign-on finds."""
    accept(browser(), invite(client("lena"), email="boss@example.org"))
    with database.reading() as session:
        assert session.scalars(select(User).where(User.username == "newcomer")).one().email is None


@pytest.mark.parametrize("end", ["revoked", "too old", "inviter deactivated", "inviter demoted", "used"])
def test_a_link_ends(client, browser, world, database, end):
    url = invite(client("lena"), role="lead")
    with database.writing() as session:
        lena = session.scalars(select(User).where(User.username == "lena")).one()
        if end == "too old":
            session.execute(update(Invitation).values(expires_at=utc_now() - timedelta(seconds=1)))
        elif end == "inviter deactivated":
            lena.is_active = False
        elif end == "inviter demoted":
            session.execute(update(Member).where(Member.user_id == lena.id).values(role="reviewer"))
    if end == "revoked":
        assert client("lena").post(f"{INTO_PROJECT}/1/revoke").status_code == 303
    elif end == "used":
        assert accept(browser(), url, "first").status_code == 303
    assert browser().get(url).status_code == 404
    assert accept(browser(), url).status_code == 404
    assert client("mallory").post(f"{url}/accept").status_code == 404
    assert role_of(database, "mallory") is None


def test_nobody_revokes_what_is_not_of_their_project(client, world):
    invite(client("root"), "/users/invitations")
    assert client("lena").post(f"{INTO_PROJECT}/1/revoke").status_code == 404
    assert client("alice").post(f"{INTO_PROJECT}/1/revoke").status_code == 403
    assert client("lena").post("/users/invitations/1/revoke").status_code == 403
    assert client("root").post("/users/invitations/1/revoke").status_code == 303


def test_what_was_accepted_is_not_revoked(client, browser, world):
    accept(browser(), invite(client("lena")))
    assert client("lena").post(f"{INTO_PROJECT}/1/revoke").status_code == 409


@pytest.mark.parametrize("fields", [
    {"name": "alice"}, {"name": "x y"}, {"password": "short", "password_again": "short"}, {"password_again": "differs"},
])  # fmt: skip
def test_a_name_or_password_that_will_not_do_uses_nothing_up(client, browser, world, database, fields):
    url = invite(client("lena"))
    before = fields.pop("name", "newcomer")
    assert accept(browser(), url, before, **fields).status_code == 400
    assert accept(browser(), url).status_code == 303


@pytest.mark.parametrize("fields", [{"days": "0"}, {"days": "31"}, {"email": "no address"}, {"email": "a@b c"}])
def test_an_invitation_that_makes_no_sense_is_refused_on_its_page(client, world, fields):
    answer = client("lena").post(INTO_PROJECT, data=fields)
    assert answer.status_code == 400
    assert 'data-testid="invite-form"' in answer.text


@both_backends
def test_two_who_use_one_link_at_once_are_one(client, browser, world, database):
    url, answers = invite(client("lena")), []
    people = [(browser(), f"person{n}") for n in range(4)]
    threads = [
        threading.Thread(target=lambda c=c, n=n: answers.append(accept(c, url, n).status_code)) for c, n in people
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 404, 404, 404]
    with database.reading() as session:
        assert len(list(session.scalars(select(User).where(User.username.like("person%"))))) == 1


def test_a_program_lets_nobody_in(client, browser, world):
    page = client("root").post("/account/tokens", data={"name": "x", "scope": "manage"}).text
    token = re.search(r"wnw_[\w-]+", page).group()
    program = browser(Authorization=f"Bearer {token}")
    for path in (INTO_PROJECT, "/users/invitations", f"{INTO_PROJECT}/1/revoke"):
        assert program.post(path, data={}).status_code == 403


def test_the_record_says_who_invited_whom_to_what(client, browser, world, database):
    url = invite(client("lena"), role="reviewer", name="Nina")
    accept(browser(), url)
    invite(client("lena"), name="Otto")
    client("lena").post(f"{INTO_PROJECT}/2/revoke")
    with database.reading() as session:
        found = session.scalars(
            select(AuditEntry).where(AuditEntry.action.like("invitation_%")).order_by(AuditEntry.id)
        )
        told = [(entry.action, entry.detail.get("name"), entry.detail.get("role")) for entry in found]
    assert told == [
        ("invitation_made", "Nina", "reviewer"), ("invitation_accepted", None, "reviewer"),
        ("invitation_made", "Otto", "reviewer"), ("invitation_revoked", "Otto", None),
    ]  # fmt: skip
    assert "Nina" in client("root").get("/audit").text


# -- sessions -------------------------------------------------------------------------------------------------------


def test_the_account_lists_where_one_is_signed_in(client, browser, database):
    firefox = browser(
        **{"Sec-Fetch-Site": "same-origin", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
    )
    sign_in(firefox, "alice")
    page = client("alice").get("/account").text
    assert "Firefox 140 on Linux" in page
    assert page.count("testclient") >= 2
    assert page.count("this one") == 1


def test_all_other_sessions_end_at_once(client, browser, database):
    alice, others = client("alice"), [browser() for _ in range(3)]
    for other in others:
        sign_in(other, "alice")
    bob = client("bob")
    assert alice.post("/account/sessions/revoke-others").status_code == 303
    assert [other.get("/api/v1/me").status_code for other in others] == [401] * 3
    assert alice.get("/api/v1/me").status_code == bob.get("/api/v1/me").status_code == 200


def test_signing_in_again_ends_the_session_before(client, browser, database):
    alice = client("alice")
    before = alice.cookies["winnow_session"]
    sign_in(alice, "alice")
    assert alice.cookies["winnow_session"] != before
    with database.reading() as session:
        assert len(list(session.scalars(select(UserSession)))) == 1


def test_what_people_do_with_their_account_is_recorded(client, browser, database):
    alice, other = client("alice"), browser()
    sign_in(other, "alice")
    client("alice").post("/account/tokens", data={"name": "x"})
    alice.post("/account/tokens/1/revoke")
    with database.reading() as session:
        number = max(session.scalars(select(UserSession.id)))
    alice.post(f"/account/sessions/{number}/revoke")
    alice.post("/account/sessions/revoke-others")
    alice.post("/account/password", data={"current": PASSWORD, "new": NEW, "new_again": NEW})
    alice.post("/sign-out")
    with database.reading() as session:
        told = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert told == [
        "sign_in", "sign_in", "token_made", "token_revoked", "session_revoked", "other_sessions_revoked",
        "password_changed", "sign_out",
    ]  # fmt: skip
