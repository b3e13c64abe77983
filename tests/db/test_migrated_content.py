"""Migrations on a database in which people have worked: every decision comes back, and a kill leaves old or new."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys

import pytest
import sqlalchemy as sa

from app.db.base import Base
from app.db.migrate import current_revision, migrate, newest_revision
from app.db.sqlite_library import make_engine
from tests.fixtures.databases import both_backends

DECIDED = ("review_events", "reviews", "sample_states", "leak_verdict_events", "flags", "samples", "users", "versions")
"""Tables that every release has had, with what people and detectors said."""

FIRST = "0001_first_tables"
KILLS = 4

CHILD = """
import sys
import sqlalchemy as sa
from app.db import migrate as module
from app.db.sqlite_library import make_engine

def counted(url, **options):
    engine = make_engine(url, **options)
    @sa.event.listens_for(engine, "before_cursor_execute")
    def before(*_):
        print("statement", flush=True)
        sys.stdin.readline()
    return engine

module.make_engine = counted
module.migrate(sys.argv[1], sys.argv[2])
print("done", flush=True)
"""
"""Migrates, and waits for a line before each statement."""


def digests(url: str, tables: tuple[str, ...]) -> dict[str, str]:
    """Over all rows of each table, with the columns that it had in the first release."""
    engine = make_engine(url)
    found = {}
    with engine.connect() as connection:
        for name in tables:
            table = Base.metadata.tables[name]
            columns = [column for column in table.columns if column.name in COLUMNS[name]]
            rows = connection.execute(sa.select(*columns).order_by(*table.primary_key.columns))
            found[name] = hashlib.sha256(repr([tuple(row) for row in rows]).encode()).hexdigest()
    engine.dispose()
    return found


COLUMNS: dict[str, set[str]] = {}


@pytest.fixture(autouse=True)
def columns_of_the_first_release(tmp_path) -> None:
    if COLUMNS:
        return
    url = f"sqlite:///{tmp_path / 'first.db'}"
    migrate(url, FIRST)
    engine = make_engine(url)
    inspector = sa.inspect(engine)
    COLUMNS.update({name: {column["name"] for column in inspector.get_columns(name)} for name in DECIDED})
    engine.dispose()


@both_backends
def test_every_decision_is_the_same_after_going_down_and_up_again(filled):
    url = filled.settings.resolved_database_url
    filled.database.dispose()
    before = digests(url, DECIDED)
    assert len(set(before.values())) == len(DECIDED), "a table without rows would prove nothing"
    for _ in range(2):
        migrate(url, FIRST)
        migrate(url)
        assert digests(url, DECIDED) == before


@both_backends
def test_killed_before_any_statement_the_database_is_where_it_was(filled):
    url = filled.settings.resolved_database_url
    filled.database.dispose()
    migrate(url, FIRST)
    before = digests(url, DECIDED)
    rng = random.Random(os.urandom(8))
    statements, killed = 400, 0
    for _ in range(KILLS):
        died, seen = migrate_and_kill(url, "head", rng.randrange(1, statements))
        statements = min(statements, seen + 1)
        if not died:
            migrate(url, FIRST)
            continue
        killed += 1
        assert current_revision(url) == FIRST
        assert digests(url, DECIDED) == before
    assert killed
    migrate(url)
    assert current_revision(url) == newest_revision()
    assert digests(url, DECIDED) == before


def migrate_and_kill(url: str, target: str, at: int) -> tuple[bool, int]:
    """Migrate in a child that dies before its statement number ``at``; (whether it did, statements begun)."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, target], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for seen, line in enumerate(child.stdout):
        if line == "done\n":
            child.communicate()
            return False, seen
        if seen + 1 == at:
            child.send_signal(signal.SIGKILL)
            child.communicate()
            return True, at
        child.stdin.write("go\n")
        child.stdin.flush()
    child.communicate()
    raise AssertionError(f"the migration ended with status {child.returncode}")
