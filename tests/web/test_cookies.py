"""Cookies and headers on every route, over plain HTTP and over HTTPS, whatever the answer is."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.web.security import HEADERS
from tests.fixtures.routes import all_routes
from tests.fixtures.web import OWN, sign_in

NUMBERS = {
    "slug": "pets", "sample_id": "1", "name": "x", "token": "x", "code": "undecided",
}  # fmt: skip
OTHERS = ("/static/css/app.css", "/static/none.css", "/api/v1/openapi.json", "/no/such/page")


@pytest.fixture(params=[False, True], ids=["http", "https"])
def served(settings, doorbell, world, request):
    given = {"secure_cookies": request.param, "oidc_issuer": "http://127.0.0.1:9", "oidc_client_id": "winnow"}
    app = create_app(settings.model_copy(update=given), doorbell=doorbell)
    yield app, request.param
    app.state.wiring.pictures.close()
    app.state.wiring.database.dispose()


def browser(app, is_secure: bool) -> TestClient:
    base = "https://testserver" if is_secure else "http://testserver"
    return TestClient(app, base_url=base, headers=OWN, follow_redirects=False, raise_server_exceptions=False)


def fill(path: str) -> str:
    for name, value in NUMBERS.items():
        path = path.replace(f"{{{name}}}", value)
    while "{" in path:
        path = path[: path.index("{")] + "999999" + path[path.index("}") + 1 :]
    return path


def cookies_of(answer) -> list:
    found = []
    for header in answer.headers.get_list("set-cookie"):
        found += list(SimpleCookie(header).values())
    return found


def is_guarded(cookie, is_secure: bool) -> bool:
    fine = bool(cookie["httponly"]) and cookie["samesite"].lower() == "lax" and cookie["path"] == "/"
    fine = fine and not cookie["domain"] and bool(cookie["secure"]) is is_secure
    return fine and cookie.key.startswith("__Host-") is is_secure


def test_every_answer_of_every_route_is_guarded(served):
    app, is_secure = served
    root, wrong, seen = browser(app, is_secure), [], 0
    entered = sign_in(root, "root")
    assert [cookie.key for cookie in cookies_of(entered)] == [
        "__Host-winnow_session" if is_secure else "winnow_session"
    ]
    wrong += [cookie.OutputString() for cookie in cookies_of(entered) if not is_guarded(cookie, is_secure)]
    asked = [(route.method, fill(route.path), route) for route in all_routes(app)]
    asked += [("GET", path, None) for path in OTHERS] + [("TRACE", "/", None), ("PUT", "/sign-in", None)]
    for client in (browser(app, is_secure), root):
        for method, path, route in asked:
            if client is root and path == "/sign-out":
                continue
            body = {} if route is None or route.is_safe else {("json" if route.is_json else "data"): {}}
            answer = client.request(method, path, **body)
            seen += 1
            allowed = {**HEADERS, "Content-Security-Policy": answer.headers.get("content-security-policy", "")}
            given = {name: answer.headers.get(name) for name in HEADERS}
            is_picture = path.startswith("/img/") and answer.status_code == 200
            if (
                given != (allowed if is_picture else HEADERS)
                or "default-src 'none'" not in allowed["Content-Security-Policy"]
            ):
                wrong.append((method, path, answer.status_code, "headers"))
            if any(name.startswith("access-control-") for name in answer.headers):
                wrong.append((method, path, "cors"))
            if ("strict-transport-security" in answer.headers) is not is_secure:
                wrong.append((method, path, "hsts"))
            for cookie in cookies_of(answer):
                if not is_guarded(cookie, is_secure):
                    wrong.append((method, path, cookie.OutputString()))
    assert wrong == []
    assert seen > 2 * 120
