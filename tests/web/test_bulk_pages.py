"""Bulk with proof over HTTP: pages and REST, by hand of a lead and of a reviewer."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import event

from tests.fixtures.bulk import look_at_all
from tests.fixtures.world import World
from tests.services.test_bulk import KEYS, others, states

API, PAGE = "/api/v1/projects/pets/bulk", "/p/pets/bulk"


@pytest.fixture
def flagged(world: World) -> World:
    world.flag(*KEYS, suggested="cat", falling=False)
    return world


def body(**given: object) -> dict[str, object]:
    return {"client_event_id": str(uuid.uuid4()), **given}


def hidden(page: str, name: str, form: str) -> str:
    """The value of a hidden field of one of a page's forms."""
    inside = re.search(rf'data-testid="{form}".*?</form>', page, re.DOTALL)
    assert inside, page
    found = re.search(rf'name="{name}" value="([^"]*)"', inside[0])
    assert found, inside[0]
    return found[1]


def test_by_rest_from_the_ranking_to_the_end(flagged: World, client):
    alice, lena = client("alice"), client("lena")
    first = alice.get(f"{API}/strata").json()["items"][0]
    assert (first["issue_type"], first["open"], first["looks"]) == ("mislabel", 12, 12)
    asked = body(filters=first["filters"], decision="remove", width=0.6, seed=5)
    made = alice.post(API, json=asked)
    assert made.status_code == 201, made.text
    again = alice.post(API, json=asked).json()
    assert again == made.json()
    assert (made.json()["bulk"]["remaining"], len(made.json()["looks"])) == (2, 10)
    assert alice.post(f"{API}/1/apply", json=body()).status_code == 403
    early = lena.post(f"{API}/1/apply", json=body())
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_ready")
    look_at_all(flagged, 1)
    stale = lena.post(f"{API}/1/apply", json=body(decided=9, agreeing=9))
    assert (stale.status_code, stale.json()["error"]["details"]["decided"]) == (409, 10)
    applied = lena.post(f"{API}/1/apply", json=body(decided=10, agreeing=10))
    assert (applied.status_code, applied.json()["bulk"]["state"]) == (202, "applying")
    assert applied.json()["bulk"]["job"]["state"] == "queued"
    flagged.work()
    assert states(flagged, others(flagged)) == {("resolved", "remove", "bulk")}
    shown = alice.get(f"{API}/1").json()["bulk"]
    assert (shown["state"], shown["settled"], shown["applied"]["by"]) == ("applied", 2, "lena")
    assert lena.post(f"{API}/1/revoke", json=body(reason="")).status_code == 422
    assert lena.post(f"{API}/1/revoke", json=body(reason="no")).json()["bulk"]["state"] == "revoking"
    flagged.work()
    assert [row["state"] for row in alice.get(API).json()["items"]] == ["revoked"]


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"filters": {"colour": "red"}}, 400, "no filter"),
        ({"filters": {"min_confidence": 7}}, 400, "from 0 to 1"),
        ({"filters": {"issue_type": "outlier"}}, 400, "wider filters"),
        ({"tags": ["outlier_valid"]}, 400, "means keep"),
        ({"decision": "burn"}, 422, "decision"),
        ({"client_event_id": "x"}, 422, "client_event_id"),
        ({"filters": {"draw": 1}}, 400, "drawn from"),
    ],
)
def test_what_can_not_be_drawn_is_refused_with_a_reason(flagged: World, client, changes, status, said):
    answer = client("alice").post(API, json={**body(filters={}, decision="remove"), **changes})
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (status, True), answer.text
    assert client("alice").get(API).json()["items"] == []


def test_by_pages_from_the_ranking_to_the_end(flagged: World, client):
    lena = client("lena")
    ranking = lena.get(PAGE).text
    link = re.search(r'href="(/p/pets/bulk/new\?[^"]+)"', ranking)
    assert link, ranking
    chosen = lena.get(link[1].replace("&amp;", "&") + "&answer=remove").text
    assert re.search(r"<b>12</b> open samples", chosen)
    action = re.search(r'action="([^"]+)" data-testid="draw-form"', chosen)
    assert action
    given = {name: hidden(chosen, name, "draw-form") for name in ("client_event_id", "answer")}
    drawn = lena.post(action[1].replace("&amp;", "&"), data={**given, "width": "0.6", "tags": ["outlier_invalid"]})
    assert (drawn.status_code, drawn.headers["location"]) == (303, f"{PAGE}/1")
    page = lena.get(f"{PAGE}/1").text
    assert "10 of the 10 drawn samples are not decided yet." in page
    assert re.search(r"data-testid=\"apply\" disabled>Apply to the other 2 ", page)
    assert 'href="/p/pets/review?draw=1"' in page
    assert "drawn for <b>bulk decision 1</b>" in lena.get("/p/pets/review?draw=1").text
    look_at_all(flagged, 1)
    page = lena.get(f"{PAGE}/1").text
    assert re.search(r"data-testid=\"apply\">Apply to the other 2 ", page)
    seen = {name: hidden(page, name, "apply-form") for name in ("client_event_id", "decided", "agreeing")}
    assert lena.post(f"{PAGE}/1/apply", data=seen).status_code == 303
    flagged.work()
    page = lena.get(f"{PAGE}/1").text
    assert "2 samples that nobody had answered" in page
    assert flagged.state(others(flagged)[0]).tags == ["outlier_invalid"]
    given = {"client_event_id": hidden(page, "client_event_id", "revoke-form"), "reason": "<i>no</i>"}
    assert lena.post(f"{PAGE}/1/revoke", data=given).status_code == 303
    flagged.work()
    assert "&lt;i&gt;no&lt;/i&gt;" in lena.get(f"{PAGE}/1").text
    assert "&lt;i&gt;no&lt;/i&gt;" in lena.get(PAGE).text


def test_a_reviewer_sees_who_applies_it_and_no_button_for_it(flagged: World, client):
    alice = client("alice")
    alice.post(API, json=body(filters={}, decision="remove", width=0.6))
    page = alice.get(f"{PAGE}/1").text
    assert "A lead applies it." in page
    assert "apply-form" not in page
    assert "revoke-form" not in page


def test_pages_of_a_project_without_flags_say_what_to_do(world: World, client):
    lena = client("lena")
    assert "Once flags are imported" in lena.get(PAGE).text
    assert "choose wider filters" in lena.get(f"{PAGE}/new").text
    assert lena.get(f"{PAGE}/7").status_code == 404
    assert lena.get(f"{PAGE}/new?answer=burn").status_code == 400


def test_a_version_is_not_frozen_while_a_bulk_decision_is_under_way(flagged: World, client):
    lena = client("lena")
    lena.post(API, json=body(filters={}, decision="remove", width=0.6))
    look_at_all(flagged, 1)
    lena.post(f"{API}/1/apply", json=body())
    page = lena.get("/p/pets/finish").text
    assert "Bulk decisions under way" in page
    assert 'href="/p/pets/bulk"' in page
    flagged.work()
    assert "Bulk decisions under way" not in lena.get("/p/pets/finish").text


def test_a_page_asks_the_database_as_often_for_many_drawn_samples_as_for_few(flagged: World, client, app):
    lena = client("lena")
    lena.post(API, json=body(filters={"given_label": "cat"}, decision="remove"))
    lena.post(API, json=body(filters={}, decision="remove"))
    asked: list[str] = []
    engine = app.state.wiring.database.engine
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    counts = []
    for number in (1, 2):
        asked.clear()
        assert lena.get(f"{PAGE}/{number}").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]
