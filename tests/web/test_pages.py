"""Every page renders, on a project without anything and on a full one; the API's document is right."""

from __future__ import annotations

import re

import pytest

from app.db.repositories.leaks import list_runs
from app.services import leak_runs
from app.web.render import STATIC
from tests.fixtures.bulk import draw
from tests.fixtures.manifests import sent_back
from tests.fixtures.routes import address, all_routes
from tests.fixtures.world import World


def check_pages(app, client, world: World, names: list[str], **numbers: object) -> None:
    given = {
        "slug": world.slug,
        "token": "x",
        "import_id": 1,
        "sample_id": 1,
        "code": "undecided",
        "source_id": 1,
        "job_id": 1,
        **numbers,
    }
    for route in all_routes(app):
        if not route.is_safe or route.is_json or "{token}" in route.path or route.path == "/healthz":
            continue
        if ("/versions/" in route.path or "{code}" in route.path) and "number" not in numbers:
            continue  # nothing is frozen yet
        if route.path.endswith("/changes"):
            continue  # it takes two versions: tests/web/test_versions.py
        if "{manifest_id}" in route.path and "manifest_id" not in numbers:
            continue  # nothing was sent back yet
        if "{analysis_id}" in route.path and "analysis_id" not in numbers:
            continue  # nothing was analysed: tests/web/test_analyses_page.py
        if "{comparison_id}" in route.path:
            continue  # nothing was trained: tests/web/test_training_comparisons.py
        if "{bulk_id}" in route.path and "bulk_id" not in numbers:
            continue  # nothing can be drawn yet
        for name in names:
            answer = client(name).get(address(route, given))
            # Where the role is not enough, the error page has to render.
            fine = (200, 303) if name == "root" else (200, 303, 403)
            assert answer.status_code in fine, (name, str(route), answer.text[:300])
            assert "None</" not in answer.text, str(route)
            assert "<script>alert" not in answer.text
            assert "<b>looks</b>" not in answer.text


def test_every_page_renders_on_a_full_project(app, client, filled):
    given = {
        "sample_id": filled.ids["train/cat/0.png"],
        "bulk_id": draw(filled),
        "manifest_id": sent_back(filled),
        "number": 1,
    }
    check_pages(app, client, filled, ["root", "lena", "alice", "carol"], **given)


def test_every_page_renders_before_anything_was_imported(app, client, world):
    waiting = world.send("a,train/cat/0.png,cat,mislabel,0.9,dog,x")
    check_pages(app, client, world, ["root"], sample_id=world.ids["train/cat/0.png"], import_id=waiting)


def test_pages_render_while_the_images_are_being_listed(client, new_world):
    root = client("root")
    for path in (
        "",
        "/review",
        "/samples",
        "/leaks",
        "/leaks/pairs",
        "/bulk",
        "/conflicts",
        "/imports",
        "/finish",
        "/members",
    ):
        assert root.get(f"/p/pets{path}").status_code == 200, path


def test_filters_that_forms_send_empty_count_as_not_given(client, filled):
    alice = client("alice")
    query = "issue_type=&given_label=&split=&min_confidence=&max_confidence="
    assert alice.get(f"/p/pets/review?{query}").status_code == 200
    assert alice.get("/p/pets/samples?issue_type=&decision=&state=&tag=&reviewer=&q=&sort=&cursor=").status_code == 200
    assert alice.get("/p/pets/leaks/pairs?verdict=&method=&run=&min_similarity=").status_code == 200


def test_the_document_of_the_api_lists_every_route_of_it(app, client):
    document = client("anonymous").get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.")
    listed = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert {str(route) for route in all_routes(app) if route.path.startswith("/api/")} <= listed
    names = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))
    for schema in references(document):
        assert schema.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def references(node: object) -> list[str]:
    if isinstance(node, dict):
        return [v for k, v in node.items() if k == "$ref"] + [r for v in node.values() for r in references(v)]
    return [r for v in node for r in references(v)] if isinstance(node, list) else []


@pytest.mark.parametrize("path", ["/", "/account"])
def test_people_without_a_project_get_their_pages(client, path):
    assert client("mallory").get(path).status_code == 200


def test_a_lead_sets_the_rules_that_the_page_shows(client, world):
    page = client("lena").get("/p/pets/members").text
    assert "Save the rules" in page
    assert '<fieldset class="form" disabled>' not in page
    assert 'data-testid="add-member"' not in page


def test_the_leaks_page_adds_a_run_up(client, scored_run):
    _, run_id = scored_run
    page = client("carol").get("/p/pets/leaks").text
    for part in ("score-bars", "transforms", "class-matrix"):
        assert f'data-testid="{part}"' in page
    assert f"/p/pets/leaks/pairs?run={run_id}&amp;verdict=&amp;transform=mirrored" in page
    assert f"/leaks/runs/{run_id}/groups.csv" in page
    assert f"/leaks/runs/{run_id}/report.csv?include_rejected=1" in page
    assert client("carol").get(f"/p/pets/leaks?run={run_id}").text.count('data-testid="overview"') == 1
    assert client("carol").get("/p/pets/leaks?run=999").status_code == 404


def test_rejected_candidates_come_with_the_report_on_request(client, scored_run):
    _, run_id = scored_run
    address = f"/api/v1/projects/pets/leaks/runs/{run_id}/report.csv"
    plain, whole = (client("carol").get(address + query).text for query in ("", "?include_rejected=1"))
    assert "rejected_by_verification" not in plain
    assert whole.count("rejected_by_verification") == 2
    assert ",0.9700,mirrored," in plain


def test_the_list_of_pairs_tells_and_filters_score_and_transform(client, scored_run):
    pairs = client("carol").get("/api/v1/projects/pets/leaks/pairs?transform=mirrored&min_score=0.9").json()["items"]
    assert [(p["score"], p["transform"], p["transform_words"]) for p in pairs] == [(0.97, "mirrored", "mirrored")]
    assert pairs[0]["described"] == "0.97, mirrored: almost surely the same shot"
    assert pairs[0]["group"]["size"] == 2
    page = client("carol").get("/p/pets/leaks/pairs?verdict=&transform=mirrored&min_score=0.9").text
    assert '<option value="mirrored" selected>' in page
    assert 'name="min_score" min="0" max="1" step="any" value="0.9"' in page
    assert client("carol").get("/api/v1/projects/pets/leaks/pairs?min_score=2").status_code == 400


def test_a_run_is_started_with_the_parameters_of_verification(client, world):
    page = client("lena").get("/p/pets/leaks").text
    for method in ("exact", "perceptual", "verified"):
        assert f'value="{method}" checked' in page
    assert 'value="semantic" checked' not in page
    form = {"methods": ["exact", "verified"], "min_score": "0.5", "smallest_crop": "0.25"}
    assert client("lena").post("/p/pets/leaks", data=form).status_code == 303
    assert client("lena").post("/p/pets/leaks", data={**form, "min_score": "much"}).status_code == 400
    body = {"methods": ["verified"], "min_score": 0.4, "smallest_crop": 0.3}
    assert client("lena").post("/api/v1/projects/pets/leaks/runs", json=body).status_code == 202
    with world.reading() as (session, access):
        found = [leak_runs.params_of(run) for run in list_runs(session, access.id)]
    assert [(p.methods, p.min_score, p.smallest_crop) for p in found] == [
        (("verified",), 0.4, 0.3), (("exact", "verified"), 0.5, 0.25),
    ]  # fmt: skip


def test_the_pattern_page_has_every_component_in_both_themes(client):
    page = client("carol").get("/patterns").text
    shown = re.findall(r'data-pattern="([a-z]+)"', page)
    assert sorted(shown) == sorted(path.stem for path in (STATIC / "css" / "components").glob("*.css"))
    assert page.count('class="pattern is-light"') == page.count('class="pattern is-dark"') == len(shown) - 4
