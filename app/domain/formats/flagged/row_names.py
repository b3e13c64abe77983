"""Which image a row number means, from a list of names that came along."""

from __future__ import annotations

import re

from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.rows import RejectedRow
from app.domain.formats.flagged.text import decode_text

_INTEGER = re.compile(r"\d{1,18}(\.0)?\Z")
_NAMES = ("filename", "file_name", "image_path", "path", "filepath")


def as_index(value: object) -> int | None:
    """The row number that a cell is; None for anything else, such as a path."""
    text = str(value)
    return int(text.split(".", maxsplit=1)[0]) if _INTEGER.match(text) else None


def is_name_list(member: Member) -> bool:
    """Whether a file does nothing but number images: ``index,filename``, or one path a line."""
    if member.kind != "csv":
        return False
    if member.base.endswith(".txt"):
        return True
    return bool(member.columns & {*_NAMES}) and "index" in member.columns and len(member.columns) == 2


def read_names(bundle: Bundle) -> dict[int, str]:
    """Names by row number out of the lists beside the export; empty where there are none."""
    names: dict[int, str] = {}
    for member in bundle.find(is_name_list):
        if member.base.endswith(".txt") and "index" not in member.columns:
            lines = decode_text(member.data, member.name).splitlines()
            names.update((number, line.strip()) for number, line in enumerate(lines) if line.strip())
            continue
        for row in member.table.rows():
            if not isinstance(row, RejectedRow) and (index := as_index(row.get("index"))) is not None:
                names[index] = str(row.get(*_NAMES))
    return names
