"""fastdup's ``work_dir``: similarity, outliers, picture statistics, broken files and components.

Up to version 0 the tables name paths, since version 1 row numbers of ``atrain_features.dat.csv``. What fastdup calls
distance is a similarity: 1 is identical, and the lower the nearest one of an outlier, the further out it lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows
from app.domain.formats.flagged.fastdup_tables import Names, read_components, read_outliers, read_similarity, read_stats
from app.domain.formats.flagged.row_maker import BadScore, RowMaker, read_number
from app.domain.formats.flagged.row_names import as_index, read_names
from app.domain.formats.flagged.rows import RejectedRow

_PEEKED = 1000
_SURE = {"similarity": 85, "outliers": 85, "stats": 90, "components": 90, "bad": 80}


@dataclass
class _WorkDir:
    """The tables of a work_dir by what they are."""

    tables: dict[str, list[Member]]

    def of(self, role: str) -> list[Member]:
        return self.tables.get(role, [])


def _role(member: Member) -> str:
    """What a table of fastdup holds, by its columns; "" for other files."""
    columns = member.columns
    if columns >= {"from", "to", "distance"}:
        return _pairs_role(member)
    if columns >= {"outlier", "nearest", "distance"}:
        return "outliers"
    if columns >= {"blur", "mean"} and columns & {"unique", "stdv"}:
        return "stats"
    if "component_id" in columns and columns & {"__id", "filename", "index"}:
        return "components"
    return "bad" if columns >= {"filename", "error_code"} else ""


def _pairs_role(member: Member) -> str:
    """``similarity.csv`` and ``outliers.csv`` have the same columns. The first begins with its highest value."""
    if "outlier" in member.base or "similar" in member.base:
        return "outliers" if "outlier" in member.base else "similarity"
    values = list(islice(_distances(member), _PEEKED))
    if len(values) > 1 and values[0] < values[-1] and values == sorted(values):
        return "outliers"
    return "similarity"


def _distances(member: Member) -> Iterator[float]:
    for row in member.table.rows():
        if isinstance(row, RejectedRow):
            continue
        try:
            value = read_number(row.get("distance"))
        except BadScore:
            continue  # rejected by name when the table is read
        if value is not None:
            yield value


def _recognise(bundle: Bundle) -> int:
    return max((_SURE.get(_safe_role(member), 0) for member in bundle.members), default=0)


def _safe_role(member: Member) -> str:
    try:
        return _role(member)
    except InvalidFile:
        return "similarity"  # its header is fastdup's; reading it says what is wrong


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    found = _WorkDir({})
    for member in bundle.members:
        if role := _role(member):
            found.tables.setdefault(role, []).append(member)
    if not found.tables:
        raise InvalidFile(
            "None of fastdup's tables is there: similarity.csv, outliers.csv, atrain_stats.csv, "
            "connected_components.csv or atrain_features.bad.csv."
        )
    names = Names(read_names(bundle))
    _learn_names(found, names)
    _check_numbered(found, names)
    return _rows(found, names, make, many=len(bundle.members) > 1)


def _learn_names(found: _WorkDir, names: Names) -> None:
    """Some tables give a row's number and its name together; any of them helps the others."""
    for member in [*found.of("stats"), *found.of("components"), *found.of("bad")]:
        if not member.columns >= {"index", "filename"}:
            continue
        for row in member.table.rows():
            if not isinstance(row, RejectedRow) and (index := as_index(row.get("fd_index", "index"))) is not None:
                names.known.setdefault(index, str(row.get("filename")))


def _check_numbered(found: _WorkDir, names: Names) -> None:
    """Say at once that row numbers alone name no images."""
    for role, columns in _KEYS.items():
        for member in found.of(role):
            first = next((row for row in member.table.rows() if not isinstance(row, RejectedRow)), None)
            if first and not names.known and as_index(first.get(*columns)) is not None:
                raise InvalidFile(
                    f"{member.name} names images by row number. Pack it into one zip with atrain_features.dat.csv, "
                    "which says which image a row is, or give the whole work_dir to 'winnow import --file'."
                )


_KEYS = {
    "similarity": ("filename_from", "from"),
    "outliers": ("filename_outlier", "filename_from", "outlier", "from"),
    "stats": ("filename", "index"),
    "components": ("filename", "__id", "index"),
}


def _rows(found: _WorkDir, names: Names, make: RowMaker, *, many: bool) -> Rows:
    groups = read_components(found.of("components"), names)
    readers = (("similarity", read_similarity), ("outliers", read_outliers), ("stats", read_stats))
    for role, reader in readers:
        for member in found.of(role):
            make.where = f"{member.name}: " if many else ""
            yield from reader(member.table, names, make)
    for member in found.of("bad"):
        make.where = f"{member.name}: " if many else ""
        yield from _broken(member, make)
    make.where = ""
    if groups and not found.of("similarity"):
        yield from groups.rows(make)


def _broken(member: Member, make: RowMaker) -> Rows:
    for row in member.table.rows():
        if isinstance(row, RejectedRow):
            yield make.placed(row)
        elif (code := str(row.get("error_code"))) not in ("", "VALID"):
            yield make.make(
                row.line, "corrupt", raw=row.raw, path=row.get("filename"), reason=f"fastdup could not read it: {code}"
            )


FORMAT = Format(
    "fastdup",
    "fastdup",
    "fastdup's distance is a similarity: it was taken as it stands for duplicates, and as 1 minus it for outliers. "
    "Blur below 150, and mean below 4 or above 253, count from 0.5 at that threshold to 1 at the extreme.",
    _recognise,
    _read,
)
