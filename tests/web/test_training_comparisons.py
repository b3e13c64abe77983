"""Comparisons of trainings on their pages and by REST."""

from __future__ import annotations

import pytest

from app.services.projects import add_classes

API, PAGE = "/api/v1/projects/pets/comparisons", "/p/pets/comparisons"
TINY = {
    "versions": [1], "model": "small", "image_size": 8, "epochs": 1, "resamples": 50, "device": "cpu",
    "acknowledge_leaks": True,
}  # fmt: skip
FORM = {
    "versions": "1", "flags": "true", "model": "small", "image_size": "8", "epochs": "1", "seeds": "2",
    "device": "cpu", "acknowledge_leaks": "true",
}  # fmt: skip


@pytest.fixture
def cleaned(filled):
    filled.work()
    with filled.writing("lena") as (session, access):
        add_classes(session, access, ["fox"])
    return filled


def test_a_comparison_by_rest_from_start_to_results(client, cleaned):
    lena, carol = client("lena"), client("carol")
    started = lena.post(API, json={**TINY, "seeds": [3, 5], "controls": False, "flags": False})
    assert started.status_code == 202
    number = started.json()["id"]
    assert lena.post(API, json={**TINY, "seeds": [3, 5], "controls": False, "flags": False}).json() == {
        "id": number, "job_id": number, "is_new": False,
    }  # fmt: skip
    assert carol.get(f"{API}/{number}/results").status_code == 409
    assert carol.get(f"{API}/{number}/files.zip").status_code == 409
    cleaned.work()
    found = carol.get(f"{API}/{number}").json()
    assert [(run["condition"], run["seed"], run["state"]) for run in found["runs"]] == [
        ("raw", 3, "done"), ("reviewed", 3, "done"), ("raw", 5, "done"), ("reviewed", 5, "done"),
    ]  # fmt: skip
    assert all(len(run["accuracy"]) == len(run["loss"]) == 1 for run in found["runs"])
    record = carol.get(f"{API}/{number}/results").json()
    assert (record["seeds"], record["leaked_images"]) == ([3, 5], 2)
    for file in found["comparison"]["files"]:
        answer = carol.get(file["url"])
        assert (answer.status_code, len(answer.content)) == (200, file["bytes"]), file["name"]
    assert carol.get(found["comparison"]["zip_url"]).content[:2] == b"PK"
    assert carol.get(f"{API}/{number}/files/none.csv").status_code == 404
    assert [row["id"] for row in carol.get(API).json()["items"]] == [number]
    # The page of what is done.
    page = carol.get(f"{PAGE}/{number}").text
    for part in ("verdicts", "accuracy", "parts", "runs", "files", "training-curves"):
        assert f'data-testid="{part}"' in page
    assert page.count("data-run=") == 4
    assert record["verdicts"][0]["follows"].split("'")[0] in page
    assert 'data-testid="comparisons"' in carol.get(PAGE).text
    assert 'data-testid="comparison-form"' not in carol.get(PAGE).text
    # What lies on the disk is checked before it is handed out.
    (archive,) = cleaned.settings.folder("results").glob(f"job-{number}/*comparison.zip")
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    assert carol.get(f"{API}/{number}/files.zip").json()["error"]["code"] == "invalid_file"
    archive.unlink()
    assert "missing from the disk" in carol.get(f"{PAGE}/{number}").text
    assert "missing from the disk" in carol.get(PAGE).text


def test_the_page_starts_one_and_cancels_it(client, cleaned):
    lena = client("lena")
    assert 'href="/p/pets/comparisons"' in lena.get("/p/pets/finish").text
    page = lena.get(PAGE).text
    assert "No comparison yet" in page
    assert 'name="versions" value="1" checked' in page
    answer = lena.post(PAGE, data=FORM)
    assert answer.status_code == 303
    number = int(answer.headers["location"].removeprefix(f"{PAGE}/"))
    page = lena.get(f"{PAGE}/{number}").text
    assert 'data-testid="job-progress"' in page
    assert page.count('data-state="waiting"') == 6
    assert client("alice").post(f"{API}/{number}/cancel").status_code == 403
    assert lena.post(f"{API}/{number}/cancel").json()["comparison"]["state"] == "cancelled"
    assert lena.post(f"{API}/{number}/cancel").status_code == 409
    assert "0 of 6 runs were done" in lena.get(f"{PAGE}/{number}").text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"seeds": "1"}, "One seed can&#39;t tell an effect from chance"),
        ({"acknowledge_leaks": ""}, "2 evaluation images are in the training set too"),
        ({"versions": "7"}, "no version 7"),
        ({"epochs": "0"}, "Epochs is from 1 to 10000, not 0"),
    ],
)
def test_the_page_says_what_is_refused_and_keeps_what_was_entered(client, cleaned, given, told):
    answer = client("lena").post(PAGE, data={**FORM, "image_size": "24", **given})
    assert answer.status_code == 400
    assert told in answer.text
    assert 'name="image_size" min="8" max="1024" value="24"' in answer.text
    assert client("lena").post(API, json={**TINY, "seeds": [0]}).json()["error"]["message"].startswith("One seed")


def test_another_kind_of_job_is_no_comparison(client, cleaned):
    _, job_id, _ = cleaned.start_leaks(methods=("exact",))
    assert client("lena").get(f"{API}/{job_id}").status_code == 404
    assert client("lena").get(f"{PAGE}/{job_id}").status_code == 404
