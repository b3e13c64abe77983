"""Who may do what, route by route. A route that is missing in the table fails: nothing is open by oversight."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.db.base import Base
from app.db.models.leaks import LeakPair
from app.domain.accounts import Role, may
from tests.fixtures.bulk import draw
from tests.fixtures.manifests import sent_back
from tests.fixtures.people import ROLES
from tests.fixtures.routes import Route, address, all_routes

PUBLIC, SIGNED_IN, ADMIN = "public", "signed in", "admin of the server"
VIEWER, REVIEWER, LEAD, PROJECT_ADMIN = Role.VIEWER, Role.REVIEWER, Role.LEAD, Role.ADMIN

API, PAGE = "/api/v1/projects/{slug}", "/p/{slug}"

EXPECTED = {
    "GET /healthz": PUBLIC, "GET /readyz": PUBLIC, "GET /metrics": ADMIN,
    "GET /sign-in": PUBLIC, "POST /sign-in": PUBLIC, "POST /sign-out": PUBLIC,
    "GET /welcome/{token}": PUBLIC, "POST /welcome/{token}": PUBLIC,
    "GET /patterns": SIGNED_IN, "GET /compare": SIGNED_IN,
    "GET /api/v1/comparison": SIGNED_IN, "GET /api/v1/comparison/table.csv": SIGNED_IN,
    "GET /api/v1/comparison/report.html": SIGNED_IN,
    "GET /": SIGNED_IN, "GET /account": SIGNED_IN, "GET /api/v1/me": SIGNED_IN, "GET /api/v1/projects": SIGNED_IN,
    "POST /account/password": SIGNED_IN, "POST /account/tokens": SIGNED_IN,
    "POST /account/sessions/{session_id}/revoke": SIGNED_IN, "POST /account/tokens/{token_id}/revoke": SIGNED_IN,
    "POST /account/sessions/revoke-others": SIGNED_IN, "POST /account/identities/{identity_id}/remove": SIGNED_IN,
    "GET /account/oidc": SIGNED_IN, "GET /sign-in/oidc": PUBLIC, "GET /sign-in/oidc/callback": PUBLIC,
    "GET /sign-out/oidc": PUBLIC, "GET /invitation/{token}": PUBLIC, "POST /invitation/{token}": PUBLIC,
    "POST /invitation/{token}/accept": SIGNED_IN, "POST /users/invitations/{invitation_id}/revoke": ADMIN,
    f"POST {PAGE}/invitations": LEAD, f"POST {PAGE}/invitations/{{invitation_id}}/revoke": LEAD,
    "GET /users": ADMIN, "POST /users/invitations": ADMIN, "POST /users/{user_id}": ADMIN,
    "GET /audit": ADMIN, "GET /audit.csv": ADMIN,
    "GET /jobs": ADMIN, "GET /api/v1/jobs": ADMIN, "GET /api/v1/workers": ADMIN,
    "GET /jobs/{job_id}": VIEWER, "GET /api/v1/jobs/{job_id}/parts": VIEWER,
    "GET /projects/new": ADMIN, "POST /projects/new": ADMIN, "POST /api/v1/projects": ADMIN,
    "GET /api/v1/jobs/{job_id}": VIEWER, "POST /api/v1/jobs/{job_id}/cancel": LEAD,
    "GET /img/{sample_id}": VIEWER, "GET /img/{sample_id}/thumb": VIEWER,
    f"GET {API}": VIEWER, f"GET {PAGE}": VIEWER,
    f"GET {API}/progress": VIEWER, f"GET {PAGE}/progress": VIEWER, f"GET {PAGE}/agreement/figures": VIEWER,
    f"GET {API}/listing": VIEWER, f"GET {API}/listing/passed-over.csv": VIEWER,
    f"GET {PAGE}/passed-over.csv": VIEWER, f"POST {API}/listing": LEAD, f"POST {PAGE}/listing": LEAD,
    f"GET {API}/samples": VIEWER, f"GET {API}/samples/{{sample_id}}": VIEWER, f"GET {PAGE}/samples": VIEWER,
    f"GET {API}/leaks/pairs": VIEWER, f"GET {API}/leaks/runs": VIEWER,
    f"GET {API}/leaks/runs/{{run_id}}/report.csv": VIEWER, f"GET {API}/leaks/runs/{{run_id}}/summary.txt": VIEWER,
    f"GET {API}/leaks/runs/{{run_id}}/problems.csv": VIEWER, f"GET {API}/leaks/runs/{{run_id}}/groups.csv": VIEWER,
    f"GET {PAGE}/leaks": VIEWER, f"GET {PAGE}/leaks/pairs": VIEWER,
    f"GET {API}/versions": VIEWER, f"GET {API}/versions/{{number}}": VIEWER, f"GET {PAGE}/finish": VIEWER,
    f"GET {API}/versions/{{number}}/deliverables.zip": VIEWER, f"GET {API}/versions/{{number}}/files/{{name}}": VIEWER,
    f"GET {API}/queue": REVIEWER, f"DELETE {API}/queue": REVIEWER,
    f"GET {PAGE}/review": REVIEWER, f"GET {PAGE}/review/{{sample_id}}": REVIEWER,
    f"GET {API}/agreement": REVIEWER, f"GET {PAGE}/agreement": REVIEWER,
    f"GET {API}/mentions": REVIEWER, f"GET {PAGE}/mentions": REVIEWER, f"POST {PAGE}/mentions/read": REVIEWER,
    f"GET {API}/samples/{{sample_id}}/comments": REVIEWER, f"POST {API}/samples/{{sample_id}}/comments": REVIEWER,
    f"POST {API}/samples/{{sample_id}}/comments/read": REVIEWER,
    f"POST {API}/comments/{{comment_id}}/withdraw": REVIEWER,
    f"GET {PAGE}/checks": LEAD, f"POST {PAGE}/checks": LEAD, f"POST {PAGE}/checks/{{sample_id}}/remove": LEAD,
    f"GET {API}/conflicts": REVIEWER, f"GET {PAGE}/conflicts": REVIEWER,
    f"POST {API}/samples/{{sample_id}}/reviews": REVIEWER, f"POST {API}/reviews/batch": REVIEWER,
    f"GET {API}/groups": VIEWER, f"POST {API}/groups/decisions": REVIEWER,
    f"POST {API}/groups/leaks/decisions": REVIEWER, f"POST {API}/groups/leaks/undo": REVIEWER,
    f"GET {PAGE}/groups": VIEWER,
    f"GET {API}/views": VIEWER, f"POST {API}/views": VIEWER, f"DELETE {API}/views/{{view_id}}": VIEWER,
    f"POST {PAGE}/views": VIEWER, f"POST {PAGE}/views/{{view_id}}/delete": VIEWER, f"GET {PAGE}/grid": VIEWER,
    f"GET {API}/samples/states": VIEWER, f"POST {API}/reviews/selection": REVIEWER,
    f"POST {API}/reviews/undo": REVIEWER, f"POST {API}/reviews/redo": REVIEWER,
    f"POST {API}/leaks/pairs/{{pair_id}}/verdicts": REVIEWER,
    f"POST {API}/samples/{{sample_id}}/adjudication": LEAD,
    f"GET {API}/bulk": REVIEWER, f"GET {API}/bulk/strata": REVIEWER, f"GET {API}/bulk/{{bulk_id}}": REVIEWER,
    f"POST {API}/bulk": REVIEWER, f"POST {API}/bulk/{{bulk_id}}/apply": LEAD,
    f"POST {API}/bulk/{{bulk_id}}/revoke": LEAD,
    f"GET {PAGE}/bulk": REVIEWER, f"GET {PAGE}/bulk/new": REVIEWER, f"GET {PAGE}/bulk/{{bulk_id}}": REVIEWER,
    f"POST {PAGE}/bulk": REVIEWER, f"POST {PAGE}/bulk/{{bulk_id}}/apply": LEAD,
    f"POST {PAGE}/bulk/{{bulk_id}}/revoke": LEAD,
    f"GET {API}/imports": LEAD, f"POST {API}/imports": LEAD, f"GET {API}/imports/{{import_id}}": LEAD,
    f"GET {API}/imports/{{import_id}}/rejects.csv": LEAD,
    f"GET {API}/flags": VIEWER, f"GET {API}/flags.csv": VIEWER, f"GET {API}/manifest.csv": LEAD,
    f"GET {API}/manifests": LEAD, f"POST {API}/manifests": LEAD, f"GET {API}/manifests/{{manifest_id}}": LEAD,
    f"GET {API}/manifests/{{manifest_id}}/differences.csv": LEAD,
    f"POST {API}/manifests/{{manifest_id}}/apply": LEAD, f"POST {API}/manifests/{{manifest_id}}/discard": LEAD,
    f"GET {PAGE}/manifests": LEAD, f"POST {PAGE}/manifests": LEAD, f"GET {PAGE}/manifests/{{manifest_id}}": LEAD,
    f"POST {PAGE}/manifests/{{manifest_id}}/apply": LEAD, f"POST {PAGE}/manifests/{{manifest_id}}/discard": LEAD,
    f"GET {PAGE}/imports": LEAD, f"POST {PAGE}/imports": LEAD, f"GET {PAGE}/imports/{{import_id}}": LEAD,
    f"GET {API}/imports/{{import_id}}/columns": LEAD, f"POST {API}/imports/{{import_id}}/mapping": LEAD,
    f"GET {API}/imports/{{import_id}}/preview": LEAD, f"POST {API}/imports/{{import_id}}/preview": LEAD,
    f"POST {API}/imports/{{import_id}}/apply": LEAD, f"POST {API}/imports/{{import_id}}/discard": LEAD,
    f"GET {API}/import-presets": LEAD, f"POST {API}/import-presets": LEAD,
    f"DELETE {API}/import-presets/{{preset_id}}": LEAD, f"POST {PAGE}/import-presets/{{preset_id}}/delete": LEAD,
    f"GET {PAGE}/imports/{{import_id}}/mapping": LEAD, f"POST {PAGE}/imports/{{import_id}}/mapping": LEAD,
    f"POST {PAGE}/imports/{{import_id}}/preview": LEAD, f"POST {PAGE}/imports/{{import_id}}/apply": LEAD,
    f"POST {PAGE}/imports/{{import_id}}/discard": LEAD,
    f"GET {API}/analyses": LEAD, f"POST {API}/analyses": LEAD, f"GET {API}/analyses/{{analysis_id}}": LEAD,
    f"GET {API}/analyses/{{analysis_id}}/problems.csv": LEAD,
    f"POST {API}/analyses/files": LEAD, f"POST {API}/analyses/picks": LEAD,
    f"POST {API}/analyses/{{analysis_id}}/thresholds": LEAD, f"GET {API}/analyses/{{analysis_id}}/map": LEAD,
    f"POST {PAGE}/analyses/{{analysis_id}}/thresholds": LEAD, f"GET {PAGE}/analyses/{{analysis_id}}/map": LEAD,
    f"GET {PAGE}/analyses": LEAD, f"POST {PAGE}/analyses": LEAD,
    f"GET {API}/comparisons": VIEWER, f"POST {API}/comparisons": LEAD,
    f"GET {API}/comparisons/{{comparison_id}}": VIEWER, f"POST {API}/comparisons/{{comparison_id}}/cancel": LEAD,
    f"GET {API}/comparisons/{{comparison_id}}/results": VIEWER,
    f"GET {API}/comparisons/{{comparison_id}}/files/{{name}}": VIEWER,
    f"GET {API}/comparisons/{{comparison_id}}/files.zip": VIEWER,
    f"GET {PAGE}/comparisons": VIEWER, f"POST {PAGE}/comparisons": LEAD,
    f"GET {PAGE}/comparisons/{{comparison_id}}": VIEWER,
    f"POST {PAGE}/classes": LEAD, f"POST {API}/leaks/runs": LEAD, f"POST {PAGE}/leaks": LEAD,
    f"POST {API}/versions": LEAD, f"POST {PAGE}/versions": LEAD,
    f"GET {PAGE}/finish/checks/{{code}}": VIEWER, f"GET {PAGE}/versions/{{number}}": VIEWER,
    f"GET {API}/versions/{{number}}/changes": VIEWER, f"GET {API}/versions/{{number}}/changes.csv": VIEWER,
    f"GET {PAGE}/versions/{{number}}/changes": VIEWER,
    f"POST {API}/versions/{{number}}/archive": LEAD, f"POST {PAGE}/versions/{{number}}/archive": LEAD,
    f"POST {API}/versions/{{number}}/files": LEAD, f"POST {PAGE}/versions/{{number}}/files": LEAD,
    f"GET {API}/sources": VIEWER, f"POST {API}/sources": ADMIN, f"POST {API}/sources/{{source_id}}/move": ADMIN,
    f"GET {PAGE}/sources": LEAD, f"POST {PAGE}/sources": ADMIN, f"POST {PAGE}/sources/{{source_id}}/move": ADMIN,
    f"GET {API}/classes": VIEWER, f"POST {API}/classes/titles": LEAD, f"POST {PAGE}/classes/titles": LEAD,
    f"GET {PAGE}/members": LEAD, f"POST {PAGE}/policies": LEAD, f"POST {PAGE}/members": PROJECT_ADMIN,
}  # fmt: skip

CHANGES_WHO_ASKS = {"POST /sign-in", "POST /sign-out"}


@pytest.fixture
def numbers(filled) -> dict[str, object]:
    """What to put into addresses: things of the project that exist."""
    with filled.database.reading() as session:
        pair = session.scalar(select(func.min(LeakPair.id)))
    return {
        "slug": "pets", "sample_id": filled.ids["train/cat/0.png"], "pair_id": pair, "run_id": 1, "number": 1,
        "name": "pets_removal_list.txt", "import_id": 1, "job_id": 2, "token": "nothing", "session_id": 999,
        "identity_id": 999, "analysis_id": 999, "comparison_id": 999, "invitation_id": 999, "preset_id": 999,
        "token_id": 999, "user_id": 999, "view_id": 999, "comment_id": 999, "bulk_id": draw(filled),
        "code": "undecided", "manifest_id": sent_back(filled), "source_id": 1,
    }  # fmt: skip


BODIES = {"POST /api/v1/projects": {"name": "Another", "root": "/nowhere"}}
"""Where the body is looked at before the role; elsewhere an empty one tells enough."""


def ask(client, route: Route, numbers, **options):
    if not route.is_safe:
        options.setdefault("json" if route.is_json else "data", BODIES.get(str(route), {}))
    return client.request(route.method, address(route, numbers), **options)


def expected(name: str, needed: object) -> set[int] | None:
    """Statuses with which this person is refused; None when they are let in."""
    if needed in (PUBLIC, SIGNED_IN) or name == "root":
        return None
    if needed == ADMIN:
        return {403}
    if name == "mallory":
        return {404}
    return None if may(ROLES[name], Role(needed)) else {403}


def rows(filled) -> dict[str, int]:
    with filled.database.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in ("sessions", "audit_entries", "leases", "known_addresses")
        }


def test_the_table_names_every_route(app):
    assert sorted(EXPECTED) == [str(route) for route in all_routes(app)]


@pytest.mark.parametrize("name", [*ROLES, "root", "mallory"])
def test_each_role_gets_what_it_may_and_no_more(app, client, filled, numbers, name):
    before, wrong = rows(filled), {}
    for route in all_routes(app):
        needed = EXPECTED[str(route)]
        if str(route) in CHANGES_WHO_ASKS or "999" in address(route, numbers) or "nothing" in address(route, numbers):
            continue
        status = ask(client(name), route, numbers).status_code
        refused = expected(name, needed)
        fine = status in refused if refused else status < 500 and status not in (401, 403, 404, 405)
        if not fine:
            wrong[str(route)] = status
    assert wrong == {}
    if name in ("mallory", "carol"):
        assert rows(filled) == before


def test_nobody_who_is_not_signed_in_gets_anything(app, client, filled, numbers):
    before, wrong = rows(filled), {}
    for route in all_routes(app):
        if EXPECTED[str(route)] == PUBLIC:
            continue
        answer = ask(client("anonymous"), route, numbers)
        to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
        if not (answer.status_code == 401 or (to_sign_in and not route.is_json)):
            wrong[str(route)] = answer.status_code
    assert wrong == {}
    assert rows(filled) == before


def test_an_outsider_cannot_tell_a_hidden_thing_from_none(client, filled, numbers):
    mallory = client("mallory")
    hidden, none = numbers["sample_id"], 10**6
    for path in ("/img/{}", "/img/{}/thumb", "/api/v1/projects/pets/samples/{}"):
        real, made_up = (mallory.get(path.format(number)) for number in (hidden, none))
        assert real.status_code == made_up.status_code == 404
        assert real.text.replace(str(hidden), "N") == made_up.text.replace(str(none), "N")


# -- requests that another site made the browser send ---------------------------------------------------------------

FOREIGN = {
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "foreign origin": {"Origin": "https://evil.example"},
    "origin null": {"Origin": "null"},
    "neither header": {},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_a_request_from_another_site_changes_nothing(app, client, browser, filled, numbers, headers):
    from app.db.models.accounts import UserSession

    root = client("root")
    forged = browser(**{"X-Nothing": "1", **headers})
    forged.cookies.update(root.cookies)
    before, wrong = rows(filled), {}
    for route in all_routes(app):
        if not route.is_safe and ask(forged, route, numbers).status_code != 403:
            wrong[str(route)] = ask(forged, route, numbers).status_code
    assert wrong == {}
    assert rows(filled) == before
    with filled.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(UserSession)) == 1
    assert root.get("/api/v1/me").status_code == 200


def test_a_request_from_our_own_origin_is_let_in(client, browser, filled):
    own = browser(Origin="http://testserver")
    own.cookies.update(client("alice").cookies)
    assert own.delete("/api/v1/projects/pets/queue").status_code == 204


def test_nobody_is_signed_in_by_another_site(browser):
    from tests.fixtures.web import sign_in

    assert sign_in(browser(**{"Sec-Fetch-Site": "cross-site"}), "alice").status_code == 403
