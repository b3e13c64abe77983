"""What a listing passed over, on the pages and by REST, and the button that lists again."""

from __future__ import annotations

import csv
import io
import shutil

import pytest

from tests.services.test_listings import litter

API = "/api/v1/projects/pets/listing"


@pytest.fixture
def littered(new_world):
    new_world.expected = litter(new_world.root)
    return new_world.scan()


def rows(answer) -> dict[str, str]:
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert int(answer.headers["content-length"]) == len(answer.content)
    return {row["path"]: row["code"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))}


def test_the_dashboard_names_files_by_reason_and_links_all(client, littered):
    page = client("carol").get("/p/pets").text
    assert "train/cat/notes.txt" in page
    assert "not an image by its name" in page
    assert "10 files passed over" in page
    assert "list-again" not in page
    assert 'href="/p/pets/passed-over.csv"' in page
    assert "list-again" in client("lena").get("/p/pets").text


def test_the_list_is_the_same_by_page_and_by_rest(client, littered):
    by_page, by_rest = client("carol").get("/p/pets/passed-over.csv"), client("carol").get(f"{API}/passed-over.csv")
    assert rows(by_page) == rows(by_rest) == littered.expected
    answer = client("carol").get(API).json()
    assert sum(reason["count"] for reason in answer["reasons"]) == len(littered.expected)


def test_the_imports_page_points_to_what_was_passed_over(client, littered):
    assert "passed-over-hint" in client("lena").get("/p/pets/imports").text


def test_a_project_without_a_listing_has_an_empty_list(client, new_world):
    assert rows(client("carol").get("/p/pets/passed-over.csv")) == {}
    assert "is being read for the first time" in client("carol").get("/p/pets").text


def test_a_listing_that_failed_says_why_and_is_started_again_with_a_button(client, new_world):
    kept = new_world.root.with_name("kept")
    new_world.root.rename(kept)
    new_world.work()
    lena = client("lena")
    page = lena.get("/p/pets").text
    assert "listing-failed" in page
    assert "can&#39;t be opened" in page
    assert page.count('data-testid="list-again"') == 1
    assert "listing-failed" in client("carol").get("/p/pets").text
    assert "list-again" not in client("carol").get("/p/pets").text
    shutil.move(kept, new_world.root)
    answer = lena.post("/p/pets/listing")
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/pets#folder")
    assert "list-again" not in lena.get("/p/pets").text
    new_world.scan()
    page = lena.get("/p/pets").text
    assert "listing-failed" not in page
    assert "18 images" in page


def test_listing_again_by_rest_is_one_job(client, world):
    first, second = (client("lena").post(API, json={}) for _ in range(2))
    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]
    assert client("alice").post(API, json={}).status_code == 403
