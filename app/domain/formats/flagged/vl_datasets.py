"""The lists of the VL-Datasets project: ``*_images_issue_file_list.csv`` with ``filename,reason,value,prototype``.

What ``value`` means follows from the reason, as in fastdup, which wrote it. It is kept in any case.
"""

from __future__ import annotations

from collections.abc import Callable

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best, chosen
from app.domain.formats.flagged.measures import SEVERITIES
from app.domain.formats.flagged.row_maker import BadScore, RowMaker, higher_is_worse, lower_is_worse, read_number
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow, find_issue
from app.domain.formats.flagged.tables import Table, TableRow
from app.domain.samples import IssueType


def _certainty(member: Member) -> int:
    if not member.columns >= {"filename", "reason"}:
        return 0
    return 95 if member.columns & {"value", "prototype"} else 65


def _recognise(bundle: Bundle) -> int:
    counts = best(bundle, lambda member: 90 if member.columns == {"split", "reason", "count", "pct"} else 0)
    return max(best(bundle, _certainty), counts)


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    tables = [member.table for member in chosen(bundle, _certainty)]
    for table in tables:
        if not {"filename", "reason"} <= {*table.columns}:
            raise InvalidFile(
                f"The file lacks the columns filename and reason; it has {', '.join(table.columns)[:300]}. The list of "
                "counts names no images: import the one whose name ends in _images_issue_file_list.csv."
            )
    return _rows(tables, make)


def _rows(tables: list[Table], make: RowMaker) -> Rows:
    for table in tables:
        for row in table.rows():
            yield row if isinstance(row, RejectedRow) else _row(row, make)


def _row(row: TableRow, make: RowMaker) -> FlaggedRow | RejectedRow:
    reason = str(row.get("reason"))
    issue = find_issue(reason[:200])
    prototype = str(row.get("prototype"))
    others = (prototype,) if prototype and issue in (IssueType.DUPLICATE, IssueType.LEAK) else ()
    measured = SEVERITIES.get(reason.strip().lower())
    score = row.get("value")
    severity: Callable[[float], float] = higher_is_worse
    if measured:
        severity = measured
    elif issue is IssueType.OUTLIER:
        severity = lower_is_worse
    elif not others:
        score = _kept(score)
    return make.make(
        row.line, reason, raw=row.raw, path=row.get("filename"), score=score, score_name="value", severity=severity,
        reason="similar to" if others else prototype and f"compared with {prototype}", others=others,
    )  # fmt: skip


def _kept(value: object) -> object:
    """A value whose meaning nobody wrote down counts only where it can be a share."""
    try:
        number = read_number(value)
    except BadScore:
        return value  # refused with the row
    return number if number is not None and 0 <= number <= 1 else None


FORMAT = Format(
    "vl-datasets",
    "VL-Datasets",
    "Similarity of duplicates and leaks was taken as it stands; outliers as 1 minus the similarity to their nearest "
    "image; blur, dark and bright from 0.5 at fastdup's threshold to 1 at the extreme.",
    _recognise,
    _read,
)
