"""Rows by the hundred thousand arrive as they are, whatever stands in them, and every index is there afterwards."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.db import many_rows
from app.db.models.imports import FlagRow
from tests.fixtures.databases import both_backends

TRAPS = [
    "", "plain", r"\N", "\\.", "a\\tb", "tab\there", "line\nbreak", "return\r", '"', "'", "ä 猫 \U0001f600", "\\", None,
    "NULL", "\x7f", " edge ", "\u2028",
]  # fmt: skip


@both_backends
def test_every_text_and_number_comes_back_as_it_went(world):
    rows = [(n % 7 + 1, "mislabel", "x", n / 3 if n % 5 else None, trap, "") for n, trap in enumerate(TRAPS * 3)]
    add(world, rows)
    assert [(f.sample_id, f.confidence, f.reason) for f in world.flags()] == [(r[0], r[3], r[4]) for r in rows]


@both_backends
def test_indexes_that_are_made_anew_are_the_same_and_whole(world, monkeypatch):
    monkeypatch.setattr(many_rows, "_MANY", 2)
    before = indexes(world)
    add(world, [(1, "mislabel", "x", 0.5, None, "")] * 10)
    add(world, [(2, "blurry", "x", 0.25, None, "")] * 3)
    assert indexes(world) == before
    with world.reading() as (session, _):
        if world.database.is_sqlite:
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
        assert session.scalar(text("SELECT count(*) FROM flags WHERE issue_type = 'blurry'")) == 3


def test_a_failure_leaves_rows_and_indexes_as_they_were(world, monkeypatch):
    monkeypatch.setattr(many_rows, "_MANY", 2)
    before = indexes(world)
    with pytest.raises(Exception, match=r"issue_type"):
        add(world, [(1, "mislabel", "x", 0.5, None, ""), (1, None, "x", 0.5, None, "")])
    assert indexes(world) == before
    assert world.flags() == []


def add(world, rows) -> None:
    from app.db.models.imports import Import

    with world.writing("lena") as (session, access):
        import_ = Import(project_id=access.id, file_name="x", stored_name="x", file_sha256="", source="x")
        session.add(import_)
        session.flush()
        shared = {"project_id": access.id, "import_id": import_.id, "source": "x"}
        names = ("sample_id", "issue_type", "raw_issue_type", "confidence", "reason", "image_id")
        many_rows.add_rows(session, FlagRow, names, rows, shared)


def indexes(world) -> list[tuple[str, ...]]:
    query = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
        if world.database.is_sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"
    )
    with world.reading() as (session, _):
        return [tuple(row) for row in session.execute(text(query))]
