"""What ``winnow import --dry-run`` prints."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from app.cli.local_actor import owner_access
from app.db.session import Database
from app.services import map_columns, preview_import, view_imports
from app.settings import Settings

_SHOWN = 3
"""Rows of each kind; ``--json`` has more."""


def find_outcome(settings: Settings, database: Database, slug: str, import_id: int) -> dict[str, Any]:
    """An import as JSON has it: its figures, and its ``preview`` or ``table`` while it waits."""
    with database.reading() as session:
        access = owner_access(session, slug)
        found = view_imports.get_import(session, access, import_id)
        outcome = {"project": slug, **asdict(found)}
        if found.state == "previewed":
            outcome["preview"] = asdict(preview_import.find_preview(session, access, import_id))
        if found.state == "unmapped":
            folder = settings.folder("uploads")
            outcome["table"] = asdict(map_columns.view_table(session, access, import_id, folder))
        return outcome


def describe_outcome(outcome: dict[str, Any]) -> Iterator[str]:
    """Lines for people about an import that waits."""
    if outcome["state"] == "unmapped":
        yield from _table(outcome["table"])
    else:
        yield f"Read as {outcome['format_title']}. {outcome['scores_read']}"
        yield from _preview(outcome["preview"])
    project, number = outcome["project"], outcome["id"]
    yield f"Nothing was applied. Import {number} waits; it is in the browser, too."
    if outcome["state"] == "previewed":
        yield f"  winnow import --project {project} --apply {number}"
    yield f"  winnow import --project {project} --discard {number}"


def _preview(found: dict[str, Any]) -> Iterator[str]:
    if found["notice"]:
        yield found["notice"]
    yield (
        f"{found['rows']:,} rows: {found['new']:,} new flags, {found['changed']:,} changed, {found['unchanged']:,} "
        f"unchanged; {found['unmatched']:,} without an image, {found['rejected']:,} rejected"
    )
    for row in found["new_rows"][:_SHOWN]:
        yield f"  new, line {row['line']:,}: {row['image_path']}: {_flag(row)}"
    for item in found["changed_rows"][:_SHOWN]:
        row = item["row"]
        changes = ", ".join(f"{change['field']} {change['old']!r} -> {change['new']!r}" for change in item["changes"])
        yield f"  changed, line {row['line']:,}: {row['image_path']}: {row['issue_type']}: {changes}"
    for row in [*found["unmatched_rows"][:_SHOWN], *found["rejected_rows"][:_SHOWN]]:
        yield f"  not taken, line {row['line']:,}: {row['reason']}"
    if found["but_for_case"]:
        yield f"  note: with --ignore-case {found['but_for_case']:,} rows more would match"
    for text in found["warnings"]:
        yield f"  note: {text}"


def _flag(row: dict[str, Any]) -> str:
    sure = "" if row["confidence"] is None else f" {row['confidence']:.3g}"
    suggested = f", suggested {row['suggested_label']}" if row["suggested_label"] else ""
    return f"{row['issue_type']}{sure}{suggested}"


def _table(table: dict[str, Any]) -> Iterator[str]:
    yield f"{table['file_name']} is no export that Winnow knows, but a table. Its columns:"
    for column in table["columns"]:
        yield f"  {column['name'] or '(no name)'}: {', '.join(column['examples'])}"
    options = [
        f"--map {shlex.quote(field['name'] + '=' + field['column'])}" for field in table["fields"] if field["column"]
    ]
    if not any(field["name"] == "issue_type" and field["column"] for field in table["fields"]):
        options.append("--constant issue_type=mislabel")
    yield "A guess, to be checked and given with the command:"
    yield f"  {' '.join(options)}"
    for name, text in table["offers"].items():
        yield f"  note: {text} ({_OFFERED[name]})"


_OFFERED = {"percent": "--confidence-in-percent", "lower-is-worse": "--score-direction lower-is-worse"}
