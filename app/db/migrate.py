"""Bringing a database to its newest migration, safely."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.db.sqlite_library import make_engine
from app.domain.errors import InvalidFile

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d-%%(hour).2d%%(minute).2d_%%(slug)s")
    return config


def newest_revision() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101 - the repository has at least one migration
    return head


def is_in_models(name: str | None, _kind: str = "", _parents: object = None) -> bool:
    """Whether the models tell of a table or an index; those for searching by text are made by a migration alone.

    What they are made of differs between databases, and may be missing (``app.db.repositories.text_search``).
    """
    return name is None or "_grams" not in name


def current_revision(url: str) -> str | None:
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def migrate(url: str, target: str = "head") -> None:
    """Move the database to ``target`` in one transaction, forward or (``base``, a revision) back.

    A SQLite database that has rows is copied beside itself first, as ``winnow.db.before-<revision>``.

    Raises:
        InvalidFile: the SQLite file was cut off or overwritten.
    """
    current = _read_revision(url)
    if target == "head" and current == newest_revision():
        return
    if url.startswith("sqlite") and current is not None:
        _copy_sqlite(url, current)
    engine = make_engine(url)
    try:
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _take_transactions_over)
            sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        with engine.begin() as connection:
            _run(connection, target, newer=_is_newer(target, current))
    finally:
        engine.dispose()


def _read_revision(url: str) -> str | None:
    try:
        return current_revision(url)
    except sa.exc.DatabaseError as error:
        # SQLite itself compares a file's length with what its first page says, so one that was cut off is found here.
        said = str(error.orig).lower()
        if "malformed" not in said and "not a database" not in said:
            raise
        raise InvalidFile(
            f"The database {sa.make_url(url).database} is damaged ({error.orig}). Nothing was changed. `winnow restore`"
            " puts a backup back; beside the file there may be copies from before migrations (winnow.db.before-...)."
        ) from error


def run_migrations(connection: sa.Connection, target: str = "head") -> None:
    """Move a database forward on a connection, as a part of its transaction.

    On SQLite its foreign keys must be off, as they are where nobody turned them on.
    """
    _run(connection, target, newer=True)


def knows_revision(revision: str) -> bool:
    """Whether this release has the migration, so that it can read a database that stands there."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _is_newer(target: str, current: str | None) -> bool:
    if target == "head" or current is None:
        return True
    if target == "base":
        return False
    older = {script.revision for script in ScriptDirectory.from_config(_config()).iterate_revisions(current, "base")}
    return target not in older


def _take_transactions_over(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()


def _run(connection: sa.Connection, target: str, *, newer: bool) -> None:
    config = _config()
    config.attributes["connection"] = connection
    if newer:
        command.upgrade(config, target)
    else:
        command.downgrade(config, target)


def _copy_sqlite(url: str, revision: str) -> None:
    path = sa.make_url(url).database
    if not path or not Path(path).exists():
        return
    copy = Path(f"{path}.before-{revision}")
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    engine = make_engine(url)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM INTO :copy"), {"copy": str(part)})
        with part.open("rb") as written:
            os.fsync(written.fileno())
        # An earlier one of this name is of an earlier try: people may have worked on since.
        part.replace(copy)
    finally:
        engine.dispose()
        part.unlink(missing_ok=True)


def write_revision(url: str, message: str) -> None:
    """Write a new migration from the difference between the models and the database at ``url``."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True)
    finally:
        engine.dispose()
