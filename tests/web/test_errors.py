"""Errors have one shape, every answer has its guarding headers, and no odd value is an error of the server."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.web.security import HEADERS
from tests.fixtures.routes import address, all_routes
from tests.fixtures.world import fresh

API = "/api/v1/projects/pets"
HUGE = 10**30
NUMBERS = (
    "sample_id",
    "pair_id",
    "run_id",
    "number",
    "import_id",
    "job_id",
    "user_id",
    "bulk_id",
    "comment_id",
    "source_id",
    "manifest_id",
    "preset_id",
    "analysis_id",
    "comparison_id",
)


def check_shape(answer, status: int, code: str | None = None) -> dict:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert code in (None, body["error"]["code"])
    assert body["error"]["message"]
    return body["error"]


def test_every_error_of_the_api_has_one_shape(client, browser, filled, monkeypatch):
    alice, lena = client("alice"), client("lena")
    check_shape(client("anonymous").get(API), 401, "not_signed_in")
    check_shape(alice.get(f"{API}/imports"), 403, "not_allowed")
    check_shape(alice.get("/api/v1/projects/none"), 404, "not_found")
    check_shape(alice.get("/api/v1/no/such/address"), 404, "not_found")
    check_shape(alice.put("/api/v1/me"), 405, "method_not_allowed")
    check_shape(alice.get(f"{API}/samples?sort=magic"), 400, "invalid_input")
    check_shape(alice.post(f"{API}/reviews/undo", content="<a/>", headers={"Content-Type": "text/xml"}), 415)
    check_shape(alice.post(f"{API}/reviews/undo", json={"client_event_id": "x"}), 422, "invalid_request")
    check_shape(alice.post(f"{API}/reviews/undo", content="{", headers={"Content-Type": "application/json"}), 422)
    check_shape(alice.post(f"{API}/reviews/undo", json={"client_event_id": fresh(), "more": 1}), 422)
    check_shape(lena.post(f"{API}/versions", json={}), 409, "not_ready")
    check_shape(browser(**{"Sec-Fetch-Site": "cross-site"}).post(f"{API}/versions", json={}), 403, "cross_site")
    stale = {"client_event_id": fresh(), "base_version": 7, "decision": "keep", "manual": True}
    error = check_shape(alice.post(f"{API}/samples/{filled.ids['train/cat/0.png']}/reviews", json=stale), 409)
    assert error["details"]["current"]["decision"] == "keep"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client, world, settings):
    alice = client("alice")
    answer = alice.post(f"{API}/reviews/batch", content=b"x" * (17 << 20), headers={"Content-Type": "application/json"})
    check_shape(answer, 413, "too_large")


def test_a_body_without_a_length_has_the_same_limit(client, world):
    def parts():
        for _ in range(17):
            yield b"x" * (1 << 20)

    headers = {"Content-Type": "application/json"}
    check_shape(client("alice").post(f"{API}/reviews/batch", content=parts(), headers=headers), 413, "too_large")


@pytest.fixture
def broken(app, client, world, monkeypatch):
    """Lena, at a moment when the dashboard has a bug."""
    from app.services import dashboard

    def fail(*_: object) -> None:
        raise RuntimeError("a bug with a secret in it")

    lena = client("lena")
    monkeypatch.setattr(dashboard, "make_dashboard", fail)
    return lena


def test_a_bug_is_an_answer_without_its_details(broken):
    error = check_shape(broken.get(API), 500, "internal_error")
    assert "secret" not in str(error)
    page = broken.get("/p/pets")
    assert page.status_code == 500
    assert page.headers["content-type"].startswith("text/html")
    assert "secret" not in page.text


def test_a_bug_has_the_guarding_headers_too(broken):
    for path in (API, "/p/pets"):
        answer = broken.get(path)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_a_busy_database_is_503_and_says_when_to_come_again(app, client, world, database, monkeypatch):
    monkeypatch.setattr("app.db.session.BUSY_TIMEOUT", 200)
    alice = client("alice")
    body = {"client_event_id": fresh(), "base_version": 0, "decision": "keep", "manual": True}
    path = f"{API}/samples/{world.ids['train/cat/0.png']}/reviews"
    with app.state.wiring.database.engine.connect() as connection:  # the one that the pool hands out next
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    with database.writing() as holder:
        holder.execute(text("SELECT 1"))
        answer = alice.post(path, json=body)
        page = alice.get("/p/pets/review")
    assert check_shape(answer, 503, "busy")
    assert answer.headers["retry-after"] == page.headers["retry-after"] == "3"
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    assert "busy" in page.text
    assert alice.post(path, json=body).status_code == 200


def test_what_two_make_at_the_same_moment_is_a_conflict(client, world, monkeypatch):
    from app.services import projects

    monkeypatch.setattr(projects.repository, "find_project", lambda *_: None)
    body = {"name": "Pets", "root": str(world.root)}
    assert "same moment" in check_shape(client("root").post("/api/v1/projects", json=body), 409, "conflict")["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/p/none", 404), ("/nothing", 404), ("/users", 403), ("/p/pets/members", 403), ("/p/Pets!", 422)],
)
def test_people_get_errors_as_pages(client, world, path, status):
    answer = client("alice").get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert str(status) in answer.text


def test_a_refused_form_gets_a_page_that_says_why(client, filled):
    answer = client("lena").post("/p/pets/versions", data={})
    assert answer.status_code == 409
    assert "Undecided samples" in answer.text


def test_every_answer_has_the_guarding_headers(app, client, filled):
    numbers = {
        "slug": "pets", "sample_id": filled.ids["train/cat/0.png"], "pair_id": 1, "run_id": 1, "number": 1, "name": "x",
        "import_id": 1, "job_id": 1, "token": "x", "session_id": 1, "identity_id": 1, "invitation_id": 1,
        "token_id": 1, "user_id": 999, "view_id": 1, "source_id": 1,
        "comment_id": 1, "bulk_id": 1, "manifest_id": 1, "code": "undecided",
        "preset_id": 1,
        "analysis_id": 1,
        "comparison_id": 1,
    }  # fmt: skip
    paths = [address(route, numbers) for route in all_routes(app) if route.is_safe and "img" not in route.path]
    for who in ("anonymous", "root"):
        for path in [*paths, "/static/css/app.css", "/static/none.css", "/api/v1/openapi.json", "/no/such/page"]:
            answer = client(who).get(path)
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
            if not path.startswith("/static"):
                assert answer.headers["cache-control"] == "no-store", path


def test_a_host_name_that_is_not_ours_is_refused_with_the_guarding_headers(settings, doorbell):
    from fastapi.testclient import TestClient

    from app.main import create_app

    app = create_app(settings.model_copy(update={"allowed_hosts": ["winnow.example"]}), doorbell=doorbell)
    client = TestClient(app, follow_redirects=False)
    answer = client.get("/healthz", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert client.get("/healthz", headers={"Host": "winnow.example"}).status_code == 200
    app.state.wiring.database.dispose()


def test_a_number_beyond_what_the_database_holds_is_nothing_found_or_malformed(app, client, filled):
    numbers = dict.fromkeys(NUMBERS, HUGE)
    numbers |= {
        "slug": "pets",
        "session_id": HUGE,
        "token_id": HUGE,
        "identity_id": HUGE,
        "invitation_id": HUGE,
        "view_id": HUGE,
        "name": "x",
        "token": "x",
        "code": "x",
    }
    root, wrong = client("root"), {}
    for route in all_routes(app):
        if str(HUGE) in address(route, numbers):
            body = {} if route.is_safe else {"data": {"action": "reset"}}
            status = root.request(route.method, address(route, numbers), **body).status_code
            if status not in (400, 404, 415, 422):
                wrong[str(route)] = status
    assert wrong == {}


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "x" * 20_000, "'; DROP TABLE users; --", "%", "<script>"])
def test_odd_text_is_refused_or_kept_but_never_an_error_of_the_server(client, filled, odd):
    import json

    alice = client("alice")
    body = {"client_event_id": fresh(), "base_version": 0, "decision": "keep", "manual": True, "note": odd}
    sample = filled.ids["train/cat/3.png"]
    headers = {"Content-Type": "application/json"}
    answer = alice.post(f"{API}/samples/{sample}/reviews", content=json.dumps(body), headers=headers)
    assert answer.status_code in (200, 400, 422)
    for name in ("q", "tag", "reviewer", "cursor", "issue_type"):
        assert alice.get(f"{API}/samples", params={name: odd.encode("utf-8", "replace")}).status_code in (200, 400, 422)


def test_a_commit_that_fails_is_never_answered_with_saved(app, client, filled, monkeypatch):
    from app.db.session import Session

    alice, sample = client("alice"), filled.ids["train/cat/3.png"]
    before = len(filled.events())

    def fail(self: Session) -> None:
        raise RuntimeError("the disk went away")

    body = {"client_event_id": fresh(), "base_version": 0, "decision": "keep", "manual": True}
    with monkeypatch.context() as patch:
        patch.setattr(Session, "commit", fail)
        check_shape(alice.post(f"{API}/samples/{sample}/reviews", json=body), 500)
    assert len(filled.events()) == before
    assert alice.post(f"{API}/samples/{sample}/reviews", json=body).status_code == 200


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "empty"), (b"a,b\n", "lacks the column"), (b"\x89PNG\r\n", "not a CSV")]
)
def test_an_upload_that_is_no_export_is_told_why(client, world, data, said):
    lena = client("lena")
    sent = lena.post(
        f"{API}/imports?file_name=x.csv", content=data, headers={"Content-Type": "application/octet-stream"}
    )
    assert said in check_shape(sent, 400, "invalid_file")["message"]
    page = lena.post("/p/pets/imports", files={"file": ("x.csv", data)})
    assert page.status_code == 400
    assert said in page.text


def test_an_upload_beyond_the_limit_is_refused_with_or_without_a_length(settings, doorbell, world):
    from fastapi.testclient import TestClient

    from app.main import create_app
    from tests.fixtures.web import OWN, sign_in

    app = create_app(settings.model_copy(update={"max_upload": 1000}), doorbell=doorbell)
    lena = TestClient(app, headers=OWN, follow_redirects=False)
    sign_in(lena, "lena")
    headers = {"Content-Type": "application/octet-stream"}
    check_shape(lena.post(f"{API}/imports", content=b"x" * 1001, headers=headers), 413)
    check_shape(lena.post(f"{API}/imports", content=iter([b"x" * 600] * 2), headers=headers), 413)
    app.state.wiring.database.dispose()


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/sign-in", "/api/v1/me", "/static/css/app.css", "/api/v1/projects/pets/queue"])
def test_methods_that_nothing_answers_are_refused_and_echo_nothing(client, method, path):
    answer = client("alice").request(method, path, headers={"X-Echo": "said-by-the-client"})
    assert answer.status_code in (404, 405)
    assert "said-by-the-client" not in answer.text
