"""A copy of a CSV for people: no cell of it runs as a formula in a spreadsheet program (CWE-1236)."""

from __future__ import annotations

import csv
from typing import TextIO

from app.domain.formats.csv_lines import exact_reader

# The wide forms run as well, where a spreadsheet program is set to an East Asian language.
_TRIGGERS = frozenset("=+-@\t\r\n＝＋－＠")


def defuse(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet program would run."""
    return f"'{cell}" if cell[:1] in _TRIGGERS else cell


def undo_defuse(cell: str) -> str:
    """Take the apostrophe away again that ``defuse`` put there."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _TRIGGERS else cell


def write_spreadsheet_copy(source: TextIO, target: TextIO) -> int:
    """Copy a machine CSV cell by cell, defused; return the number of rows below the header."""
    writer = csv.writer(target, lineterminator="\r\n")
    count = -1
    for row in exact_reader(source):
        writer.writerow([defuse(cell) for cell in row])
        count += 1
    return max(count, 0)
