"""The tagged manifest, a row a flag, and the final one, a row a sample; and the copy of either for people."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TextIO

from app.deliverables.content import Outcome, VersionContent
from app.deliverables.deliverable import TextWriter
from app.domain.formats.manifest_csv import FINAL_COLUMNS, FinalRow, ManifestRow, write_rows
from app.domain.formats.spreadsheet_csv import write_spreadsheet_copy


def write_tagged(stream: TextIO, content: VersionContent) -> int:
    """One row a flag, as it was imported, with what the reviewers made of its sample."""
    rows = (row for o in content.outcomes for row in tagged_rows(o, content.list_id(o)))
    return write_rows(stream, rows)


def tagged_rows(outcome: Outcome, image_id: str | None = None) -> Iterator[ManifestRow]:
    """One sample's rows of the tagged manifest; without ``image_id`` its key names it."""
    id_, path = image_id or outcome["key"], _path(outcome)
    for flag in outcome["flags"]:
        yield ManifestRow(
            id_, path, outcome["given_label"], flag["raw_issue_type"],
            _number(flag["confidence"]), flag["suggested_label"] or "", flag["reason"] or "", *_answer(outcome),
        )  # fmt: skip


def _path(outcome: Outcome) -> str:
    """The image's file below its source where it has one that is not its key, else the key."""
    return str(outcome.get("path", outcome["key"]))


def _answer(outcome: Outcome) -> tuple[str, str, str, str, str, str]:
    return (
        ",".join(outcome["tags"]), outcome["decision"] or "", outcome["new_label"] or "",
        ",".join(outcome["reviewers"]), outcome["reviewed_at"], " | ".join(outcome["notes"]),
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def write_final(stream: TextIO, content: VersionContent) -> int:
    """One row a sample: what counts, by which rule, and what it overruled."""
    return write_rows(stream, (_final_row(content, outcome) for outcome in content.outcomes), FINAL_COLUMNS)


def _final_row(content: VersionContent, outcome: Outcome) -> FinalRow:
    flags = outcome["flags"]
    confidences = [flag["confidence"] for flag in flags if flag["confidence"] is not None]
    suggested = next((flag["suggested_label"] for flag in flags if flag["suggested_label"]), "")
    return FinalRow(
        content.list_id(outcome), _path(outcome), outcome["given_label"],
        ",".join(dict.fromkeys(flag["issue_type"] for flag in flags)), _number(max(confidences, default=None)),
        suggested, " | ".join(dict.fromkeys(flag["reason"] for flag in flags if flag["reason"])), *_answer(outcome),
        outcome["split"], outcome["how"] or outcome["state"], ",".join(outcome["by"]), outcome["rule"] or "",
        outcome["explanation"], " | ".join(outcome["conflicts"]),
    )  # fmt: skip


class TableForTwo:
    """A table that is written twice: as programs read it, and defused for people, from the same text.

    Working its rows out takes longer than all else of a version's files, so the text is kept from the one to the other.
    """

    def __init__(self, writer: TextWriter) -> None:
        self._writer = writer
        self._text: io.StringIO | None = None

    def write(self, stream: TextIO, content: VersionContent) -> int | None:
        """Write what programs read; return the number of rows."""
        self._text = io.StringIO(newline="")
        rows = self._writer(self._text, content)
        stream.write(self._text.getvalue())
        return rows

    def write_spreadsheet(self, stream: TextIO, content: VersionContent) -> int:
        """Write the copy for people, none of whose cells runs as a formula; return the number of rows."""
        text, self._text = self._text or io.StringIO(newline=""), None
        if text.tell() == 0:
            self._writer(text, content)
        text.seek(0)
        return write_spreadsheet_copy(text, stream)


def spreadsheet_of(write: Callable[[TextIO], object], stream: TextIO) -> int:
    """Write the copy for people of what ``write`` writes; return the number of rows below the header."""
    buffer = io.StringIO(newline="")
    write(buffer)
    buffer.seek(0)
    return write_spreadsheet_copy(buffer, stream)
