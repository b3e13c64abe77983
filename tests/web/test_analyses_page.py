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


def test_a_threshold_is_moved_on_the_page(client, world):
    client("lena").post("/p/pets/analyses", data={"detectors": ["quality"]})
    world.work()
    (found,) = client("lena").get(API).json()["items"]
    page = client("lena").get("/p/pets/analyses").text
    assert page.count("<threshold-mover") == 6
    where = f"/p/pets/analyses/{found['id']}/thresholds"
    answer = client("lena").post(where, data={"issue": "dark", "step": "0"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/pets/analyses")
    world.work()
    page = client("lena").get("/p/pets/analyses").text
    assert f"thresholds set for what analysis {found['id']} measured: dark" in page
    newest = client("lena").get(API).json()["items"][0]
    (dark,) = [one for one in newest["summary"]["distributions"] if one["issue"] == "dark"]
    assert newest["summary"]["issues"]["dark"] == dark["flagged"] == dark["above"][0]
    for data in ({"issue": "dark", "step": "9999"}, {"issue": "nothing", "step": "1"}):
        assert client("lena").post(where, data=data).status_code == 400
    by_rest = client("lena").post(f"{API}/{found['id']}/thresholds", json={"thresholds": {"dark": 0.9}})
    assert (by_rest.status_code, by_rest.json()["is_new"]) == (202, True)
    other = client("lena").post(f"{API}/{found['id']}/thresholds", json={"thresholds": {"dark": 0.8}})
    assert other.status_code == 409


def test_numbers_are_sent_by_rest_and_by_the_page_and_the_map_is_made_of_them(client, world):
    keys = sorted(world.ids)
    rows = [f"{key},{n % 3},{(n * 7) % 5},{n}" for n, key in enumerate(keys)]
    table = "\n".join(["image_path,a,b,c", *rows]).encode()
    sent = client("lena").post(f"{API}/files?kind=vectors&file_name=v.csv", content=table)
    assert (sent.status_code, sent.json()["images"], sent.json()["width"]) == (201, len(keys), 3)
    body = {"detectors": ["outliers"], "vectors": sent.json()["file"]}
    number = client("lena").post(API, json=body).json()["id"]
    assert client("lena").get(f"{API}/{number}/map").status_code == 404
    world.work()
    found = client("lena").get(f"{API}/{number}").json()
    assert (found["features"], found["map_url"]) == ("file", f"/p/pets/analyses/{number}/map")
    spots = client("lena").get(f"{API}/{number}/map").json()
    assert sorted(spots["ids"]) == sorted(world.ids.values())
    assert spots["classes"] == ["cat", "dog"]
    assert {len(spots[name]) for name in ("x", "y", "label", "queued")} == {len(keys)}
    assert "<image-map" in client("lena").get(found["map_url"]).text
    refused = client("lena").post(f"{API}/files?kind=vectors&file_name=v.csv", content=b"image,a\nnone.png,1\n")
    assert "names none of the project's images" in refused.json()["error"]["message"]
    page = client("lena").post(
        "/p/pets/analyses", data={"detectors": ["outliers"]}, files={"vectors": ("v.csv", b"image,a\nnone.png,1\n")}
    )
    assert page.status_code == 400
    assert "names none of the project" in page.text


def test_a_selection_narrows_the_grid_to_what_was_picked(client, world):
    world.flag("train/cat/0.png", "train/cat/1.png", "train/dog/0.png")
    picked = [world.ids[key] for key in ("train/cat/0.png", "train/dog/0.png", "train/dog/5.png")]
    made = client("lena").post(f"{API}/picks", json={"sample_ids": [*picked, 10**6]}).json()
    assert (made["samples"], made["flagged"], made["grid_url"]) == (3, 2, f"/p/pets/grid?pick={made['id']}")
    listed = client("lena").get(f"/api/v1/projects/pets/samples?pick={made['id']}").json()
    assert {row["id"] for row in listed["rows"]} == set(picked[:2])
    queue = client("alice").get(f"/api/v1/projects/pets/queue?pick={made['id']}&count=5").json()
    assert {row["id"] for row in queue["items"]} == set(picked[:2])
    assert f'name="pick" value="{made["id"]}"' in client("lena").get(made["grid_url"]).text
    assert client("lena").post(f"{API}/picks", json={"sample_ids": [10**6]}).status_code == 400
