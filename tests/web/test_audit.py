"""The audit log: admins alone, by who, what, where and when, a page at a time, and as a file."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest

from app.db.base import utc_now
from app.db.models.accounts import AuditEntry
from app.services import audit
from app.services.view_audit import PAGE
from tests.fixtures.databases import both_backends


def rows_of(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def times_of(page: str) -> int:
    return page.count('<th scope="row"')


@pytest.fixture
def many(world):
    """A page and a half of entries, one an hour, each with its number."""
    alice = world.actor("alice").user_id
    with world.database.writing() as session:
        for number in range(PAGE + 50):
            at = utc_now() - timedelta(hours=PAGE + 50 - number)
            session.add(AuditEntry(action="counted", user_id=alice, detail={"number": number}, at=at))
    return world


def numbers(page: str) -> list[int]:
    return [int(number) for number in re.findall(r"number</span> <bdi>(\d+)</bdi>", page)]


@both_backends
def test_entries_are_found_by_who_what_where_and_when(client, world):
    root = client("root")
    with world.database.writing() as session:
        audit.record(session, "link_used", user_id=None)
        session.add(AuditEntry(action="long_ago", user_id=None, at=utc_now() - timedelta(days=40)))
    today, long_ago = (str((utc_now() - timedelta(days=days)).date()) for days in (0, 40))
    everything = rows_of(root.get("/audit.csv"))
    assert {row["action"] for row in everything} >= {"project_created", "member_set", "sign_in", "long_ago"}
    assert [int(row["id"]) for row in everything] == sorted(int(row["id"]) for row in everything)

    def actions(query: str) -> set[str]:
        found = {row["action"] for row in rows_of(root.get(f"/audit.csv?{query}"))}
        page = root.get(f"/audit?{query}")
        assert page.status_code == 200
        assert times_of(page.text) == len(rows_of(root.get(f"/audit.csv?{query}")))
        return found

    assert actions("user=root&action=project_created") == {"project_created"}
    assert actions("user=(nobody)") == {"long_ago", "link_used", "dataset_listed"} & actions("user=(nobody)")
    assert "link_used" in actions("user=(nobody)")
    assert actions("project=pets&action=sign_in") == set()
    assert "member_set" in actions("project=pets&user=&from=&to=")
    assert actions(f"to={long_ago}") == {"long_ago"}
    assert "long_ago" not in actions(f"from={today}")
    assert actions("user=somebody-else") == set()
    assert root.get("/audit?from=yesterday").status_code == 400
    assert root.get(f"/audit?before={10**30}").status_code == 422


def test_pages_follow_each_other_without_gap_or_repetition(client, many):
    root = client("root")
    newest = root.get("/audit?action=counted").text
    assert numbers(newest) == list(range(PAGE + 49, 49, -1))
    assert ">Newer<" not in newest
    with many.database.writing() as session:  # what comes in meanwhile moves no page
        audit.record(session, "counted", user_id=None, number=PAGE + 50)
    older = root.get(re.search(r'href="(/audit\?[^"]*before=\d+)"', newest)[1].replace("&amp;", "&")).text
    assert numbers(older) == list(range(49, -1, -1))
    assert ">Older<" not in older
    back = root.get(re.search(r'href="(/audit\?[^"]*after=\d+)"', older)[1].replace("&amp;", "&")).text
    assert numbers(back) == numbers(newest)
    assert numbers(root.get("/audit?action=counted").text)[0] == PAGE + 50


def test_details_are_shown_as_text_and_run_nowhere(client, world):
    bob = world.actor("bob").user_id
    with world.database.writing() as session:
        audit.record(session, "=cmd()", user_id=None, name="<script>alert(1)</script>", target=bob)
    root = client("root")
    page = root.get("/audit").text
    assert "<script>alert" not in page
    assert "<bdi>bob</bdi>" in page
    row = rows_of(root.get("/audit.csv?action==cmd()"))[0]
    assert row["action"] == "'=cmd()"
    assert json.loads(row["detail"])["target"] == bob


def test_only_admins_find_the_link(client, world):
    assert 'href="/audit"' in client("root").get("/").text
    assert 'href="/audit"' not in client("lena").get("/").text
    assert client("lena").get("/audit").status_code == 403
    assert client("lena").get("/audit.csv").status_code == 403
