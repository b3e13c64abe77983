"""New rows by the hundred thousand: as the driver takes them best."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast

from sqlalchemy import JSON, Dialect, Float, Select, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.base import Base
from app.db.grams import texts_indexed_at_once

_MANY = 20_000
"""So many new rows are worth making indexes anew."""

_CHUNK = 5_000
"""Rows that go to PostgreSQL at once."""


def add_rows(
    session: Session,
    model: type[Base],
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    shared: Mapping[str, Any] | None = None,
) -> None:
    """Add rows with values for the columns ``names``; ``shared`` has those in which all rows are alike.

    Nothing is filled in but the number that the database gives. SQLAlchemy and, with PostgreSQL, the driver handle each
    row of an insert by itself: that took most of an import.
    """
    if not rows:
        return
    connection, table = session.connection(), cast(Table, model.__table__)
    driver: Any = connection.connection.driver_connection
    same = dict(shared or {})
    columns = [table.c[name] for name in (*same, *names)]
    quote = connection.dialect.identifier_preparer
    listed = f"{quote.format_table(table)} ({', '.join(quote.format_column(column) for column in columns)})"
    with _known_errors(connection.dialect):
        if connection.dialect.name == "sqlite":
            with (
                _indexes_made_anew(driver, table.name, len(rows)),
                texts_indexed_at_once(driver, table.name, names, rows),
            ):
                _insert(driver, connection.dialect, listed, columns, tuple(same.values()), rows)
        else:
            _copy(driver, listed, columns, tuple(same.values()), rows)


def _insert(
    driver: Any,
    dialect: Dialect,
    listed: str,
    columns: Sequence[Any],
    start: tuple[Any, ...],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    converts = [_convert(column, dialect) for column in columns]
    start = tuple(convert(value) for convert, value in zip(converts, start, strict=False))
    own = converts[len(start) :]
    if any(convert is not _as_it_is for convert in own):
        rows = (tuple(convert(value) for convert, value in zip(own, row, strict=True)) for row in rows)
    places = ", ".join("?" for _ in columns)
    driver.executemany(f"INSERT INTO {listed} VALUES ({places})", map(start.__add__, rows))  # noqa: S608 - our own names


@contextmanager
def _indexes_made_anew(driver: Any, table: str, count: int) -> Iterator[None]:
    """Where more rows come than there are, SQLite sorts each index once instead of finding every row's place in it.

    All of it is part of the transaction, which has the database's only write lock anyhow; readers see the indexes as
    they were. PostgreSQL would keep readers out.
    """
    indexes = []
    if count >= _MANY:
        (known,) = driver.execute(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT {count})").fetchone()  # noqa: S608
        if known < count:
            query = (
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? "
                "AND sql IS NOT NULL AND sql NOT LIKE 'CREATE UNIQUE%'"  # those refuse rows while they come
            )
            indexes = driver.execute(query, (table,)).fetchall()
    for name, _ in indexes:
        driver.execute(f'DROP INDEX "{name}"')
    yield
    for _, sql in indexes:
        driver.execute(sql)


def _copy(
    driver: Any, listed: str, columns: Sequence[Any], start: tuple[Any, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Write rows in the text format of PostgreSQL's COPY, column by column: the driver takes each value by itself.

    What comes to the indexes of texts is noted down, to be sorted in by a vacuum or the next few rows; what is noted
    down is searched, too.
    """
    driver.execute("SET LOCAL gin_pending_list_limit = '1GB'")
    shared = [_as_fields(column, (value,)) for column, value in zip(columns, start, strict=False)]
    rest = iter(rows)
    with driver.cursor() as cursor, cursor.copy(f"COPY {listed} FROM STDIN") as copy:
        while some := list(islice(rest, _CHUNK)):
            fields = [field * len(some) for field in shared]
            fields += map(_as_fields, columns[len(start) :], zip(*some, strict=True))
            copy.write("\n".join(map("\t".join, zip(*fields, strict=True))) + "\n")


_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _as_fields(column: Any, values: Sequence[Any]) -> list[str]:
    """Values of one column as COPY's text format has them."""
    if isinstance(column.type, JSON):
        values = [json.dumps(value) for value in values]
    kinds = set(map(type, values))
    if kinds <= {int, float}:
        return list(map(repr, values))
    if kinds == {str} and not _SPECIAL.search("".join(values)):
        return list(values)
    return ["\\N" if value is None else _escape(_as_text(value)) for value in values]


def _as_text(value: Any) -> str:
    return float.__repr__(value) if isinstance(value, float) else str(value)


def _escape(value: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], value)


def count_anew(session: Session, *models: type[Base]) -> None:
    """Let PostgreSQL look at tables that grew at once: by what it knew before, a page of 200 took two seconds.

    It does so by itself a minute later. SQLite plans by the indexes alone.
    """
    if session.get_bind().dialect.name == "postgresql":
        for model in models:
            session.execute(text(f"ANALYZE {model.__tablename__}"))


def read_rows(session: Session, query: Select[*tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """All rows of a query of plain texts and numbers, as the driver gives them: half the time for 200,000 rows."""
    connection = session.connection()
    compiled = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    result = connection.exec_driver_sql(str(compiled), _parameters(compiled))
    cursor: Any = result.cursor
    try:
        return list(cursor.fetchall())
    finally:
        result.close()


def _parameters(compiled: Any) -> Any:
    values = compiled.construct_params()
    return tuple(values[name] for name in compiled.positiontup) if compiled.positional else values


def _convert(column: Any, dialect: Dialect) -> Callable[[Any], Any]:
    if isinstance(column.type, Float):
        return _as_it_is  # they are numbers already
    found: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return found or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


@contextmanager
def _known_errors(dialect: Dialect) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy does, which is what the rest of Winnow knows."""
    driver: Any = dialect.dbapi
    try:
        yield
    except driver.Error as error:
        raise DBAPIError.instance("", None, error, driver.Error, dialect=dialect) from error
