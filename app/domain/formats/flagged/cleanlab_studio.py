"""Cleanlab Studio's columns. They look like Datalab's, but a higher score is worse."""

from __future__ import annotations

from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best, chosen
from app.domain.formats.flagged.issue_columns import Column, Reading, flag_columns, open_tables
from app.domain.formats.flagged.row_maker import RowMaker, higher_is_worse

_NO_ISSUES = frozenset({"well_labeled", "initially_unlabeled"})


def _columns(columns: frozenset[str]) -> list[Column]:
    label = flag_columns(columns, "is_*_issue", "*_issue_score")
    named = {column.flag for column in label}
    others = [
        column
        for column in flag_columns(columns, "is_*", "*_score")
        if column.flag not in named and column.issue not in _NO_ISSUES and column.score
    ]
    return [column for column in label if column.score] + others


def _certainty(member: Member) -> int:
    if member.kind == "json" or not _columns(member.columns):
        return 0
    if member.columns & {"label_issue_score", "cleanlab_row_id"}:
        return 96
    open_source = [name for name in member.columns if name.startswith("is_") and name.endswith("_issue")]
    return 0 if open_source else 80


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    reading = Reading("Cleanlab Studio", _columns, lambda issue: higher_is_worse)
    return open_tables(bundle, chosen(bundle, _certainty), make, reading)


FORMAT = Format(
    "cleanlab-studio",
    "Cleanlab Studio",
    "Cleanlab Studio's scores are higher where it is worse: they were taken as they stand.",
    lambda bundle: best(bundle, _certainty),
    _read,
)
