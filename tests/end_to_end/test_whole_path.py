"""From a flagged export to a cleaned dataset over REST, with real servers and workers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.demo.build import DemoDataset
from app.demo.check import compare_with_truth, format_report
from app.demo.truth import Truth
from app.domain.formats.leaks_report import read_leaks_report
from app.domain.formats.manifest_csv import read_final_rows, read_rows
from app.domain.formats.relabel_map import read_relabel_map
from app.domain.formats.removal_list import read_removal_list
from tests.fixtures.served import Person, Served, manifest_of

ACCEPT = ("undecided", "open_conflicts", "open_leaks", "class_share", "lost_group", "both_sides")


@pytest.fixture
def embedded(tmp_path: Path, small_demo: DemoDataset) -> Iterator[Served]:
    served = Served(tmp_path / "data", roots=[small_demo.root])
    served.add_user("lena", "--admin")
    served.start()
    yield served
    served.stop()


@pytest.fixture
def team(tmp_path: Path, small_demo: DemoDataset, make_postgres_database, redis_url: str) -> Iterator[Served]:
    """PostgreSQL, Redis, one web server and two workers: the processes of docker-compose.yml, started by hand."""
    served = Served(
        tmp_path / "data",
        roots=[small_demo.root],
        WINNOW_DATABASE_URL=make_postgres_database(),
        WINNOW_REDIS_URL=redis_url,
        WINNOW_SHARD_SIZE="16",
    )
    served.add_user("lena", "--admin")
    served.start()
    served.start_worker("cpu")
    served.start_worker("cpu,gpu")
    yield served
    served.stop()


def test_a_team_cleans_a_dataset_on_sqlite_with_the_embedded_worker(embedded: Served, small_demo: DemoDataset) -> None:
    clean_together(embedded, small_demo)


@pytest.mark.servers
def test_a_team_cleans_a_dataset_on_postgresql_with_redis_and_two_workers(
    team: Served, small_demo: DemoDataset
) -> None:
    clean_together(team, small_demo)


def clean_together(served: Served, demo: DemoDataset) -> None:
    lena = Person(served, "lena", "")
    lena.make_project("Small", demo.images)
    served.add_user("alice", "--project", "small")
    served.add_user("bob", "--project", "small")
    export = demo.export.read_bytes()
    first, again = lena.upload(export), lena.upload(export)
    assert first["rows_rejected"] == 0
    assert first["flags_new"] == first["rows_total"] > 0
    assert (again["flags_new"], again["flags_updated"]) == (0, 0)

    run = lena.find_leaks(methods=["exact", "perceptual", "verified"])
    assert run["problems"] == len(demo.truth.corrupt)
    alice, bob = Person(served, "alice", "small"), Person(served, "bob", "small")
    flagged = review_all(alice, bob, lena, demo.truth)
    planted = {(leak.train_key, leak.test_key) for leak in demo.truth.leaks}
    for pair in lena.all_pairs(verdict="open"):
        same = (pair["train"]["key"], pair["test"]["key"]) in planted
        lena.judge(pair, "confirmed" if same else "rejected")
    files = lena.freeze(*ACCEPT)
    check_against_truth(files, demo.truth, flagged, lena, run["id"])
    check_manifest(files)
    for person in (lena, alice, bob):
        person.close()


def review_all(alice: Person, bob: Person, lena: Person, truth: Truth) -> set[str]:
    """Two reviewers in turn until nothing is left; nobody is given what the other has."""
    seen: dict[str, str] = {}
    while True:
        cards = [(person, person.get("/queue", count=3)["items"]) for person in (alice, bob)]
        if not any(items for _, items in cards):
            return set(seen)
        for person, items in cards:
            for card in items:
                assert card["key"] not in seen, "a sample was handed out twice"
                seen[card["key"]] = person.slug
                decision, label, tag = truth.right_answer(card["key"])
                if label:
                    known = {"manual": True, "decision": decision, "new_label": label}
                else:
                    known = {"manual": True, "decision": decision}
                person.answer(card, **known, tags=[tag] if tag else [])


def check_against_truth(files: dict[str, bytes], truth: Truth, flagged: set[str], lena: Person, run_id: int) -> None:
    text = {name: data.decode() for name, data in files.items() if not name.endswith(".pptx")}
    problems = lena.http.get(f"/api/v1/projects/small/leaks/runs/{run_id}/problems.csv").text
    report = compare_with_truth(
        truth,
        leak_pairs=[
            (row.train_image, row.test_image, row.method.value)
            for row in read_leaks_report(io.StringIO(text["small_leaks_report.csv"], newline=""))
        ],
        unreadable={row["image"]: row["problem"] for row in csv.DictReader(io.StringIO(problems))},
        removal_ids=set(read_removal_list(io.StringIO(text["small_removal_list.txt"]))),
        relabel_map={k: str(v) for k, v in read_relabel_map(io.StringIO(text["small_relabel_map.json"])).items()},
        flagged=flagged,
    )
    assert report.ok, format_report(report)


def check_manifest(files: dict[str, bytes]) -> None:
    listed = {entry["name"]: entry for entry in manifest_of(files)["files"]}
    assert set(listed) == set(files) - {"MANIFEST.json"}
    tagged = list(read_rows(io.StringIO(files["small_tagged_v1.csv"].decode(), newline="")))
    final = list(read_final_rows(io.StringIO(files["small_final_cleaning_manifest.csv"].decode(), newline="")))
    assert len(tagged) == listed["small_tagged_v1.csv"]["rows"]
    assert len({row.image_id for row in final}) == len(final)
    removed = {row.image_id for row in final if row.user_action == "remove"}
    per_split = [files[f"small_{split}_removal_list.txt"].decode().split() for split in ("train", "test")]
    assert removed == {key for keys in per_split for key in keys}
    events = [json.loads(line) for line in files["reviews.jsonl"].splitlines()]
    assert {event["event"] for event in events} == {"review", "leak_verdict"}


def test_ctrl_c_ends_everything_and_a_new_start_finds_it_as_it_was(embedded: Served, small_demo: DemoDataset) -> None:
    lena = Person(embedded, "lena", "")
    lena.make_project("Small", small_demo.images)
    lena.upload(small_demo.export.read_bytes())
    card = lena.get("/queue", count=1)["items"][0]
    lena.answer(card, manual=True, decision="keep", note="seen before the restart")
    before = lena.get("")["figures"]
    lena.close()
    assert embedded.interrupt() == 0
    children = [line for line in embedded.log.read_text().splitlines() if "Winnow has stopped" in line]
    assert children

    embedded.start()
    lena = Person(embedded, "lena", "small")
    assert lena.get("")["figures"] == before
    again = lena.get(f"/samples/{card['id']}")
    assert again["review"]["note"] == "seen before the restart"
    assert "welcome" not in embedded.log.read_text(), "an admin exists: no link is printed"
    lena.close()


def test_the_first_admin_comes_in_by_the_printed_link_once(tmp_path: Path) -> None:
    import httpx

    served = Served(tmp_path / "data")
    served.start()
    try:
        form = {"username": "ada", "password": "correct horse 9", "password_again": "correct horse 9"}
        first = httpx.post(served.first_link, data=form)
        assert first.status_code == 303
        assert httpx.get(served.first_link).status_code == 404
    finally:
        served.stop()
