"""Tables with ``is_<issue>`` and ``<issue>_score`` columns, as CleanVision, Datalab and Cleanlab Studio write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Rows
from app.domain.formats.flagged.row_maker import RowMaker, lower_is_worse, read_truth
from app.domain.formats.flagged.row_names import as_index, read_names
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.flagged.tables import Table, TableRow

PATHS = ("image_path", "path", "filepath", "file_path", "filename", "file_name", "file", "image")
_INDEXES = ("", "index", "unnamed: 0", "cleanlab_row_id", "id")
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Column:
    """One issue's two columns."""

    issue: str
    flag: str
    score: str


@dataclass
class Reading:
    """How one tool's table is read."""

    tool: str
    columns_of: Callable[[frozenset[str]], list[Column]]
    severity: Callable[[str], Callable[[float], float]] = field(default=lambda issue: lower_is_worse)
    groups: dict[str, dict[str, str]] = field(default_factory=dict)
    """Group by issue and image, where duplicate sets came along."""


def flag_columns(columns: frozenset[str], flag: str, *scores: str) -> list[Column]:
    """Pairs of columns, by patterns in which ``*`` stands for the issue."""
    pattern = re.compile(re.escape(flag).replace(r"\*", "(.+)") + r"\Z")
    found = []
    for name in sorted(columns):
        if matched := pattern.match(name):
            issue = matched.group(1)
            score = next((s.replace("*", issue) for s in scores if s.replace("*", issue) in columns), "")
            found.append(Column(issue, name, score))
    return found


def open_tables(bundle: Bundle, members: list[Member], make: RowMaker, reading: Reading) -> Rows:
    """Check what can be known at once, then give the rows."""
    names = read_names(bundle)
    for member in members:
        if not reading.columns_of(frozenset(member.table.columns)):
            raise InvalidFile(f"{member.name} has no is_..._issue columns, as {reading.tool} writes them.")
        _check_names(member, names, reading.tool)
    return _rows(members, names, make, reading)


def _check_names(member: Member, names: dict[int, str], tool: str) -> None:
    if names or {*member.table.columns} & {*PATHS}:
        return
    first = next((row for row in member.table.rows() if isinstance(row, TableRow)), None)
    index = first.get(*_INDEXES) if first else "a path"
    if index == "" or as_index(index) is not None:
        raise InvalidFile(
            f"{member.name} says which row, not which image: {tool} numbered them. Add a column 'image_path', or "
            "pack it into one zip with a text file that has one path a line, in the same order."
        )


def _rows(members: list[Member], names: dict[int, str], make: RowMaker, reading: Reading) -> Rows:
    for member in members:
        make.where = f"{member.name}: " if len(members) > 1 else ""
        columns = reading.columns_of(frozenset(member.table.columns))
        yield from _table_rows(member.table, columns, names, make, reading)
    make.where = ""


def _table_rows(table: Table, columns: list[Column], names: dict[int, str], make: RowMaker, reading: Reading) -> Rows:
    for number, row in enumerate(table.rows()):
        if isinstance(row, RejectedRow):
            yield make.placed(row)
            continue
        path = ""
        for column in columns:
            stands = read_truth(row.values.get(column.flag))
            if stands is False:
                continue
            path = path or _path(row, number, names)
            yield (
                _row(row, column, path, make, reading)
                if stands
                else make.reject(row.line, "bad_flag", f"{column.flag} is neither True nor False.", row.raw)
            )


def _path(row: TableRow, number: int, names: dict[int, str]) -> str:
    named = row.get(*PATHS)
    if named:
        return str(named)
    index = row.get(*_INDEXES)
    if not names:
        return str(index)
    position = number if index == "" else as_index(index)
    return names.get(position, "") if position is not None else str(index)


def _row(row: TableRow, column: Column, path: str, make: RowMaker, reading: Reading) -> FlaggedRow | RejectedRow:
    is_label = column.issue == "label"
    given = row.get("given_label")
    group: Any = reading.groups.get(column.issue, {}).get(path) or row.get(f"{column.issue}_cluster_id")
    if not group and (others := _NUMBERS.findall(str(row.get(f"{column.issue}_sets")))):
        members = sorted({int(other[:18]) for other in others} | {as_index(row.get(*_INDEXES)) or 0})
        group = f"{column.issue} {members[0]}" if as_index(row.get(*_INDEXES)) is not None else None
    return make.make(
        row.line, column.issue, raw=row.raw, path=path, label=given, score=row.values.get(column.score),
        score_name=column.score or "score", severity=reading.severity(column.issue), group=group,
        suggested=row.get("predicted_label", "suggested_label") if is_label else None,
    )  # fmt: skip
