"""A backup: one moment of the database, and the files that it refers to, in one archive.

The moment comes first. What the database names at that moment is on the disk already and never changes afterwards, so
the files can be read while people go on working.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import __version__
from app.adapters.backup_archive import BackupWriter, chunks_of, new_backup
from app.db import backup as dump
from app.db.base import utc_now
from app.db.session import Database
from app.domain.errors import NotReady

SQLITE_FILE = "database/winnow.db"


@dataclass(frozen=True)
class Backup:
    """What a backup holds. ``missing``: files that the database names and the disk lacks, or has otherwise."""

    rows: int
    files: int
    bytes: int
    missing: list[str]


def make_backup(database: Database, data_dir: Path, output: Path) -> Backup:
    """Write a backup to ``output``, while others read and write.

    Raises:
        NotReady: the database has no tables yet.
        OutOfSpace: the disk is full; an earlier file at ``output`` stays.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with new_backup(output) as writer:
        told = _add_sqlite(database, writer, output.parent) if database.is_sqlite else _add_postgres(database, writer)
        files: list[dump.FileOfDatabase] = told.pop("files_of_database")
        missing = [file.path for file in files if not _add_file(writer, data_dir, file)]
        writer.finish({**told, "missing": missing})
    return Backup(sum(told["rows"].values()), len(writer.members), output.stat().st_size, missing)


def _add_sqlite(database: Database, writer: BackupWriter, folder: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=folder) as beside:
        path = Path(beside) / "winnow.db"
        taken = utc_now()
        dump.copy_sqlite(database, path)
        engine = dump.open_copy(path)
        try:
            with engine.connect() as connection:
                told = _describe(connection, "sqlite", taken.isoformat())
        finally:
            engine.dispose()
        with path.open("rb") as stream:
            writer.add(SQLITE_FILE, chunks_of(stream))
    return told


def _add_postgres(database: Database, writer: BackupWriter) -> dict[str, Any]:
    with _moment(database) as connection:
        told = _describe(connection, "postgresql", utc_now().isoformat())
        for table in told["rows"]:
            writer.add(f"database/{table}.rows", dump.read_rows(connection, table))
    return told


@contextmanager
def _moment(database: Database) -> Iterator[Any]:
    with database.moment() as session:
        yield session.connection()


def _describe(connection: Any, kind: str, taken_at: str) -> dict[str, Any]:
    revision = dump.current_revision_of(connection)
    if revision is None:
        raise NotReady("The database is empty: it has no tables, so there is nothing to back up.")
    return {
        "winnow": __version__,
        "taken_at": taken_at,
        "database": kind,
        "revision": revision,
        "rows": dump.count_rows(connection),
        "files_of_database": dump.files_of_database(connection),
    }


def _add_file(writer: BackupWriter, data_dir: Path, file: dump.FileOfDatabase) -> bool:
    try:
        stream = (data_dir / file.path).open("rb")
    except FileNotFoundError:
        return False
    with stream:
        added = writer.add(file.path, chunks_of(stream))
    return file.sha256 in (None, added.sha256)
