"""Statements that are written out once and then given to the driver as they are.

SQLAlchemy writes a statement anew, or looks it up, each time that it is executed: that costs fifteen times what SQLite
needs to answer it. What reviewers do every second (app/db/repositories/express.py) is said in SQLAlchemy's terms like
everything else, but written out once (docs/decisions/0026-express-lane.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Executable

Row = tuple[Any, ...]
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Written:
    """A statement in one dialect: its text, and what its values need on the way in and out."""

    text: str
    names: tuple[str, ...]
    is_positional: bool
    fixed: dict[str, Any]
    going_in: dict[str, Convert]
    coming_out: tuple[tuple[int, Convert], ...]

    def bind(self, values: dict[str, Any]) -> Any:
        fixed, going_in = self.fixed, self.going_in
        pairs = [
            fixed[name] if name in fixed else going_in[name](values[name]) if name in going_in else values[name]
            for name in self.names
        ]
        return pairs if self.is_positional else dict(zip(self.names, pairs, strict=True))

    def convert(self, row: Sequence[Any]) -> Row:
        if not self.coming_out:
            return tuple(row)
        out = list(row)
        for place, convert in self.coming_out:
            if out[place] is not None:
                out[place] = convert(out[place])
        return tuple(out)


_FLOAT8 = 701
"""PostgreSQL's number for the kind that all our fractions have; nothing else asks for the kind of a column."""


class Statement:
    """A statement, written out for each dialect on its first use.

    ``columns`` are those that an insert gives; all of them, because defaults are left to nobody.
    """

    def __init__(self, query: Executable, columns: Sequence[str] | None = None) -> None:
        self._query, self._columns = query, columns
        self._known: dict[str, _Written] = {}

    def on(self, dialect: Dialect) -> _Written:
        written = self._known.get(dialect.name)
        if written is None:
            written = self._known[dialect.name] = self._write(dialect)
        return written

    def _write(self, dialect: Dialect) -> _Written:
        query: Any = self._query
        compiled = query.compile(dialect=dialect, column_keys=self._columns)
        if compiled.post_compile_params or compiled.literal_execute_params:
            raise ValueError("a list (IN) is written anew for each execution: say it with OR")
        going_in = {
            name: convert
            for name, bound in compiled.binds.items()
            if (convert := bound.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        given = {name: bound.value for name, bound in compiled.binds.items() if not bound.required}
        fixed = {name: going_in[name](value) if name in going_in else value for name, value in given.items()}
        positions = compiled.positiontup
        return _Written(
            str(compiled), tuple(positions if positions is not None else compiled.binds), positions is not None,
            fixed, going_in, _coming_out(query, dialect),
        )  # fmt: skip


def _coming_out(query: Any, dialect: Dialect) -> tuple[tuple[int, Convert], ...]:
    columns: Any = getattr(query, "selected_columns", None)
    if columns is None:
        columns = getattr(query, "exported_columns", ())
    found = [
        (place, column.type.dialect_impl(dialect).result_processor(dialect, _FLOAT8))
        for place, column in enumerate(columns)
    ]
    return tuple((place, convert) for place, convert in found if convert is not None)


class Direct:
    """A transaction on a driver's connection. Who opened it ends it."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self._connection, self._dialect = connection, dialect

    @property
    def is_sqlite(self) -> bool:
        return self._dialect.name == "sqlite"

    def all(self, statement: Statement, **values: Any) -> list[Row]:
        written = statement.on(self._dialect)
        rows = self._connection.execute(written.text, written.bind(values)).fetchall()
        return [written.convert(row) for row in rows]

    def first(self, statement: Statement, **values: Any) -> Row | None:
        rows = self.all(statement, **values)
        return rows[0] if rows else None

    def run(self, statement: Statement, **values: Any) -> None:
        written = statement.on(self._dialect)
        self._connection.execute(written.text, written.bind(values))

    def run_many(self, statement: Statement, rows: Sequence[dict[str, Any]]) -> None:
        written = statement.on(self._dialect)
        if len(rows) == 1:  # mostly, and drivers make more of many
            self._connection.execute(written.text, written.bind(rows[0]))
        else:
            self._connection.cursor().executemany(written.text, [written.bind(values) for values in rows])

    def say(self, text: str) -> None:
        """Give the driver a word of its own, like ``SAVEPOINT``."""
        self._connection.execute(text)
