"""Any table, read by a mapping that people made: CSV, TSV, Parquet, JSON records, or JSON line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Member, open_bundle
from app.domain.formats.flagged.column_mapping import ColumnMapping, ScoreDirection, check_columns
from app.domain.formats.flagged.contract import Format, Rows
from app.domain.formats.flagged.recognise import Export
from app.domain.formats.flagged.row_maker import BadScore, RowMaker
from app.domain.formats.flagged.rows import RAW, RejectedRow
from app.domain.formats.flagged.tables import MAX_COLUMNS, ParquetReader, Table, TableRow, shown
from app.domain.formats.flagged.text import decode_text

NAME = "mapped"
TITLE = "table with columns mapped by hand"

_LOOKED_AT = 1000
"""Columns of JSON are those that its first records have."""

_DECIMAL_COMMA = re.compile(r"-?\d{1,3},\d+")


def open_table(data: bytes, name: str, parquet: ParquetReader) -> Table:
    """The one table of an upload, whatever its columns are.

    Raises:
        InvalidFile: it holds none, or several, or is broken.
    """
    bundle = open_bundle(data, name, parquet)
    tables = bundle.find(lambda member: member.kind in ("csv", "json", "parquet"))
    if len(tables) != 1:
        listed = ", ".join(member.name for member in tables[:5])
        held = f"{len(tables)} tables ({listed} ...)" if tables else "no table"
        raise InvalidFile(
            f"{name} holds {held}. Columns are mapped in one CSV, JSON or Parquet file: send it by itself."
        )
    member = tables[0]
    return _json_table(member) if member.kind == "json" else member.table


def open_mapped(data: bytes, name: str, mapping: ColumnMapping, parquet: ParquetReader) -> Export:
    """Open an upload as its mapping says.

    Raises:
        InvalidFile: it holds no table, or is broken.
        InvalidInput: it lacks columns that the mapping names.
    """
    table = open_table(data, name, parquet)
    check_columns(mapping, table.columns, name)
    make = RowMaker()
    make.percent_used = True  # the mapping says what is percent
    format_ = Format(NAME, TITLE, mapping.scores, lambda bundle: 0, lambda bundle, make: iter(()))
    return Export(format_, map_rows(table.rows(), mapping, make), make, lambda: None)


def map_rows(rows: Iterator[TableRow | RejectedRow], mapping: ColumnMapping, make: RowMaker) -> Rows:
    """Make flags of a table's rows."""
    columns, constants = mapping.columns, mapping.constants
    score_name = columns.get("confidence", "confidence")[:100]
    is_column = "confidence" in columns
    as_told = _Severity(score_name, mapping.direction, mapping.percent, is_column)
    in_percent = _Severity(score_name, mapping.direction, True, is_column)
    for row in rows:
        if isinstance(row, RejectedRow):
            yield row
            continue
        fields: dict[str, Any] = {**constants, **{name: row.values.get(column) for name, column in columns.items()}}
        score, says_percent = _plain_number(fields.get("confidence"))
        yield make.make(
            row.line, fields.get("issue_type"), raw=row.raw, path=fields.get("image_path"),
            image_id=fields.get("image_id"), label=fields.get("label"), score=score,
            score_name=score_name, severity=in_percent if says_percent else as_told,
            suggested=fields.get("suggested_label"), reason=fields.get("reason"), group=fields.get("group"),
        )  # fmt: skip


class _Severity:
    """Makes 0..1 with higher being worse of a score."""

    def __init__(self, name: str, direction: ScoreDirection, percent: bool, is_column: bool) -> None:
        self._name, self._percent = name, percent and is_column
        self._is_turned = is_column and direction is ScoreDirection.LOWER

    def __call__(self, score: float) -> float:
        share = score / 100 if self._percent else score
        if not 0.0 <= share <= 1.0:
            hint = " If the column gives percent, say so in the mapping." if not self._percent and score <= 100 else ""
            wanted = "0 to 100 %" if self._percent else "0 to 1"
            raise BadScore(f"The {self._name} {score:g} is outside {wanted}.{hint if score > 0 else ''}")
        return 1.0 - share if self._is_turned else share


def _plain_number(value: object) -> tuple[object, bool]:
    """A cell's number as Python reads it, and whether the cell itself says percent."""
    if not isinstance(value, str):
        return value, False
    number = value.removesuffix("%").strip()
    if _DECIMAL_COMMA.fullmatch(number):
        number = number.replace(",", ".")
    return number, value.endswith("%")


def _json_table(member: Member) -> Table:
    if (lines := _json_lines(member)) is not None:
        read = lambda: iter(lines)  # noqa: E731 - a Table takes one
        return Table(_columns_of([row.values for row in lines if isinstance(row, TableRow)], member.name), read)
    keys = list(dict.fromkeys(item.key for item in member.first_items if item.number))
    keys = [key for key in keys if any(isinstance(value, dict) for value in member.first_of(key))]
    if len(keys) != 1:
        held = f"{len(keys)} lists of records ({', '.join(map(str, keys))})" if keys else "no list of records"
        raise InvalidFile(f"{member.name} holds {held}. Columns are mapped in one: [{{...}}, {{...}}].")
    key = keys[0]
    first: list[Mapping[str, Any]] = []
    for row in _records(member, key):
        if isinstance(row, TableRow):
            first.append(row.values)
        if len(first) >= _LOOKED_AT:
            break
    return Table(_columns_of(first, member.name), lambda: _records(member, key))


def _records(member: Member, key: str | None) -> Iterator[TableRow | RejectedRow]:
    for item in member.items(*([key] if key else [])):
        if item.key == key and item.number:
            yield _record(item.line, item.value)


def _json_lines(member: Member) -> list[TableRow | RejectedRow] | None:
    """The rows of a file that has one object a line; None where it is no such file."""
    text = decode_text(member.data, member.name)
    lines = text.splitlines()
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if len(filled) < 2 or not all(_is_object(line) for _, line in filled[:2]):
        return None
    rows: list[TableRow | RejectedRow] = []
    for number, line in filled:
        try:
            rows.append(_record(number, json.loads(line)))
        except (ValueError, RecursionError) as error:
            rows.append(RejectedRow(number, "unreadable_row", f"This line is not JSON: {error}.", line[:RAW]))
    return rows


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _record(line: int, value: Any) -> TableRow | RejectedRow:
    if not isinstance(value, dict):
        return RejectedRow(line, "unreadable_row", "This is no record: {...} is expected.", shown(value))
    return TableRow(line, {str(name).strip().lower(): cell for name, cell in value.items()})


def _columns_of(records: list[Mapping[str, Any]], name: str) -> tuple[str, ...]:
    columns = tuple(dict.fromkeys(column for record in records for column in record))
    if not columns or len(columns) > MAX_COLUMNS:
        raise InvalidFile(f"{name} has {len(columns):,} columns; from 1 to {MAX_COLUMNS:,} can be mapped.")
    return columns
