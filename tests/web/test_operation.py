"""What those who run the server ask it: is it well, is it ready, and its figures in Prometheus' format."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from app.db.migrate import migrate
from app.db.session import Database
from app.main import create_app
from tests.fixtures.databases import both_backends
from tests.fixtures.web import OWN
from tests.fixtures.world import fresh

API = "/api/v1/projects/pets"


def read(text: str) -> dict[tuple[str, frozenset], float]:
    """Samples by name and labels, as Prometheus' own reader sees them."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(found, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


@both_backends
def test_figures_follow_what_happens(client, filled):
    root, alice = client("root"), client("alice")
    before = read(root.get("/metrics").text)
    body = {"client_event_id": fresh(), "base_version": 0, "decision": "keep", "manual": True}
    assert alice.post(f"{API}/samples/{filled.ids['train/cat/3.png']}/reviews", json=body).status_code == 200
    alice.get(f"{API}/samples/{filled.ids['train/cat/3.png']}")
    alice.get("/no/such/page/0123")
    alice.get("/static/css/app.css")
    answer = root.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    after = read(answer.text)
    assert figure(after, "winnow_decisions_total", kind="review") == (
        figure(before, "winnow_decisions_total", kind="review") + 1
    )
    reviews = {"method": "POST", "route": "/api/v1/projects/{slug}/samples/{sample_id}/reviews"}
    name = "winnow_http_request_duration_seconds"
    assert figure(after, "winnow_http_requests_total", **reviews, status="200") == 1
    assert figure(after, f"{name}_count", **reviews) == figure(after, f"{name}_bucket", **reviews, le="+Inf") == 1
    assert 0 < figure(after, f"{name}_sum", **reviews) < 60
    counted = {key[1] for key in after if key[0] == "winnow_http_requests_total"}
    routes = {dict(labels)["route"] for labels in counted}
    assert routes >= {"/metrics", "/sign-in", "/static", "unknown", "/api/v1/projects/{slug}/samples/{sample_id}"}
    assert not any("0123" in route or "pets" in route for route in routes)
    # An import waits in the queue; the leak run and the version are done.
    assert figure(after, "winnow_shards_waiting", queue="cpu", kind="import") == 1
    assert figure(after, "winnow_jobs", kind="leaks", state="done") == 1
    assert figure(after, "winnow_database_bytes") > 100_000
    assert [key for key in after if key[0] == "winnow_worker_last_seen_timestamp_seconds"]


def test_refused_requests_count_too(client, browser, filled):
    browser(**{"Sec-Fetch-Site": "cross-site"}).post(f"{API}/versions", json={})
    found = read(client("root").get("/metrics").text)
    assert figure(found, "winnow_http_requests_total", method="POST", route="refused", status="403") == 1


@pytest.fixture
def from_machine(settings, doorbell, world):
    """A program on this machine, or what looks like one: host, headers, address."""
    settings = settings.model_copy(update={"metrics_from_loopback": True})
    app = create_app(settings, doorbell=doorbell)

    def ask(address: str = "127.0.0.1", host: str = "127.0.0.1:8000", **headers: str):
        program = TestClient(app, base_url=f"http://{host}", client=(address, 4711), headers=headers)
        return program.get("/metrics").status_code

    yield ask
    app.state.wiring.pictures.close()
    app.state.wiring.database.dispose()


def test_programs_on_this_machine_need_no_token_where_set_so(from_machine, client):
    assert from_machine() == 200
    assert from_machine(address="::1", host="[::1]:8000") == 200
    assert from_machine(address="192.0.2.7") == 401
    # A proxy on this machine speaks for somebody else.
    assert from_machine(host="winnow.example.org") == 401
    assert from_machine(**{"X-Forwarded-For": "192.0.2.7"}) == 401
    # Not set, as in every other test: a token or nothing.
    assert client("anonymous").get("/metrics").status_code == 401


def test_an_admins_token_reads_the_figures(client, browser, filled):
    made = client("root").post("/account/tokens", data={"name": "prometheus", "days": "9"})
    token = made.text.split("wnw_")[1].split("<")[0]
    header = {"Authorization": f"Bearer wnw_{token}"}
    assert browser(**header).get("/metrics").status_code == 200


@both_backends
def test_ready_only_at_the_newest_migration(settings, doorbell, empty_url, tmp_path):
    place = settings.model_copy(update={"database_url": empty_url, "data_dir": tmp_path})
    app = create_app(place, doorbell=doorbell)
    browser = TestClient(app, headers=OWN)
    assert (answer := browser.get("/readyz")).status_code == 503
    assert "migration" in answer.json()["status"]
    migrate(empty_url)
    assert (browser.get("/readyz").status_code, browser.get("/healthz").status_code) == (200, 200)
    app.state.wiring.database.dispose()


def test_not_ready_without_a_database(settings, doorbell):
    app = create_app(settings, doorbell=doorbell)
    wiring = app.state.wiring
    nowhere = Database("postgresql+psycopg://winnow:secret@127.0.0.1:1/winnow")
    object.__setattr__(wiring, "database", nowhere)
    answer = TestClient(app, headers=OWN).get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "the database does not answer"}
    nowhere.dispose()
