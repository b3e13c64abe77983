"""Reading the flagged-samples CSV of the cleaning guide, row by row, losing none.

Columns, each with its accepted names: ``image_id|id``, ``image_path|path``, ``label|class``, ``issue_type|flag``,
``confidence``, ``suggested_label``, ``reason``, and optionally ``duplicate_group_id|group_id``. Other columns are
named in a warning. A row that makes no sense becomes a ``RejectedRow`` with its line and the reason.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.domain.errors import InvalidFile
from app.domain.formats.csv_lines import BrokenRecord, Record, read_records
from app.domain.formats.flagged.rows import CONTROL, MAX_LENGTHS, RAW, FlaggedRow, RejectedRow, find_issue
from app.domain.formats.flagged.tables import MAX_COLUMNS
from app.domain.samples import Flag, IssueType

COLUMNS: dict[str, tuple[str, ...]] = {
    "image_id": ("image_id", "id"),
    "image_path": ("image_path", "path"),
    "label": ("label", "class"),
    "issue_type": ("issue_type", "flag"),
    "confidence": ("confidence",),
    "suggested_label": ("suggested_label",),
    "reason": ("reason",),
    "group": ("duplicate_group_id", "group_id"),
}

_SHOWN_TYPES = 20
"""So many unknown issue types are named in warnings; a column that was mistaken for theirs has thousands."""


@dataclass
class GuideCsv:
    """An opened export: iterate over ``rows`` once, then read ``warnings``."""

    text: str
    confidence_in_percent: bool = False
    columns: dict[str, int] = field(default_factory=dict)
    delimiter: str = ","
    _blank_lines: int = 0
    _width: int = 0
    _percents: int = 0
    _unknown_types: Counter[str] = field(default_factory=Counter)
    _warnings: list[str] = field(default_factory=list)
    _images: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def warnings(self) -> list[str]:
        told = list(self._warnings)
        if self._percents:
            told.append(f"Confidence written with a % sign was divided by 100 ({self._percents:,} rows)")
        kept = self._unknown_types.most_common()
        told += [f"Unknown issue type {name!r} was kept as 'other' ({n:,} rows)" for name, n in kept[:_SHOWN_TYPES]]
        if more := kept[_SHOWN_TYPES:]:
            rows = sum(count for _, count in more)
            told.append(f"{len(more):,} more unknown issue types were kept as 'other' ({rows:,} rows)")
        return told

    def rows(self) -> Iterator[FlaggedRow | RejectedRow]:
        records = self._records()
        next(records)
        for record in records:
            line = self._blank_lines + record.line
            if isinstance(record, Record):
                yield self.read_row(line, record.fields, record.text[:RAW])
            else:
                reason = f"This row is not CSV (is a quote missing?): {record.problem}."
                yield RejectedRow(line, "unreadable_row", reason, record.text[:RAW])

    @property
    def width(self) -> int:
        """Columns of the header."""
        return self._width

    @property
    def first_line(self) -> int:
        """The header's line in the file, from 1."""
        return self._blank_lines + 1

    def note_unknown(self, words: Iterable[str]) -> None:
        """Count issue types that are kept as 'other'."""
        self._unknown_types.update(words)

    def _records(self) -> Iterator[Record | BrokenRecord]:
        return read_records(self.text, self.delimiter)

    def read_row(self, line: int, fields: list[str], raw: str) -> FlaggedRow | RejectedRow:
        """Read one row; ``raw`` is its text."""
        if len(fields) != self._width:
            reason = f"The row has {len(fields)} fields; the header has {self._width}."
            return RejectedRow(line, "wrong_field_count", reason, raw)
        values = {name: fields[index].strip() for name, index in self.columns.items()}
        for name in MAX_LENGTHS:
            if CONTROL.search(values.get(name, "")):
                return RejectedRow(line, "control_character", f"{name} holds a control character.", raw)
        for name, limit in MAX_LENGTHS.items():
            if len(values.get(name, "")) > limit:
                return RejectedRow(line, "too_long", f"{name} is longer than {limit:,} characters.", raw)
        if not values.get("image_path") and not values.get("image_id"):
            return RejectedRow(line, "no_image", "The row names no image: its path is empty.", raw)
        if not values["issue_type"]:
            return RejectedRow(line, "no_issue_type", "The row has no issue type.", raw)
        try:
            confidence = self._confidence(values.get("confidence", ""))
        except ValueError as error:
            return RejectedRow(line, "bad_confidence", str(error), raw)
        return self._clash(line, values, raw) or self._flagged(line, values, confidence)

    def _clash(self, line: int, values: dict[str, str], raw: str) -> RejectedRow | None:
        """One id for two images: lists written by id could then mean the wrong one."""
        id_ = values.get("image_id", "")
        path = values.get("image_path", "").replace("\\", "/").removeprefix("./")
        if not id_ or not path:
            return None
        first_path, first_line = self._images.setdefault(id_, (path, line))
        if first_path == path:
            return None
        reason = f"The id {id_!r} names {first_path!r} in line {first_line}; one id can't name two images."
        return RejectedRow(line, "duplicate_id", reason, raw)

    def _confidence(self, text: str) -> float | None:
        if not text:
            return None
        number = text.removesuffix("%").strip()
        percent = self.confidence_in_percent or text.endswith("%")
        if self.delimiter == ";" and "." not in number:
            number = number.replace(",", ".")
        try:
            value = float(number.replace("_", "?"))  # Python alone reads 0_5 as a number
        except ValueError:
            raise ValueError(f"The confidence {text!r} is not a number.") from None
        value = value / 100 if percent else value
        if not math.isfinite(value) or not 0.0 <= value <= 1.0:
            raise ValueError(_outside(text, value, percent))
        self._percents += text.endswith("%")
        return value

    def _flagged(self, line: int, values: dict[str, str], confidence: float | None) -> FlaggedRow:
        raw_type = values["issue_type"]
        issue = find_issue(raw_type)
        if issue is None:
            self._unknown_types[raw_type] += 1
            issue = IssueType.OTHER
        flag = Flag(
            issue, raw_type, confidence,
            values.get("suggested_label") or None, values.get("reason") or None, values.get("group") or None,
        )  # fmt: skip
        return FlaggedRow(line, values.get("image_id", ""), values.get("image_path", ""), values.get("label"), flag)


def _outside(text: str, value: float, percent: bool) -> str:
    if not percent and 1.0 < value <= 100.0:
        return (
            f"The confidence {text} is outside 0 to 1. If the file gives percent, import it again with "
            "'confidence in percent' ticked."
        )
    return f"The confidence {text} is outside {'0 to 100 %' if percent else '0 to 1'}."


def open_guide_csv(data: bytes, *, confidence_in_percent: bool = False) -> GuideCsv:
    """Open an export and understand its header.

    Raises:
        InvalidFile: the file is empty, not UTF-8 text, or lacks the columns that say which image and which issue.
    """
    text = _decode(data)
    body = text.lstrip("\r\n")
    header = body.split("\n", 1)[0].rstrip("\r")
    if header.count(",") >= MAX_COLUMNS:
        raise InvalidFile(f"The header has {header.count(',') + 1:,} columns; at most {MAX_COLUMNS:,} are read.")
    delimiter = _find_delimiter(header)
    blank_lines = len(text[: len(text) - len(body)].splitlines())
    source = GuideCsv(body, confidence_in_percent, delimiter=delimiter, _blank_lines=blank_lines)
    first = next(read_records(body if '"' in header else header, delimiter))
    if isinstance(first, BrokenRecord):
        raise InvalidFile(f"The header line is not CSV: {first.problem}.")
    names = [name.strip().lower() for name in first.fields]
    source.columns, source._width = _map_columns(names, header), len(names)
    if delimiter != ",":
        word = "tabs" if delimiter == "\t" else f"'{delimiter}'"
        source._warnings.append(f"The columns are separated by {word} instead of commas; they were read as such.")
    known = set(source.columns.values())
    unknown = [name or "(no name)" for index, name in enumerate(names) if index not in known]
    if unknown:
        source._warnings.append(f"Columns that are not used: {', '.join(unknown[:20])}.")
    return source


def _decode(data: bytes) -> str:
    if data.startswith((b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"PAR1", b"%PDF")):
        raise InvalidFile("This is not a CSV file. Choose the CSV of flagged samples.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidFile(
            f"The file is not UTF-8 text (line {line}, byte {error.start}). Save it as 'CSV UTF-8' and try again."
        ) from None
    if not text.strip():
        raise InvalidFile("The file is empty. Export the flagged samples again, and choose that file.")
    if "\x00" in text:
        raise InvalidFile("The file holds NUL bytes; it is UTF-16 or no text. Save it as 'CSV UTF-8' and try again.")
    return text


def _find_delimiter(header: str) -> str:
    """Comma unless another separator parts the header into more accepted column names."""
    accepted = {name for names in COLUMNS.values() for name in names}

    def score(delimiter: str) -> int:
        return sum(name.strip().strip('"').lower() in accepted for name in header.split(delimiter))

    return max((",", ";", "\t", "|"), key=score)


def _map_columns(names: list[str], header: str) -> dict[str, int]:
    columns: dict[str, int] = {}
    for field_name, accepted in COLUMNS.items():
        found = [index for index, name in enumerate(names) if name in accepted]
        if len(found) > 1:
            raise InvalidFile(f"The header has {field_name} twice: {', '.join(names[i] for i in found)}.")
        if found:
            columns[field_name] = found[0]
    missing = []
    if "image_path" not in columns and "image_id" not in columns:
        missing.append("image_path (or path)")
    if "issue_type" not in columns:
        missing.append("issue_type (or flag)")
    if missing:
        raise InvalidFile(
            f"The file lacks the column {' and '.join(missing)}. Its header is: {header[:300]!r}. "
            "Expected: image_id, image_path, label, issue_type, confidence, suggested_label, reason. "
            "Any other table can be mapped: send it by the Imports page, or with a mapping."
        )
    return columns
