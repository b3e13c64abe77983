"""The standard manifest: one row a flag with what the reviewers made of it; and the final one, a row a sample.

The files are exact: a path that begins with ``=`` stays as it is. ``app.domain.formats.spreadsheet_csv`` makes the
copy for people.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TextIO

from app.domain.errors import InvalidFile
from app.domain.formats.csv_lines import exact_reader, exact_writer


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row of ``<dataset>_tagged_vN.csv``; the field names are the columns, in order."""

    image_id: str
    image_path: str
    original_label: str
    vl_flag_type: str = ""
    vl_confidence: str = ""
    suggested_label: str = ""
    reason: str = ""
    user_tags: str = ""
    user_action: str = ""
    new_label: str = ""
    reviewer: str = ""
    reviewed_at: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class FinalRow(ManifestRow):
    """One row of ``<dataset>_final_cleaning_manifest.csv``: one flagged or leaking sample and how it was settled."""

    split: str = ""
    resolution: str = ""
    resolved_by: str = ""
    rule: str = ""
    explanation: str = ""
    conflicts: str = ""


COLUMNS = tuple(field.name for field in fields(ManifestRow))
FINAL_COLUMNS = tuple(field.name for field in fields(FinalRow))


def write_rows(stream: TextIO, rows: Iterable[ManifestRow], columns: tuple[str, ...] = COLUMNS) -> int:
    """Write header and rows as RFC 4180 CSV with ``\\n`` line ends; return the number of rows."""
    writer = exact_writer(stream)
    writer.writerow(columns)
    cells = attrgetter(*columns)  # dataclasses.astuple copies each cell, which takes ten times as long
    count = 0
    for row in rows:
        writer.writerow(cells(row))
        count += 1
    return count


def read_rows(stream: TextIO) -> Iterator[ManifestRow]:
    """Read a tagged manifest back. Open the stream with ``newline=""``.

    Raises:
        InvalidFile: the header is another, a row has another number of fields, or a line is not CSV.
    """
    yield from _read(stream, COLUMNS, ManifestRow)


def read_final_rows(stream: TextIO) -> Iterator[FinalRow]:
    """Read a final manifest back; errors as in ``read_rows``."""
    for row in _read(stream, FINAL_COLUMNS, FinalRow):
        assert isinstance(row, FinalRow)  # noqa: S101 - tells the type checker which of the two was read
        yield row


def _read(stream: TextIO, columns: tuple[str, ...], kind: type[ManifestRow]) -> Iterator[ManifestRow]:
    reader = exact_reader(stream)
    try:
        header = next(reader, None)
        if header is None or tuple(header) != columns:
            raise InvalidFile(f"This is no manifest: its header is {header}, expected {list(columns)}.")
        for values in reader:
            if len(values) != len(columns):
                raise InvalidFile(f"Line {reader.line_num} has {len(values)} fields, expected {len(columns)}.")
            yield kind(*values)
    except csv.Error as error:
        raise InvalidFile(f"Line {reader.line_num} of the manifest is not CSV: {error}.") from None
