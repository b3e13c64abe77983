"""Tables of an export, from CSV or Parquet, one row at a time by column name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.domain.errors import InvalidFile
from app.domain.formats.csv_lines import BrokenRecord, Record, read_records
from app.domain.formats.flagged.rows import RAW, RejectedRow
from app.domain.formats.flagged.text import decode_text

MAX_COLUMNS = 2000
"""No detector writes more; a file that does is no table of flags."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its values by column name, the names in lower case. ``line`` is its line, or its number in Parquet."""

    line: int
    values: dict[str, Any]
    text: str | None = None

    @property
    def raw(self) -> str:
        return self.text[:RAW] if self.text is not None else shown(self.values)

    def get(self, *names: str) -> Any:
        """The first of these columns that holds something, as it stands there; "" where none does."""
        for name in names:
            value = self.values.get(name)
            if value is not None and value != "":
                return value
        return ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows are read as they are asked for."""

    columns: tuple[str, ...]
    read: Callable[[], Iterator[TableRow | RejectedRow]]

    def rows(self) -> Iterator[TableRow | RejectedRow]:
        return self.read()


ParquetReader = Callable[[bytes, str], Table]
"""Reads Parquet, given its bytes and a name for messages. Raises ``InvalidFile`` where it can't."""


def shown(value: object) -> str:
    """A value as text for the list of rejected rows, cut short."""
    try:
        return repr(value)[:RAW]
    except RecursionError:
        return "(nested too deeply to be shown)"


def header_of(text: str) -> tuple[list[str], str]:
    """The header's names in lower case, and what parts them: the sign that makes the most columns.

    Raises:
        InvalidFile: the first line can't be a header.
    """
    line = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max((",", ";", "\t", "|"), key=line.count)
    if line.count(delimiter) >= MAX_COLUMNS:
        raise InvalidFile(f"The header has {line.count(delimiter) + 1:,} columns; at most {MAX_COLUMNS:,} are read.")
    first = next(read_records(line, delimiter), None)
    if not isinstance(first, Record):
        raise InvalidFile(f"The header line is not CSV{f': {first.problem}' if first else ''}.")
    return [name.strip().lower() for name in first.fields], delimiter


def open_csv(data: bytes, name: str) -> Table:
    """Open a CSV by its header. Rows with too many or too few fields come as rejected ones.

    Raises:
        InvalidFile: it is no UTF-8 text, empty, or its header is none.
    """
    text = decode_text(data, name)
    columns, delimiter = header_of(text)
    if len(set(columns)) < len(columns):
        twice = next(column for index, column in enumerate(columns) if column in columns[:index])
        raise InvalidFile(f"{name} has the column {twice!r} twice.")
    return Table(tuple(columns), lambda: _csv_rows(text, columns, delimiter))


def _csv_rows(text: str, columns: list[str], delimiter: str) -> Iterator[TableRow | RejectedRow]:
    width = len(columns)
    records = read_records(text, delimiter)
    next(records)
    for record in records:
        if isinstance(record, BrokenRecord):
            reason = f"This row is not CSV (is a quote missing?): {record.problem}."
            yield RejectedRow(record.line, "unreadable_row", reason, record.text[:RAW])
        elif len(record.fields) != width:
            reason = f"The row has {len(record.fields)} fields; the header has {width}."
            yield RejectedRow(record.line, "wrong_field_count", reason, record.text[:RAW])
        else:
            yield TableRow(record.line, dict(zip(columns, map(str.strip, record.fields), strict=True)), record.text)
