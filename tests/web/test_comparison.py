"""Two versions side by side, as page, JSON, CSV and a report of its own."""

from __future__ import annotations

import csv
import io

import pytest

from tests.services.test_versions import CHECKS


@pytest.fixture
def two(filled):
    filled.submit("alice", "train/cat/3.png", "remove")
    filled.freeze(*CHECKS)
    filled.work()
    return filled


QUERY = "project=pets@1&project=pets"


def test_the_same_figures_stand_side_by_side(client, two):
    found = client("carol").get(f"/api/v1/comparison?{QUERY}").json()
    assert found["names"] == ["pets v1", "pets v2"]
    values = {row["name"]: row["values"] for row in found["rows"]}
    assert values["removed"] == [1, 2]
    assert values["samples before"] == [18, 18]
    assert values["samples after"] == [17, 16]
    assert values["share removed"] == [1 / 18, 2 / 18]


def test_the_table_and_the_report_say_the_same(client, two):
    carol = client("carol")
    rows = list(csv.DictReader(io.StringIO(carol.get(f"/api/v1/comparison/table.csv?{QUERY}").text)))
    assert {r["figure"]: (r["pets v1"], r["pets v2"]) for r in rows}["samples after"] == ("17", "16")
    report = carol.get(f"/api/v1/comparison/report.html?{QUERY}")
    assert report.headers["content-disposition"].startswith("attachment")
    assert "<script" not in report.text
    assert report.text.count("<svg") == 2
    page = carol.get(f"/compare?{QUERY}").text
    assert page.count('data-testid="comparison"') == len({r["part"] for r in rows})


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("project=pets", 400, "between two"), ("project=pets&project=pets@9", 404, "no version 9"),
        ("project=pets&project=pets@x", 400, "names no version"), ("project=pets&project=none", 404, "no project"),
        ("project=pets&project=pets@" + "9" * 40, 400, "names no version"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said(client, two, query, status, said):
    answer = client("carol").get(f"/api/v1/comparison?{query}")
    assert (answer.status_code, said in answer.text) == (status, True)


def test_a_project_without_a_version_says_so_on_the_page(client, world):
    page = client("carol").get("/compare?project=pets&project=pets@1")
    assert (page.status_code, "has no version yet" in page.text) == (200, True)


def test_an_outsider_compares_nothing(client, two):
    assert client("mallory").get(f"/api/v1/comparison?{QUERY}").status_code == 404


def test_shares_of_a_plot_come_to_the_whole():
    from app.deliverables.report.comparison_page import _per_mille

    for counts in ({"a": 1, "b": 1, "c": 1}, {"a": 0, "b": 7}, {"a": 157, "b": 149, "c": 293, "d": 897}):
        assert sum(_per_mille(counts).values()) == 1000
    assert _per_mille({"a": 0}) == {"a": 0}
