"""One moment of a database, taken out while people go on writing, and put into another database again.

SQLite: its own file, copied by SQLite's backup interface. PostgreSQL: the rows of each table as ``COPY`` writes them,
in one transaction that sees one moment; no client programs are needed, and any newer server takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.base import Base
from app.db.migrate import is_in_models, run_migrations
from app.db.models.accounts import AuditEntry
from app.db.models.imports import Import
from app.db.models.jobs import Job, JobShard
from app.db.models.manifests import ManifestImport
from app.db.models.projects import Project
from app.db.models.versions import Version, VersionFile
from app.db.session import Database
from app.db.sqlite_library import make_engine, sqlite
from app.domain.errors import InvalidFile, NotReady
from app.domain.jobs import LIVE

REVISIONS = "alembic_version"
Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class FileOfDatabase:
    """A file in the data folder that the database refers to; ``sha256`` where the database knows it."""

    path: str
    sha256: str | None


def copy_sqlite(database: Database, target: Path) -> None:
    """Copy a SQLite database as it is at one moment.

    With a write-ahead log nobody waits; with a rollback journal writers wait until the copy is done.
    """
    source = database.engine.raw_connection()
    with closing(source), closing(sqlite.connect(str(target))) as copy:
        source.driver_connection.backup(copy)  # type: ignore[union-attr]
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, whole without others beside it


def tables_of(connection: sa.Connection) -> list[sa.Table]:
    """All tables but the one of revisions and what follows from others, each after those that it refers to."""
    found = sa.MetaData()
    found.reflect(connection, only=lambda name, _: is_in_models(name))
    return [table for table in found.sorted_tables if table.name != REVISIONS]


def count_rows(connection: sa.Connection) -> Counts:
    """Rows of each table; the tables in the order in which they can be filled."""
    counted = {
        table.name: connection.scalar(select(sa.func.count()).select_from(table)) for table in tables_of(connection)
    }
    return {name: count or 0 for name, count in counted.items()}


def current_revision_of(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(REVISIONS):
        return None
    found: str | None = connection.scalar(sa.text(f"SELECT version_num FROM {REVISIONS}"))  # noqa: S608 - a constant
    return found


def read_rows(connection: sa.Connection, table: str) -> Iterator[bytes]:
    """A table of PostgreSQL as ``COPY`` writes it: its columns' names first, then a line a row."""
    described = next(t for t in tables_of(connection) if t.name == table)
    columns = ", ".join(_quoted(column.name) for column in described.columns)
    yield (",".join(column.name for column in described.columns) + "\n").encode()
    with _driver(connection).cursor() as cursor, cursor.copy(f"COPY {_quoted(table)} ({columns}) TO STDOUT") as rows:
        for part in rows:
            yield bytes(part)


def write_rows(connection: sa.Connection, table: str, parts: Iterable[bytes]) -> None:
    """Put rows that ``read_rows`` gave into an empty table."""
    stream = iter(parts)
    head = b""
    while b"\n" not in head:
        head += next(stream)
    names, _, rest = head.partition(b"\n")
    columns = ", ".join(_quoted(name) for name in names.decode().split(","))
    with _driver(connection).cursor() as cursor, cursor.copy(f"COPY {_quoted(table)} ({columns}) FROM STDIN") as rows:
        rows.write(rest)
        for part in stream:
            rows.write(part)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection


def files_of_database(connection: sa.Connection) -> list[FileOfDatabase]:
    """What lies in the data folder and can't be made again, or is needed by a job that is under way."""
    versions = connection.execute(
        select(Project.slug, Version.number, VersionFile.name, VersionFile.sha256)
        .join(Version, Version.id == VersionFile.version_id)
        .join(Project, Project.id == Version.project_id)
        .order_by(VersionFile.id)
    )
    found = {f"versions/{slug}/v{number}/{name}": digest for slug, number, name, digest in versions}
    manifests = {f"{path.rsplit('/', 1)[0]}/MANIFEST.json": None for path in found}
    uploads = {
        f"uploads/{name}": digest
        for table in (Import, ManifestImport)
        for name, digest in connection.execute(select(table.stored_name, table.file_sha256))
    }
    shards = select(JobShard.result_path, JobShard.result_sha256).join(Job, Job.id == JobShard.job_id)
    results = connection.execute(shards.where(Job.state.in_(LIVE), JobShard.result_path.is_not(None)))
    under_way = {f"results/{path}": digest for path, digest in results}
    return [FileOfDatabase(path, digest) for path, digest in {**manifests, **found, **uploads, **under_way}.items()]


def open_copy(path: Path) -> sa.Engine:
    """An engine on the file that ``copy_sqlite`` wrote."""
    return make_engine(f"sqlite:///{path}")


def has_people_or_projects(url: str) -> bool:
    """Whether anybody has worked in this database, as far as can be seen from it."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            there = set(sa.inspect(connection).get_table_names())
            return any(
                connection.scalar(sa.text(f"SELECT count(*) FROM {name}"))  # noqa: S608 - two constants
                for name in ("users", "projects")
                if name in there
            )
    finally:
        engine.dispose()


def was_restored(url: str, restore_id: str) -> bool:
    """Whether the transaction of this restore was committed."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table(AuditEntry.__tablename__):
                return False
            entries = connection.scalars(select(AuditEntry.detail).where(AuditEntry.action == "restored"))
            return any(detail.get("restore") == restore_id for detail in entries)
    finally:
        engine.dispose()


def settle_sqlite(path: Path, expected: Counts, told: Mapping[str, Any]) -> None:
    """Check the rows of a restored file, bring it to the newest migration and note where it came from."""
    engine = make_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            _check_counts(connection, expected)
            run_migrations(connection)
            _note(connection, told)
    finally:
        engine.dispose()


def fill_postgres(
    url: str,
    revision: str,
    expected: Counts,
    tables: Iterable[tuple[str, Iterable[bytes]]],
    told: Mapping[str, Any],
) -> None:
    """Replace everything of ours in a PostgreSQL database, in one transaction.

    Raises:
        NotReady: somebody else is connected: a server or a worker still runs.
        InvalidFile: not as many rows came in as went out.
    """
    engine = make_engine(url, hide_parameters=True)
    try:
        with engine.begin() as connection:
            _check_alone(connection)
            _drop_everything(connection)
            run_migrations(connection, revision)
            for name, parts in tables:
                write_rows(connection, name, parts)
            _set_sequences(connection)
            _check_counts(connection, expected)
            run_migrations(connection)
            _note(connection, told)
    finally:
        engine.dispose()


def _check_alone(connection: sa.Connection) -> None:
    others = connection.scalar(
        sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
    )
    if others:
        raise NotReady(
            f"{others} other connections use this database. Stop the web server and all workers, then restore again."
        )


def _drop_everything(connection: sa.Connection) -> None:
    ours = {*Base.metadata.tables, REVISIONS}
    there = [name for name in sa.inspect(connection).get_table_names() if name in ours]
    if there:
        connection.execute(sa.text(f"DROP TABLE {', '.join(_quoted(name) for name in there)} CASCADE"))
    connection.execute(sa.text("DROP FUNCTION IF EXISTS refuse_change()"))


def _set_sequences(connection: sa.Connection) -> None:
    for table in tables_of(connection):
        for column in table.columns:
            sequence = connection.scalar(
                sa.text("SELECT pg_get_serial_sequence(:table, :column)"),
                {"table": _quoted(table.name), "column": column.name},
            )
            if sequence:
                highest = connection.scalar(select(sa.func.max(column)))
                connection.execute(
                    sa.text("SELECT setval(:sequence, :value, :used)"),
                    {"sequence": sequence, "value": highest or 1, "used": highest is not None},
                )


def _check_counts(connection: sa.Connection, expected: Counts) -> None:
    found = count_rows(connection)
    for name, count in expected.items():
        if found.get(name) != count:
            raise InvalidFile(
                f"The backup's manifest names {count:,} rows of {name}, but {found.get(name, 0):,} came in. "
                "Nothing was restored."
            )


def _note(connection: sa.Connection, told: Mapping[str, Any]) -> None:
    with Session(bind=connection, join_transaction_mode="create_savepoint") as session:
        session.add(AuditEntry(action="restored", user_id=None, detail=dict(told)))
        session.commit()
