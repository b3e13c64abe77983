"""New rows by the hundred thousand: as the driver takes them best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Dialect, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.base import Base


def add_rows(
    session: Session, model: type[Base], rows: Sequence[dict[str, Any]], shared: Mapping[str, Any] | None = None
) -> None:
    """Add rows, each with the same columns; ``shared`` has those in which all rows are alike.

    Nothing is filled in but the number that the database gives. SQLAlchemy and, with PostgreSQL, the driver handle each
    row of an insert by itself: that took most of an import.
    """
    if not rows:
        return
    connection, table = session.connection(), cast(Table, model.__table__)
    driver: Any = connection.connection.driver_connection
    names, same = list(rows[0]), dict(shared or {})
    columns = [table.c[name] for name in (*same, *names)]
    converts = [_convert(column, connection.dialect) for column in columns]
    start = [convert(value) for convert, value in zip(converts, same.values(), strict=False)]
    pairs = list(zip(names, converts[len(same) :], strict=True))
    ready = ([*start, *(convert(row[name]) for name, convert in pairs)] for row in rows)
    quote = connection.dialect.identifier_preparer
    listed = f"{quote.format_table(table)} ({', '.join(quote.format_column(column) for column in columns)})"
    with _known_errors(connection.dialect):
        if connection.dialect.name == "sqlite":
            places = ", ".join("?" for _ in columns)
            driver.executemany(f"INSERT INTO {listed} VALUES ({places})", ready)  # noqa: S608 - our own names
            return
        with driver.cursor() as cursor, cursor.copy(f"COPY {listed} FROM STDIN") as copy:
            for row in ready:
                copy.write_row(row)


def count_anew(session: Session, *models: type[Base]) -> None:
    """Let PostgreSQL look at tables that grew at once: by what it knew before, a page of 200 took two seconds.

    It does so by itself a minute later. SQLite plans by the indexes alone.
    """
    if session.get_bind().dialect.name == "postgresql":
        for model in models:
            session.execute(text(f"ANALYZE {model.__tablename__}"))


def _convert(column: Any, dialect: Dialect) -> Callable[[Any], Any]:
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
