"""The list of an export's rows that were not taken: ``<manifest>_rejected_rows.csv``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from app.domain.formats.csv_lines import exact_writer
from app.domain.formats.flagged.rows import RejectedRow


def write_rejected_rows(stream: TextIO, rejected: Iterable[RejectedRow]) -> None:
    """Write header and rows: line, code, reason, and the row itself."""
    writer = exact_writer(stream)
    writer.writerow(("line", "code", "reason", "row"))
    writer.writerows((row.line, row.code, row.reason, row.raw) for row in rejected)
