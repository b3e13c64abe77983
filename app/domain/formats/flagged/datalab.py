"""Datalab of the open-source cleanlab: ``issues.csv``, or the frames of ``get_issues`` saved as CSV or Parquet.

``issues.csv`` has no index: its rows are the data set's, in order, so a list of paths must come along, or a column.
"""

from __future__ import annotations

from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best, chosen
from app.domain.formats.flagged.issue_columns import Column, Reading, flag_columns, open_tables
from app.domain.formats.flagged.row_maker import RowMaker

ISSUES = frozenset(
    {"label", "outlier", "near_duplicate", "non_iid", "class_imbalance", "underperforming_group", "null",
     "data_valuation"}
)  # fmt: skip


def _columns(columns: frozenset[str]) -> list[Column]:
    return flag_columns(columns, "is_*_issue", "*_score")


def _certainty(member: Member) -> int:
    if member.kind == "json" or "label_issue_score" in member.columns:
        return 0
    return 93 if {column.issue for column in _columns(member.columns)} & ISSUES else 0


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    return open_tables(bundle, chosen(bundle, _certainty), make, Reading("Datalab", _columns))


FORMAT = Format(
    "datalab",
    "Datalab",
    "Datalab's scores are lower where it is worse: 1 minus the score was taken.",
    lambda bundle: best(bundle, _certainty),
    _read,
)
