"""The tagged manifest, a row a flag, and the final one, a row a sample; and the copy of either for people."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TextIO

from app.deliverables.content import Outcome, VersionContent
from app.deliverables.deliverable import TextWriter
from app.domain.formats.manifest_csv import FINAL_COLUMNS, FinalRow, ManifestRow, write_rows
from app.domain.formats.spreadsheet_csv import write_spreadsheet_copy


def write_tagged(stream: TextIO, content: VersionContent) -> int:
    """One row a flag, as it was imported, with what the reviewers made of its sample."""
    return write_rows(stream, (row for outcome in content.outcomes for row in _tagged_rows(outcome)))


def _tagged_rows(outcome: Outcome) -> Iterator[ManifestRow]:
    for flag in outcome["flags"]:
        yield ManifestRow(
            outcome["key"], outcome["key"], outcome["given_label"], flag["raw_issue_type"],
            _number(flag["confidence"]), flag["suggested_label"] or "", flag["reason"] or "", *_answer(outcome),
        )  # fmt: skip


def _answer(outcome: Outcome) -> tuple[str, str, str, str, str, str]:
    return (
        ",".join(outcome["tags"]), outcome["decision"] or "", outcome["new_label"] or "",
        ",".join(outcome["reviewers"]), outcome["reviewed_at"], " | ".join(outcome["notes"]),
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def write_final(stream: TextIO, content: VersionContent) -> int:
    """One row a sample: what counts, by which rule, and what it overruled."""
    return write_rows(stream, (_final_row(outcome) for outcome in content.outcomes), FINAL_COLUMNS)


def _final_row(outcome: Outcome) -> FinalRow:
    flags = outcome["flags"]
    confidences = [flag["confidence"] for flag in flags if flag["confidence"] is not None]
    suggested = next((flag["suggested_label"] for flag in flags if flag["suggested_label"]), "")
    return FinalRow(
        outcome["key"], outcome["key"], outcome["given_label"],
        ",".join(dict.fromkeys(flag["issue_type"] for flag in flags)), _number(max(confidences, default=None)),
        suggested, " | ".join(dict.fromkeys(flag["reason"] for flag in flags if flag["reason"])), *_answer(outcome),
        outcome["split"], outcome["how"] or outcome["state"], ",".join(outcome["by"]), outcome["rule"] or "",
        outcome["explanation"], " | ".join(outcome["conflicts"]),
    )  # fmt: skip


def write_spreadsheet(writer: TextWriter, stream: TextIO, content: VersionContent) -> int:
    """The copy for people of what ``writer`` writes: no cell of it runs as a formula."""
    buffer = io.StringIO(newline="")
    writer(buffer, content)
    buffer.seek(0)
    return write_spreadsheet_copy(buffer, stream)
