"""Versions over HTTP: their page, what changed between two, putting one away, writing files again."""

from __future__ import annotations

import csv
import hashlib
import io

import pytest

from tests.fixtures.world import by_hand

API = "/api/v1/projects/pets/versions"
CHECKS = ("undecided", "open_conflicts", "open_leaks", "class_share", "lost_group", "both_sides")


@pytest.fixture
def two(filled):
    """Version 1 removed train/dog/0; version 2 keeps it, relabels one sample and removes another."""
    filled.set_policies(max_class_share=0.5)
    filled.undo("bob")
    filled.submit("bob", "train/dog/0.png", "keep")
    filled.submit("alice", "train/dog/2.png", by_hand("relabel", "cat"))
    filled.submit("alice", "train/cat/3.png", "remove")
    filled.freeze(*CHECKS, note="second pass")
    filled.work()
    return filled


def test_what_changed_between_two_versions_and_by_whom(client, two):
    found = client("carol").get(f"{API}/2/changes?since=1").json()
    assert found["counts"] == {"removed": 1, "brought_back": 1, "relabelled": 1}
    told = {item["key"]: (item["change"], item["before"], item["after"], item["by"]) for item in found["items"]}
    assert told == {
        "train/cat/3.png": ("removed", "keep", "remove", ["alice"]),
        "train/dog/0.png": ("brought_back", "remove", "keep", ["bob"]),
        "train/dog/2.png": ("relabelled", "keep", "relabel to cat", ["alice"]),
    }
    assert found["by_person"] == {"alice": 2, "bob": 1}
    assert found["policies"] == [["max_class_share", "0.1", "0.5"]]
    backwards = client("carol").get(f"{API}/1/changes?since=2").json()
    assert backwards["counts"] == {"removed": 1, "brought_back": 1, "label_brought_back": 1}


def test_changes_come_in_pages_by_kind_and_as_csv(client, two):
    carol = client("carol")
    first = carol.get(f"{API}/2/changes?since=1&limit=2").json()
    rest = carol.get(f"{API}/2/changes?since=1&limit=2&cursor={first['next_cursor']}").json()
    keys = [item["key"] for page in (first, rest) for item in page["items"]]
    assert (keys, rest["next_cursor"]) == (sorted(keys), None)
    only = carol.get(f"{API}/2/changes?since=1&change=relabelled").json()
    assert [item["key"] for item in only["items"]] == ["train/dog/2.png"]
    rows = list(csv.DictReader(io.StringIO(carol.get(f"{API}/2/changes.csv?since=1").text)))
    assert [row["image_id"] for row in rows] == keys
    assert rows[0]["decided_by"] == "alice"
    same = carol.get(f"{API}/2/changes?since=2")
    assert (same.status_code, "does not differ from itself" in same.text) == (400, True)
    assert carol.get(f"{API}/2/changes?since=9").status_code == 404


def test_the_page_of_changes_shows_pictures_and_kinds(client, two):
    page = client("carol").get("/p/pets/versions/2/changes?since=1").text
    assert page.count("sample-thumb") == 3
    assert "no longer removed" in page
    narrowed = client("carol").get("/p/pets/versions/2/changes?since=1&change=removed").text
    assert narrowed.count("sample-thumb") == 1
    assert client("carol").get("/p/pets/versions/1/changes?since=2").status_code == 200


def test_an_archived_version_stays_whole_and_can_be_fetched(client, two):
    lena = client("lena")
    before = lena.get(f"{API}/1/deliverables.zip").content
    assert lena.post(f"{API}/1/archive", json={}).json()["archived_at"]
    assert [v["number"] for v in lena.get(f"{API}?archived=no").json()["items"]] == [2]
    assert [v["number"] for v in lena.get(API).json()["items"]] == [2, 1]
    assert lena.get(f"{API}/1/deliverables.zip").content == before
    assert "1 archived" in lena.get("/p/pets/finish").text
    assert lena.post("/p/pets/versions/1/archive", data={"archived": "false"}).status_code == 303
    assert "1 archived" not in lena.get("/p/pets/finish").text


def test_files_written_again_over_http_are_the_same_bytes(client, two):
    lena = client("lena")
    before = {f["name"]: f["sha256"] for f in lena.get(f"{API}/1").json()["files"]}
    folder = two.settings.folder("versions") / "pets" / "v1"
    (folder / "pets_removal_list.txt").write_text("train/cat/9.png\n")
    assert lena.get(f"{API}/1/files/pets_removal_list.txt").status_code == 400
    answer = lena.post(f"{API}/1/files")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert answer.json()["job"]["total"] == len(before)
    two.work()
    assert {f["name"]: f["sha256"] for f in lena.get(f"{API}/1").json()["files"]} == before
    data = lena.get(f"{API}/1/files/pets_removal_list.txt").content
    assert hashlib.sha256(data).hexdigest() == before["pets_removal_list.txt"]


def test_a_check_lists_its_samples_with_their_outcome(client, filled):
    lena = client("lena")
    assert "/p/pets/finish/checks/class_share" in lena.get("/p/pets/finish").text
    page = lena.get("/p/pets/finish/checks/class_share").text
    assert "train/dog/0.png" in page
    assert lena.get("/p/pets/finish/checks/unknown_class").status_code == 404
