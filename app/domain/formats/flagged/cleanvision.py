"""CleanVision's ``issues.csv``, and its duplicate sets as JSON (they lie in a pickle, which is never opened)."""

from __future__ import annotations

from collections.abc import Callable

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best
from app.domain.formats.flagged.issue_columns import Column, Reading, flag_columns, open_tables
from app.domain.formats.flagged.row_maker import RowMaker, higher_is_worse, lower_is_worse
from app.domain.formats.flagged.tables import shown

ISSUES = frozenset(
    {"dark", "light", "odd_aspect_ratio", "low_information", "blurry", "grayscale", "odd_size", "exact_duplicates",
     "near_duplicates"}
)  # fmt: skip
SETS = ("exact_duplicates", "near_duplicates")


def _columns(columns: frozenset[str]) -> list[Column]:
    return flag_columns(columns, "is_*_issue", "*_score")


def _certainty(member: Member) -> int:
    if member.kind == "json":
        return 92 if member.keys and member.keys <= {*SETS} else 0
    return 90 if {column.issue for column in _columns(member.columns)} & ISSUES else 0


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    tables = bundle.find(lambda member: member.kind != "json" and _certainty(member) > 0)
    sets = bundle.find(lambda member: member.kind == "json" and _certainty(member) > 0)
    if not tables and not sets:
        raise InvalidFile("It has neither is_..._issue columns nor duplicate sets, as CleanVision writes them.")
    groups = _read_sets(sets)
    if not tables:
        return _set_rows(groups, make)
    if not groups:
        make.note("CleanVision's duplicate sets are not in issues.csv; without them, duplicates have no group")
    return open_tables(bundle, tables, make, Reading("CleanVision", _columns, _severity, groups))


def _severity(issue: str) -> Callable[[float], float]:
    # The score of duplicates is 1 / (size of the set) and says nothing of how sure they are.
    return _certain if issue in SETS else lower_is_worse


def _certain(score: float) -> float:
    return 1.0 if 0 <= score <= 1 else score


def _read_sets(members: list[Member]) -> dict[str, dict[str, str]]:
    """Group names by issue and image. A set is a list of paths, under the issue or under its ``sets``."""
    groups: dict[str, dict[str, str]] = {}
    for member in members:
        for item in member.items():
            sets = item.value.get("sets") if isinstance(item.value, dict) else item.value
            if not isinstance(sets, list) or not all(isinstance(one, list) for one in sets):
                raise InvalidFile(f"{member.name}, {item.key}: the sets are not a list of lists of paths.")
            for images in sets:
                if not all(isinstance(image, (str, int)) for image in images):
                    raise InvalidFile(f"{member.name}, {item.key}: {shown(images)[:100]} is not a list of paths.")
                named = sorted(map(str, images))
                groups.setdefault(str(item.key), {}).update(dict.fromkeys(named, f"{item.key}: {named[0]}"[:200]))
    return groups


def _set_rows(groups: dict[str, dict[str, str]], make: RowMaker) -> Rows:
    for issue, members in groups.items():
        for number, (image, group) in enumerate(members.items(), 1):
            yield make.make(
                number, issue, raw=image, path=image, score=1.0, score_name="in a set", severity=higher_is_worse,
                reason="CleanVision found it in a set of duplicates", group=group,
            )  # fmt: skip


FORMAT = Format(
    "cleanvision",
    "CleanVision",
    "CleanVision's scores are lower where it is worse: 1 minus the score was taken. Duplicates count 1: their score "
    "only says how many there are.",
    lambda bundle: best(bundle, _certainty),
    _read,
)
