"""The guide's CSV column by column: an import of 200,000 rows is previewed while somebody waits.

It says what ``GuideCsv.rows`` says. Rows that need a second look go through that code one by one; where rows depend on
each other (an id that names two images), or the file is not whole, ``read_columns`` gives up and leaves it all to it.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import compress

import numpy as np
import numpy.typing as npt

from app.domain.formats.csv_lines import MAX_FIELD, MAX_ROW_LINES, exact_reader
from app.domain.formats.flagged.rows import CONTROL, MAX_LENGTHS, RAW, FlaggedRow, RejectedRow, find_issue
from app.domain.formats.guide_csv import GuideCsv
from app.domain.samples import Flag, IssueType

Flags = npt.NDArray[np.bool_]


@dataclass
class FlaggedColumns:
    """Good rows as columns of one length, and ``others``: rows that were read one by one, by line."""

    lines: list[int]
    image_ids: Sequence[str]
    image_paths: Sequence[str]
    labels: Sequence[str | None]
    issues: list[IssueType]
    raw_types: Sequence[str]
    confidences: Sequence[float | None]
    suggested: list[str | None]
    reasons: list[str | None]
    groups: list[str | None]
    others: list[FlaggedRow | RejectedRow]

    def row(self, n: int) -> FlaggedRow:
        flag = Flag(
            self.issues[n], self.raw_types[n], self.confidences[n], self.suggested[n], self.reasons[n], self.groups[n]
        )
        return FlaggedRow(self.lines[n], self.image_ids[n], self.image_paths[n], self.labels[n], flag)

    def without(self, rows: Sequence[int]) -> FlaggedColumns:
        """The same without some of the rows."""
        left = set(rows)
        kept = [n not in left for n in range(len(self.lines))]
        columns = {
            column.name: list(compress(getattr(self, column.name), kept))
            for column in fields(self)
            if column.name != "others"
        }
        return replace(self, **columns)


@dataclass
class _Parsed:
    """The rows below the header: those with as many fields as it, by column, and the others."""

    starts: list[int]
    """The line that each whole row begins on, from 1."""
    columns: list[list[str]]
    broken: list[tuple[int, list[str], str]]
    """Line, fields and text of rows with another number of fields."""
    text: Callable[[int], str]
    """A whole row as it stands in the file."""


def read_columns(source: GuideCsv) -> FlaggedColumns | None:
    """Read all rows at once; None where they have to be read one by one."""
    parse = _parse_quoted if '"' in source.text else _parse_plain
    parsed = parse(source.text, source.delimiter, source.width)
    if parsed is None:
        return None
    texts = {name: list(map(str.strip, parsed.columns[index])) for name, index in source.columns.items()}
    if _has_clash(texts):
        return None
    fine = np.ones(len(parsed.starts), dtype=bool)
    _check_texts(texts, fine)
    confidences = _confidences(source, texts.get("confidence"), fine)
    others = _read_others(source, parsed, fine)
    starts = parsed.starts
    if not fine.all():
        kept = fine.tolist()
        texts = {name: list(compress(column, kept)) for name, column in texts.items()}
        starts, confidences = list(compress(starts, kept)), list(compress(confidences, kept))
    return _columns(source, starts, texts, confidences, others)


def _read_others(source: GuideCsv, parsed: _Parsed, fine: Flags) -> list[FlaggedRow | RejectedRow]:
    rows = list(parsed.broken)
    for n in np.flatnonzero(~fine).tolist():
        rows.append((parsed.starts[n], [column[n] for column in parsed.columns], parsed.text(n)))
    before = source.first_line - 1
    return [source.read_row(before + line, fields, text[:RAW]) for line, fields, text in sorted(rows)]


def _columns(
    source: GuideCsv,
    starts: list[int],
    texts: dict[str, list[str]],
    confidences: list[float | None],
    others: list[FlaggedRow | RejectedRow],
) -> FlaggedColumns:
    count, before = len(starts), source.first_line - 1
    raw_types = texts["issue_type"]
    found = {word: find_issue(word) for word in set(raw_types)}
    if None in found.values():
        source.note_unknown(word for word in raw_types if found[word] is None)
    kinds = {word: kind or IssueType.OTHER for word, kind in found.items()}
    none: list[str | None] = [None] * count
    empty = [""] * count
    suggested, reasons, groups = (
        [text or None for text in texts[name]] if name in texts else none
        for name in ("suggested_label", "reason", "group")
    )
    return FlaggedColumns(
        [before + start for start in starts], texts.get("image_id", empty), texts.get("image_path", empty),
        texts.get("label", none), [kinds[word] for word in raw_types], raw_types, confidences,
        suggested, reasons, groups, others,
    )  # fmt: skip


def _parse_plain(text: str, delimiter: str, width: int) -> _Parsed | None:
    """A file without a quote: its lines are its rows."""
    text = text.replace("\r\n", "\n")
    if "\r" in text:
        return None
    lines = text.split("\n")
    if max(map(len, lines)) > MAX_FIELD:
        return None
    counts = [line.count(delimiter) if line else -1 for line in lines]
    counts[0] = -1
    are_whole = [count == width - 1 for count in counts]
    starts = list(compress(range(1, len(lines) + 1), are_whole))
    # One list of all fields, cut into columns: a list for each row would take longer than all the rest.
    fields = delimiter.join(compress(lines, are_whole)).split(delimiter) if starts else []
    columns = [fields[place::width] for place in range(width)]
    broken = [
        (n, line.split(delimiter), line)
        for n, (line, count) in enumerate(zip(lines, counts, strict=True), 1)
        if count not in (-1, width - 1)
    ]
    return _Parsed(starts, columns, broken, lambda n: lines[starts[n] - 1])


def _parse_quoted(text: str, delimiter: str, width: int) -> _Parsed | None:
    """None where a line is not CSV, or a row spans too many."""
    lines = list(io.StringIO(text, newline=""))
    reader = exact_reader(lines, delimiter)
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for fields in reader:
            rows.append(fields)
            ends.append(reader.line_num)
    except csv.Error:
        return None
    starts = [1, *(end + 1 for end in ends[:-1])]
    if max(map(int.__sub__, ends, starts)) >= MAX_ROW_LINES - 1:
        return None

    def raw(n: int) -> str:
        return "".join(lines[starts[n] - 1 : ends[n]]).rstrip("\r\n")

    are_whole = [len(fields) == width for fields in rows]
    are_whole[0] = False
    whole = list(compress(range(len(rows)), are_whole))
    columns = [list(column) for column in zip(*compress(rows, are_whole), strict=True)] or [[] for _ in range(width)]
    broken = [(starts[n], rows[n], raw(n)) for n in range(1, len(rows)) if rows[n] and not are_whole[n]]
    return _Parsed([starts[n] for n in whole], columns, broken, lambda n: raw(whole[n]))


def _has_clash(texts: dict[str, list[str]]) -> bool:
    """Whether an id may name two images."""
    if "image_id" not in texts or "image_path" not in texts:
        return False
    ids, paths = texts["image_id"], texts["image_path"]
    together = "\n".join(["", *paths])
    if "\\" in together or "\n./" in together:
        paths = [path.replace("\\", "/").removeprefix("./") for path in paths]
    if not all(ids) or not all(paths):
        both = [bool(id_ and path) for id_, path in zip(ids, paths, strict=True)]
        ids, paths = list(compress(ids, both)), list(compress(paths, both))
    last = dict(zip(ids, paths, strict=True))
    return len(last) < len(ids) and list(map(last.__getitem__, ids)) != paths


def _check_texts(texts: dict[str, list[str]], fine: Flags) -> None:
    for name, limit in MAX_LENGTHS.items():
        column = texts.get(name, [])
        if max(map(len, column), default=0) > limit or CONTROL.search("".join(column)):
            _mark(fine, (len(text) <= limit and not CONTROL.search(text) for text in column))
    images = [texts[name] for name in ("image_path", "image_id") if name in texts]
    if not any(all(column) for column in images):
        _mark(fine, (any(named) for named in zip(*images, strict=True)))
    if not all(texts["issue_type"]):
        _mark(fine, map(bool, texts["issue_type"]))


def _mark(fine: Flags, are_fine: Iterable[bool]) -> None:
    fine &= np.fromiter(are_fine, dtype=bool, count=len(fine))


def _confidences(source: GuideCsv, column: list[str] | None, fine: Flags) -> list[float | None]:
    """Numbers from 0 to 1, None where the cell is empty; a cell that says it otherwise is marked for a second look."""
    if column is None or not any(column):
        return [None] * len(fine)
    if "_" in "".join(column):  # Python alone reads 0_5 as a number
        column = [text.replace("_", "?") for text in column]
    try:
        numbers = list(map(float, column))
    except ValueError:
        numbers = [_number(text) for text in column]
    if source.confidence_in_percent:
        numbers = [number / 100 for number in numbers]
    values = np.array(numbers)
    fits = (values >= 0.0) & (values <= 1.0)
    if fits.all():
        return list(numbers)
    fine &= fits | np.fromiter((not text for text in column), dtype=bool, count=len(fine))
    return [number if fit else None for number, fit in zip(numbers, fits.tolist(), strict=True)]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
