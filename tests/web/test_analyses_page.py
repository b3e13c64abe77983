"""Analyses by page and REST: start, see what was found, refuse what makes no sense."""

from __future__ import annotations

API = "/api/v1/projects/pets/analyses"


def test_an_analysis_by_rest_from_start_to_flags(client, world):
    started = client("lena").post(API, json={"detectors": ["quality", "duplicates"]})
    assert started.status_code == 202
    number = started.json()["id"]
    assert client("lena").get(f"{API}/{number}").json()["state"] == "queued"
    world.work()
    (found,) = client("lena").get(API).json()["items"]
    assert (found["id"], found["state"]) == (number, "done")
    assert found["summary"]["issues"]["exact_duplicate"] == 3
    assert client("lena").get(f"{API}/{number}/problems.csv").text.startswith("image,problem,message")
    assert client("lena").get(found["import_url"]).status_code == 200


def test_the_page_starts_one_and_shows_what_it_found(client, world):
    page = client("lena").get("/p/pets/analyses").text
    assert "No analysis yet" in page
    assert "WINNOW_WEIGHTS" in page
    assert 'href="/p/pets/analyses"' in client("lena").get("/p/pets/imports").text
    answer = client("lena").post("/p/pets/analyses", data={"detectors": ["quality", "duplicates"]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/pets/analyses")
    assert 'data-testid="job-progress"' in client("lena").get("/p/pets/analyses").text
    world.work()
    page = client("lena").get("/p/pets/analyses").text
    assert "exact duplicate 3" in page
    assert page.count('data-testid="histogram"') == 6
    assert "The import of its flags" in page


def test_what_makes_no_sense_is_refused_on_the_page_and_by_rest(client, world):
    assert "not none" in client("lena").post("/p/pets/analyses", data={}).text
    assert client("lena").post(API, json={"detectors": ["blur"]}).status_code == 400
    assert client("lena").post(API, json={"features": "network"}).json()["error"]["message"].count("WINNOW_WEIGHTS")
    assert client("lena").get(f"{API}/999").status_code == 404


def test_another_kind_of_job_is_no_analysis(client, world):
    _, job_id, _ = world.start_leaks(methods=("exact",))
    assert client("lena").get(f"{API}/{job_id}").status_code == 404
