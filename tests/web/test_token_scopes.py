"""Tokens: what each scope may, on every route of the API's document; a route that nobody thought of needs the most."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from app.db.models.accounts import ApiToken
from app.domain.accounts import Scope, covers
from app.web.token_scopes import ANYWHERE, FILES, REVIEWING, needed_scope
from tests.fixtures.routes import all_routes
from tests.fixtures.world import fresh

API = "/api/v1/projects/pets"
ANSWERED = "/api/v1/projects/{slug}"
NUMBERS = {
    "slug": "pets", "sample_id": 10**9, "pair_id": 10**9, "run_id": 10**9, "number": 10**6, "name": "x",
    "import_id": 10**9, "source_id": 10**9, "manifest_id": 10**9, "preset_id": 10**9, "analysis_id": 10**9,
    "comparison_id": 10**9,
    "job_id": 10**9, "view_id": 10**9, "comment_id": 10**9, "bulk_id": 10**9,
}  # fmt: skip


def make_token(client, **fields: str) -> str:
    page = client.post("/account/tokens", data={"name": "script", **fields})
    assert page.status_code == 200, page.text
    return re.search(r"wnw_[\w-]+", page.text).group()


def script(client, browser, name: str, **fields: str):
    return browser(Authorization=f"Bearer {make_token(client(name), **fields)}")


def documented(client) -> list[tuple[str, str]]:
    """(method, path) of every operation in the API's document."""
    paths = client("anonymous").get("/api/v1/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method in item]


def fill(path: str) -> str:
    for name, value in NUMBERS.items():
        path = path.replace(f"{{{name}}}", str(value))
    assert "{" not in path, f"give {path} a value in the test"
    return path


@pytest.mark.parametrize("scope", list(Scope))
def test_every_route_of_the_document_refuses_a_token_whose_scope_is_not_enough(client, browser, world, scope):
    program, wrong = script(client, browser, "root", scope=scope.value), {}
    for method, path in documented(client):
        if path in ("/healthz", "/readyz"):
            continue
        # By the rule itself, not by the table: looking reads, all else manages, but for what reviewers do.
        needed = Scope.READ if method == "GET" else Scope.MANAGE
        if f"{method} {path}" in REVIEWING:
            needed = Scope.REVIEW
        sent = {} if method == "GET" else {"content": "{}", "headers": {"Content-Type": "application/json"}}
        answer = program.request(method, fill(path), **sent)
        refused = answer.status_code == 403 and "needs a token that may" in answer.text
        if refused is covers(scope, needed):
            wrong[f"{method} {path}"] = answer.status_code
    assert wrong == {}


def test_a_route_that_nobody_named_needs_the_most_or_takes_no_token():
    assert needed_scope("POST", "/api/v1/projects/{slug}/something/new") is Scope.MANAGE
    assert needed_scope("DELETE", "/api/v1/something") is Scope.MANAGE
    assert needed_scope("PATCH", "/api/v1/something") is Scope.MANAGE
    assert needed_scope("GET", "/something/new") is None
    assert needed_scope("POST", "/something/new") is None
    assert needed_scope("GET", "") is None


def test_what_the_tables_name_exists(app):
    routes = {str(route) for route in all_routes(app)}
    assert routes >= REVIEWING
    assert routes >= FILES
    assert routes >= ANYWHERE


@pytest.mark.parametrize("scope", list(Scope))
def test_pages_are_for_people(app, client, browser, world, scope):
    program = script(client, browser, "root", scope=scope.value)
    for route in all_routes(app):
        by_token = route.path.startswith("/api/") or str(route) in FILES
        if route.is_safe and not by_token and "{" not in route.path and route.path not in ("/healthz", "/readyz"):
            assert program.get(route.path).status_code in (303, 403) or route.path.startswith("/sign-"), route.path


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("review", 200), ("manage", 200)])
def test_the_express_lane_asks_for_the_same_scope(client, browser, filled, scope, status):
    program, number = script(client, browser, "alice", scope=scope), filled.ids["train/cat/3.png"]
    assert program.get("/api/v1/me").status_code == 200  # from now on its use is noted: the lane takes it
    body = {"client_event_id": fresh(), "base_version": 0, "decision": "keep", "manual": True}
    for _ in range(2):
        assert program.post(f"{API}/samples/{number}/reviews", json=body).status_code == status
        assert program.get(f"{API}/queue?counts=false").status_code == status
        assert program.get(f"{API}/samples?count=false").status_code == 200


def test_a_token_never_does_more_than_its_owner(client, browser, world):
    carol = script(client, browser, "carol", scope="manage")
    assert carol.get(f"{API}/queue").status_code == 403
    assert carol.post(f"{API}/listing").status_code == 403


def test_a_token_of_one_project_sees_no_other(client, browser, filled):
    root, number = client("root"), filled.ids["train/cat/0.png"]
    assert root.post("/api/v1/projects", json={"name": "Other", "root": str(filled.root)}).status_code == 201
    inside = script(client, browser, "root", scope="manage", project="pets")
    outside = script(client, browser, "root", scope="manage", project="other")
    for _ in range(2):  # the first use goes the ordinary way, the second by the express lane
        for path in (API, f"{API}/samples?count=false", f"/img/{number}/thumb", f"{API}/queue?counts=false"):
            assert inside.get(path).status_code == 200, path
            assert outside.get(path).status_code == 404, path
    assert [row["slug"] for row in inside.get("/api/v1/projects").json()["items"]] == ["pets"]
    for path in ("/api/v1/jobs", "/metrics", "/audit.csv"):
        assert inside.get(path).status_code == 403, path
    assert inside.post("/api/v1/projects", json={"name": "More", "root": str(filled.root)}).status_code == 403
    assert outside.get(f"/api/v1/jobs/{1}").status_code == 404
    assert inside.get("/api/v1/me").json()["username"] == "root"


def test_nobody_makes_a_token_for_a_project_that_is_hidden_from_them(client, world):
    answer = client("mallory").post("/account/tokens", data={"name": "x", "scope": "read", "project": "pets"})
    assert answer.status_code == 404
    assert "no project &#39;pets&#39;" in answer.text


@pytest.mark.parametrize(
    "fields", [{"scope": "root"}, {"scope": "read review"}, {"days": "0"}, {"days": "-1"}, {"days": "9999"}]
)
def test_a_token_that_makes_no_sense_is_refused(client, fields):
    answer = client("alice").post("/account/tokens", data={"name": "script", **fields})
    assert answer.status_code == 400


def test_a_token_reads_alone_unless_more_is_asked_for(client, browser, database):
    program = script(client, browser, "alice")
    assert program.get("/api/v1/me").status_code == 200
    with database.reading() as session:
        assert session.scalars(select(ApiToken.scope)).one() == "read"


def test_a_token_from_before_there_were_scopes_is_one_that_manages(client, browser, database, world):
    program = script(client, browser, "lena")
    assert program.post(f"{API}/listing").status_code == 403
    with database.writing() as session:
        session.execute(update(ApiToken).values(scope="manage"))
    assert program.post(f"{API}/listing").status_code == 202
