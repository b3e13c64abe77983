"""Reading people's answers from a CSV, row by row, losing none.

Columns, each with its accepted names: ``image_path|path`` or ``image_id|id`` (the sample's key), ``reviewer``,
``action`` (keep, remove, relabel, discuss) or ``label`` (what the person called it: the given label is a keep, another
a relabel), and optionally ``new_label``, ``tags`` (parted by commas), ``note|notes``, ``reviewed_at`` (ISO 8601; UTC
where it names no zone). A row that makes no sense becomes a ``RejectedReview`` with its line and the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.accounts import check_username
from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.csv_lines import BrokenRecord, Record, read_records
from app.domain.taxonomy import Decision

COLUMNS: dict[str, tuple[str, ...]] = {
    "key": ("image_path", "path"),
    "id": ("image_id", "id"),
    "reviewer": ("reviewer", "annotator"),
    "action": ("action", "user_action", "decision"),
    "label": ("label",),
    "new_label": ("new_label",),
    "tags": ("tags", "user_tags"),
    "note": ("note", "notes"),
    "at": ("reviewed_at",),
}

_ACTIONS: dict[str, Decision | None] = {**{decision.value: decision for decision in Decision}, "discuss": None}


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """One person's answer on one image. Where ``label`` is set, it is the label that they gave and decides."""

    line: int
    key: str
    reviewer: str
    decision: Decision | None
    label: str | None
    new_label: str | None
    tags: tuple[str, ...]
    note: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class RejectedReview:
    """One row that was not taken. ``line`` counts from 1, the header being line 1."""

    line: int
    reason: str


def read_reviews(data: bytes) -> Iterator[ReviewRecord | RejectedReview]:
    """Read every row.

    Raises:
        InvalidFile: the file is no UTF-8 text, or lacks a column that is needed.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidFile(f"The file is not UTF-8 text (line {line}). Save it as 'CSV UTF-8' and try again.") from None
    records = read_records(text, ",")
    header = next(records, None)
    if not isinstance(header, Record):
        raise InvalidFile("The file has no header line. Expected: image_path, reviewer, action or label.")
    columns = _map_columns([name.strip().lower() for name in header.fields])
    for record in records:
        if isinstance(record, BrokenRecord):
            yield RejectedReview(record.line, f"This row is not CSV (is a quote missing?): {record.problem}.")
        elif len(record.fields) != len(header.fields):
            told = f"The row has {len(record.fields)} fields; the header has {len(header.fields)}."
            yield RejectedReview(record.line, told)
        else:
            yield _row(record.line, {name: record.fields[index].strip() for name, index in columns.items()})


def _map_columns(names: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for field_name, accepted in COLUMNS.items():
        found = [index for index, name in enumerate(names) if name in accepted]
        if len(found) > 1:
            raise InvalidFile(f"The header has {field_name} twice: {', '.join(names[index] for index in found)}.")
        if found:
            columns[field_name] = found[0]
    needed = {
        "image_path or image_id": ("key", "id"),
        "reviewer": ("reviewer",),
        "action or label": ("action", "label"),
    }
    missing = [said for said, fields in needed.items() if not any(name in columns for name in fields)]
    if missing:
        raise InvalidFile(
            f"The file lacks the column {' and '.join(missing)}. Its header is: {', '.join(names)[:300]}."
        )
    return columns


def _row(line: int, values: dict[str, str]) -> ReviewRecord | RejectedReview:
    try:
        return _read(line, values)
    except InvalidInput as error:
        return RejectedReview(line, error.message)


def _read(line: int, values: dict[str, str]) -> ReviewRecord:
    key = values.get("key") or values.get("id") or ""
    if not key:
        raise InvalidInput("The row names no image.")
    if not values["reviewer"]:
        raise InvalidInput("The row names no reviewer.")
    action, label = values.get("action", "").lower(), values.get("label") or None
    if action and action not in _ACTIONS:
        raise InvalidInput(f"{values['action']!r} is no action. The actions are {', '.join(_ACTIONS)}.")
    if not action and label is None:
        raise InvalidInput("The row has neither an action nor a label.")
    tags = tuple(tag.strip() for tag in values.get("tags", "").split(",") if tag.strip())
    decision = _ACTIONS.get(action)
    return ReviewRecord(
        line, key, check_username(values["reviewer"]), decision, None if action else label,
        values.get("new_label") or (label if decision is Decision.RELABEL else None), tags, values.get("note", ""),
        _time(values.get("at", "")),
    )  # fmt: skip


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no time like 2026-01-31T12:00:00Z.") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at > datetime.now(UTC):
        raise InvalidInput(f"{text!r} is in the future.")
    return at
