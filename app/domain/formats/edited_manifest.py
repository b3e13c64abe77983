"""Reading a tagged manifest that somebody edited elsewhere, mostly in a spreadsheet program, row by row, losing none.

Such a file may be parted by semicolons or tabs, begin with a byte order mark or ``sep=;``, hold cells quoted against
formulas, and have its columns in another order, or more of them. Columns, each with its accepted names:
``image_path|path`` or ``image_id|id``, ``user_action|action|decision``, ``user_tags|tags`` (parted by commas), and
where there are such ``new_label``, ``notes|note``, ``reviewed_at``. All others are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.errors import InvalidFile
from app.domain.formats.csv_lines import BrokenRecord, Record, read_records
from app.domain.formats.spreadsheet_csv import undo_defuse

COLUMNS: dict[str, tuple[str, ...]] = {
    "path": ("image_path", "path"),
    "image_id": ("image_id", "id"),
    "tags": ("user_tags", "tags"),
    "action": ("user_action", "action", "decision"),
    "new_label": ("new_label",),
    "note": ("notes", "note"),
    "reviewed_at": ("reviewed_at",),
}

_DELIMITERS = (",", ";", "\t")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class EditedRow:
    """One row as it stands in the file: ``image`` is its path, or its id where it has none.

    ``reviewed_at`` is when the answers were given that the row was exported with; None where none were, or where the
    cell can't be read as a time any more.
    """

    line: int
    image: str
    action: str
    tags: tuple[str, ...]
    new_label: str
    note: str
    reviewed_at: datetime | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What may name the image: the cell as it stands, and without an apostrophe that kept it from running."""
        return tuple(dict.fromkeys((self.image, undo_defuse(self.image))))


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """One row that can't be read. ``line`` counts from 1, the header being line 1 where nothing stands above it."""

    line: int
    image: str
    reason: str


def read_edited_manifest(data: bytes) -> Iterator[EditedRow | BrokenRow]:
    """Read every row but empty ones.

    Raises:
        InvalidFile: the file is no text, or lacks a column that is needed.
    """
    text = _decode(data)
    delimiter, skipped = _find_delimiter(text)
    records = read_records(text, delimiter)
    for _ in range(skipped):
        next(records, None)
    header = next(records, None)
    if not isinstance(header, Record):
        raise InvalidFile("The file has no header line. Expected: image_path, user_tags, user_action ...")
    columns = _map_columns([name.strip().lower() for name in header.fields])
    for record in records:
        if isinstance(record, BrokenRecord):
            yield BrokenRow(record.line, "", f"This row is not CSV (is a quote missing?): {record.problem}.")
        elif any(field.strip() for field in record.fields):
            yield _read_row(record, columns, len(header.fields))


def _decode(data: bytes) -> str:
    encoding = "utf-16" if data.startswith(_UTF_16) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidFile(f"The file is not UTF-8 text (line {line}). Save it as 'CSV UTF-8' and try again.") from None


def _find_delimiter(text: str) -> tuple[str, int]:
    """What parts the cells, and how many lines stand above the header."""
    first = text.split("\n", 1)[0].strip()
    if first.lower().startswith("sep=") and first[4:] in _DELIMITERS:
        return first[4:], 1
    known = {name for names in COLUMNS.values() for name in names}
    found = {d: sum(name.strip(' "').lower() in known for name in first.split(d)) for d in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: found[delimiter]), 0


def _map_columns(names: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for field, accepted in COLUMNS.items():
        found = [index for index, name in enumerate(names) if name in accepted]
        if len(found) > 1:
            raise InvalidFile(f"The header has {field} twice: {', '.join(names[index] for index in found)}.")
        if found:
            columns[field] = found[0]
    needed = {"image_path or image_id": ("path", "image_id"), "user_action": ("action",)}
    missing = [said for said, fields in needed.items() if not any(field in columns for field in fields)]
    if missing:
        told = ", ".join(names)[:300]
        raise InvalidFile(f"This is no tagged manifest: it lacks {' and '.join(missing)}. Its header is: {told}.")
    return columns


def _read_row(record: Record, columns: dict[str, int], width: int) -> EditedRow | BrokenRow:
    fields = record.fields
    if len(fields) < width or any(field.strip() for field in fields[width:]):
        reason = f"The row has {len(fields)} fields; the header has {width}."
        return BrokenRow(record.line, "", reason)
    values = {name: fields[index].strip() for name, index in columns.items()}
    image = values.get("path") or values.get("image_id") or ""
    if not image:
        return BrokenRow(record.line, "", "The row names no image.")
    tags = tuple(tag.strip() for tag in undo_defuse(values.get("tags", "")).split(",") if tag.strip())
    return EditedRow(
        record.line, image, values["action"].lower(), tags, undo_defuse(values.get("new_label", "")),
        plain(values.get("note", "")), _time(values.get("reviewed_at", "")),
    )  # fmt: skip


def plain(text: str) -> str:
    """A note as it is after any number of ways through a spreadsheet program."""
    return undo_defuse(text.replace("\r\n", "\n").replace("\r", "\n").strip())


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
