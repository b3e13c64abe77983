"""What an import would do, as people look at it before it is applied: figures, and a few rows of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.domain.flag_changes import Changes, CheckedRow, KnownFlag
from app.domain.formats.flagged.rows import RejectedRow
from app.services.check_import import CheckedImport

SHOWN = 10
"""Rows of each kind."""

UNMATCHED = frozenset({"unknown_image", "other_case", "ambiguous_image", "outside_dataset"})
"""Why a row that is fine in itself finds no image."""

_COMPARED = (
    "issue_type", "raw_issue_type", "confidence", "suggested_label", "reason", "group", "raw_score", "raw_score_name",
)  # fmt: skip


@dataclass(frozen=True)
class PreviewRow:
    """A row as the flag that it becomes."""

    line: int
    sample_id: int
    image_path: str
    image_id: str
    issue_type: str
    raw_issue_type: str
    confidence: float | None
    suggested_label: str | None
    reason: str | None
    group: str | None
    raw_score: float | None
    raw_score_name: str | None


@dataclass(frozen=True)
class FieldChange:
    field: str
    old: str | float | None
    new: str | float | None


@dataclass(frozen=True)
class ChangedRow:
    """A flag that the project has, and what of it would change."""

    row: PreviewRow
    changes: list[FieldChange]


@dataclass(frozen=True)
class RefusedRow:
    line: int
    code: str
    reason: str
    raw: str


@dataclass(frozen=True)
class FirstRow:
    """One of the file's first rows: the flag that it becomes, or why it becomes none."""

    line: int
    row: PreviewRow | None
    refused: RefusedRow | None


@dataclass(frozen=True)
class ImportPreview:
    """Counts are of rows; the lists hold the first few of each kind.

    ``but_for_case`` of the unmatched rows would find an image if upper and lower case did not count. ``notice`` says
    why an earlier preview does not stand any more.
    """

    rows: int
    new: int
    changed: int
    unchanged: int
    unmatched: int
    rejected: int
    but_for_case: int
    warnings: list[str]
    first: list[FirstRow]
    new_rows: list[PreviewRow]
    changed_rows: list[ChangedRow]
    unchanged_rows: list[PreviewRow]
    unmatched_rows: list[RefusedRow]
    rejected_rows: list[RefusedRow]
    notice: str = ""


@dataclass
class _Keys:
    """Paths by sample id, looked up once for the few rows that are shown."""

    samples: Mapping[str, tuple[int, str]]
    wanted: set[int] = field(default_factory=set)
    found: dict[int, str] = field(default_factory=dict)

    def learn(self, rows: Sequence[CheckedRow]) -> None:
        self.wanted.update(row.sample_id for row in rows)

    def look(self) -> None:
        self.found = {id_: key for key, (id_, _) in self.samples.items() if id_ in self.wanted}

    def row(self, row: CheckedRow) -> PreviewRow:
        return PreviewRow(row.line, row.sample_id, self.found[row.sample_id], *row[1:10])


def make_preview(
    checked: CheckedImport, changes: Changes, samples: Mapping[str, tuple[int, str]], notice: str = ""
) -> ImportPreview:
    """Count everything and choose the rows that are shown. ``samples`` has id and label by path."""
    unmatched = [row for row in checked.rejects if row.code in UNMATCHED]
    rejected = [row for row in checked.rejects if row.code not in UNMATCHED]
    keys = _Keys(samples)
    new, changed, unchanged = changes.added[:SHOWN], changes.changed[:SHOWN], changes.unchanged[:SHOWN]
    for some in (checked.rows[:SHOWN], new, [row for _, row in changed], unchanged):
        keys.learn(some)
    keys.look()
    return ImportPreview(
        checked.total, len(changes.added), len(changes.changed), len(changes.unchanged), len(unmatched), len(rejected),
        checked.but_for_case, checked.warnings, _first(checked, keys), list(map(keys.row, new)),
        [ChangedRow(keys.row(row), _differences(old, row)) for old, row in changed], list(map(keys.row, unchanged)),
        list(map(_refused, unmatched[:SHOWN])), list(map(_refused, rejected[:SHOWN])), notice,
    )  # fmt: skip


def _first(checked: CheckedImport, keys: _Keys) -> list[FirstRow]:
    rows = [FirstRow(row.line, keys.row(row), None) for row in checked.rows[:SHOWN]]
    rows += [FirstRow(row.line, None, _refused(row)) for row in checked.rejects[:SHOWN]]
    return sorted(rows, key=lambda row: row.line)[:SHOWN]


def _differences(old: KnownFlag, new: CheckedRow) -> list[FieldChange]:
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in _COMPARED)
    return [FieldChange(name, before, after) for name, before, after in pairs if before != after]


def _refused(row: RejectedRow) -> RefusedRow:
    return RefusedRow(row.line, row.code, row.reason, row.raw)


def as_json(preview: ImportPreview) -> dict[str, Any]:
    return asdict(preview)


def from_json(stored: Mapping[str, Any]) -> ImportPreview:
    values = dict(stored)
    values["first"] = [
        FirstRow(
            item["line"], PreviewRow(**item["row"]) if item["row"] else None,
            RefusedRow(**item["refused"]) if item["refused"] else None,
        )
        for item in values["first"]
    ]  # fmt: skip
    for name in ("new_rows", "unchanged_rows"):
        values[name] = [PreviewRow(**item) for item in values[name]]
    for name in ("unmatched_rows", "rejected_rows"):
        values[name] = [RefusedRow(**item) for item in values[name]]
    values["changed_rows"] = [
        ChangedRow(PreviewRow(**item["row"]), [FieldChange(**change) for change in item["changes"]])
        for item in values["changed_rows"]
    ]
    return ImportPreview(**values)
