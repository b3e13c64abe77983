"""New rows by the hundred thousand: as the driver takes them best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.base import Base
from app.db.direct import Direct, Statement


def add_rows(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Add rows, each with the same columns. Nothing is filled in but the number that the database gives.

    SQLAlchemy and, with PostgreSQL, the driver handle each row by itself in an insert: that took most of an import.
    """
    if not rows:
        return
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    names = list(rows[0])
    with _known_errors(connection.dialect):
        if connection.dialect.name == "sqlite":
            statement = Statement(insert(model.__table__), names)  # type: ignore[arg-type]
            Direct(driver, connection.dialect).run_many(statement, rows)
        else:
            _copy(driver, connection.dialect, model.__table__, names, rows)


def _copy(driver: Any, dialect: Dialect, table: Any, names: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    quote = dialect.identifier_preparer
    columns = [table.c[name] for name in names]
    listed = ", ".join(quote.format_column(column) for column in columns)
    converts = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
    pairs = list(zip(names, converts, strict=True))
    with driver.cursor() as cursor, cursor.copy(f"COPY {quote.format_table(table)} ({listed}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([convert(row[name]) if convert else row[name] for name, convert in pairs])


@contextmanager
def _known_errors(dialect: Dialect) -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy does, which is what the rest of Winnow knows."""
    driver: Any = dialect.dbapi
    try:
        yield
    except driver.Error as error:
        raise DBAPIError.instance("", None, error, driver.Error, dialect=dialect) from error
