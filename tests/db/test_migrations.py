"""Migrations build exactly what the models say, go back and forth, and lose nothing."""

from __future__ import annotations

import shutil

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from app.db import models  # noqa: F401 - makes the metadata complete
from app.db.base import Base
from app.db.migrate import current_revision, is_in_models, migrate, newest_revision
from app.db.models.reviews import SampleState
from app.db.session import Database
from app.db.sqlite_library import make_engine
from tests.fixtures.databases import both_backends


def differences(url: str) -> list:
    engine = make_engine(url)
    with engine.connect() as connection:
        options = {"compare_type": True, "render_as_batch": True, "include_name": is_in_models}
        context = MigrationContext.configure(connection, opts=options)
        found = compare_metadata(context, Base.metadata)
    engine.dispose()
    return found


def tables(url: str) -> set[str]:
    engine = make_engine(url)
    names = set(sa.inspect(engine).get_table_names())
    engine.dispose()
    return names


@both_backends
def test_migrations_build_what_the_models_say(empty_url):
    migrate(empty_url)
    assert differences(empty_url) == []
    assert current_revision(empty_url) == newest_revision()


@both_backends
def test_the_indexes_of_texts_are_there_with_all_that_keeps_them_up(empty_url):
    """A migration that makes a table anew would lose its triggers, and searches would miss what came since."""
    migrate(empty_url)
    engine = make_engine(empty_url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars()
            ends = ("new", "gone", "changed_from", "changed_to")
            expected = {f"{name}_grams_{end}" for name in ("reason", "note") for end in ends}
            assert expected | {"key_grams_new", "key_grams_gone"} <= set(found)
        else:
            found = connection.exec_driver_sql("SELECT indexname FROM pg_indexes").scalars()
            assert {"ix_flags_reason_grams", "ix_samples_key_grams", "ix_reviews_note_grams"} <= set(found)
    engine.dispose()


@both_backends
def test_migrations_go_up_and_down_and_up_again(empty_url):
    migrate(empty_url)
    full = tables(empty_url)
    migrate(empty_url, "base")
    assert tables(empty_url) == {"alembic_version"}
    migrate(empty_url)
    assert tables(empty_url) == full
    assert differences(empty_url) == []


@both_backends
def test_going_back_one_step_and_up_again_keeps_every_row(world):
    world.flag("train/cat/0.png", "train/dog/1.png")
    world.submit("alice", "train/cat/0.png", "keep")
    before = counts(world.database)
    world.database.dispose()
    migrate(world.settings.resolved_database_url, "0001_first_tables")
    migrate(world.settings.resolved_database_url)
    # Going back takes what the tables of later steps held; listing the folder again brings it back.
    assert counts(world.database) == {**before, "listings": 0}
    assert before["review_events"] == before["listings"] == 1


@both_backends
def test_going_back_before_bulk_decisions_opens_what_they_settled(world):
    world.flag("train/cat/0.png", "train/dog/1.png")
    world.submit("alice", "train/cat/0.png", "keep")
    with world.database.writing() as session:
        settled = sa.update(SampleState).where(SampleState.sample_id == world.ids["train/dog/1.png"])
        session.execute(settled.values(state="resolved", decision="remove", how="bulk", by=["lena"]))
    world.database.dispose()
    migrate(world.settings.resolved_database_url, "0008_teams")
    migrate(world.settings.resolved_database_url)
    opened, kept = world.state("train/dog/1.png"), world.state("train/cat/0.png")
    assert (opened.state, opened.decision, opened.how, opened.by, opened.tags) == ("open", None, None, [], [])
    assert (kept.state, kept.decision, kept.how) == ("resolved", "keep", "sole")


def counts(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {
            table.name: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


def test_migrating_a_file_with_rows_copies_it_first(settings):
    url = settings.resolved_database_url
    newest = newest_revision()
    migrate(url, "0001_first_tables")
    copy = settings.data_dir / f"winnow.db.before-{newest}"
    assert copy.exists()
    assert current_revision(f"sqlite:///{copy}") == newest


def test_the_copy_is_of_now_and_whole(settings, monkeypatch):
    url, newest = settings.resolved_database_url, newest_revision()
    copy = settings.data_dir / f"winnow.db.before-{newest}"
    copy.write_bytes(b"of an earlier try")
    (settings.data_dir / f"{copy.name}.part").write_bytes(b"half")
    with monkeypatch.context() as patch:
        patch.setattr("app.db.migrate.os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            migrate(url, "0001_first_tables")
    assert copy.read_bytes() == b"of an earlier try"
    migrate(url, "0001_first_tables")
    assert current_revision(f"sqlite:///{copy}") == newest
    assert sorted(path.name for path in settings.data_dir.iterdir()) == ["winnow.db", copy.name]


def test_migrating_what_is_up_to_date_touches_nothing(settings):
    before = (settings.data_dir / "winnow.db").read_bytes()
    migrate(settings.resolved_database_url)
    assert (settings.data_dir / "winnow.db").read_bytes() == before
    assert [path.name for path in settings.data_dir.iterdir()] == ["winnow.db"]


def test_a_migration_that_fails_leaves_the_database_as_it_was(settings, monkeypatch, sqlite_template):
    migrate(settings.resolved_database_url, "0001_first_tables")
    from app.db import migrate as module

    def break_in_the_middle(connection: sa.Connection, target: str, *, newer: bool) -> None:
        connection.exec_driver_sql("DROP TABLE audit_entries")
        raise RuntimeError("power cut")

    monkeypatch.setattr(module, "_run", break_in_the_middle)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate(settings.resolved_database_url)
    assert "audit_entries" in tables(settings.resolved_database_url)


def test_foreign_keys_are_off_while_a_migration_rebuilds_tables(settings, tmp_path):
    """With them on, SQLite deletes what refers to a table that a batch operation rebuilds."""
    from app.db import migrate as module

    seen = []
    copy = tmp_path / "copy.db"
    shutil.copy(settings.data_dir / "winnow.db", copy)

    def look(connection: sa.Connection, target: str, *, newer: bool) -> None:
        seen.append(connection.exec_driver_sql("PRAGMA foreign_keys").scalar())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_run", look)
        migrate(f"sqlite:///{copy}", "base")
    assert seen == [0]
