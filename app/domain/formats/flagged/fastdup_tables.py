"""Single tables of fastdup's ``work_dir``, made into rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from app.domain.formats.flagged.bundle import Member
from app.domain.formats.flagged.contract import Rows
from app.domain.formats.flagged.measures import BLUR, BRIGHT, DARK, blur_severity, bright_severity, dark_severity
from app.domain.formats.flagged.pairs import PairBook
from app.domain.formats.flagged.row_maker import BadScore, RowMaker, lower_is_worse, read_number
from app.domain.formats.flagged.row_names import as_index
from app.domain.formats.flagged.rows import RejectedRow
from app.domain.formats.flagged.tables import Table, TableRow


class UnknownIndex(ValueError):
    """A row number that no list names."""


@dataclass
class Names:
    """Image names by fastdup's row number; a name itself passes through."""

    known: dict[int, str] = field(default_factory=dict)

    def of(self, value: object) -> str:
        index = as_index(value)
        if index is None:
            return str(value)
        if index not in self.known:
            raise UnknownIndex(f"Row number {index} is in none of the lists of images.")
        return self.known[index]


def read_similarity(table: Table, names: Names, make: RowMaker) -> Rows:
    book = PairBook("distance")
    for row in table.rows():
        if isinstance(row, RejectedRow):
            yield make.placed(row)
            continue
        try:
            first = names.of(row.get("filename_from", "from"))
            second = names.of(row.get("filename_to", "to"))
            if not first or not second:
                yield make.reject(row.line, "no_image", "A pair needs two images.", row.raw)
                continue
            book.add(row.line, first, second, read_number(row.get("distance"), "distance"))
        except (UnknownIndex, BadScore) as error:
            yield make.reject(row.line, _code(error), str(error), row.raw)
    yield from book.rows(make)


def _code(error: ValueError) -> str:
    return "unknown_index" if isinstance(error, UnknownIndex) else "bad_confidence"


def read_outliers(table: Table, names: Names, make: RowMaker) -> Rows:
    """One flag an outlier, of its least similar neighbour, as fastdup's own interface has it."""
    lowest: dict[str, tuple[float, str, TableRow]] = {}
    for row in table.rows():
        if isinstance(row, RejectedRow):
            yield make.placed(row)
            continue
        try:
            outlier = names.of(row.get("filename_outlier", "filename_from", "outlier", "from"))
            nearest = names.of(row.get("filename_nearest", "filename_to", "nearest", "to"))
            distance = read_number(row.get("distance"), "distance")
        except (UnknownIndex, BadScore) as error:
            yield make.reject(row.line, _code(error), str(error), row.raw)
            continue
        if distance is None or not outlier:
            yield make.reject(row.line, "no_score", "An outlier needs an image and a distance.", row.raw)
        elif outlier not in lowest or distance < lowest[outlier][0]:
            lowest[outlier] = (distance, nearest, row)
    for outlier, (distance, nearest, row) in lowest.items():
        yield make.make(
            row.line, "outlier", raw=row.raw, path=outlier, score=distance, score_name="distance",
            severity=lower_is_worse, reason=f"compared with {nearest}, similarity {distance:.3f}",
        )  # fmt: skip


def read_stats(table: Table, names: Names, make: RowMaker) -> Rows:
    for row in table.rows():
        if isinstance(row, RejectedRow):
            yield make.placed(row)
            continue
        try:
            blur, mean = read_number(row.get("blur"), "blur"), read_number(row.get("mean"), "mean")
            bad_blur, dark, bright = _beyond(blur, mean)
            if bad_blur or dark or bright:
                path = names.of(row.get("filename", "index"))
        except (UnknownIndex, BadScore) as error:
            yield make.reject(row.line, _code(error), str(error), row.raw)
            continue
        if bad_blur:
            yield make.make(row.line, "blur", raw=row.raw, path=path, score=blur, score_name="blur",
                            severity=blur_severity, reason=f"variance of the Laplacian {blur:g}")  # fmt: skip
        if dark or bright:
            yield make.make(row.line, "dark" if dark else "bright", raw=row.raw, path=path, score=mean,
                            score_name="mean", severity=dark_severity if dark else bright_severity,
                            reason=f"mean grey value {mean:g}")  # fmt: skip


def _beyond(blur: float | None, mean: float | None) -> tuple[bool, bool, bool]:
    return (
        blur is not None and blur < BLUR,
        mean is not None and mean < DARK,
        mean is not None and mean > BRIGHT,
    )


@dataclass
class Components:
    """Images by component. fastdup chains pairs, so a component is a group only where no pairs came along."""

    members: dict[str, list[tuple[TableRow, str]]]
    rejects: list[tuple[TableRow, str]]
    broken: list[RejectedRow]

    def rows(self, make: RowMaker) -> Rows:
        yield from self.broken
        for row, problem in self.rejects:
            yield make.reject(row.line, "unknown_index", problem, row.raw)
        for component, members in self.members.items():
            if len(members) < 2:
                continue
            for row, path in members:
                yield make.make(
                    row.line, "duplicate", raw=row.raw, path=path, score=row.get("mean_distance"),
                    score_name="mean_distance", group=f"component {component}",
                    reason=f"one of {len(members):,} like images",
                )  # fmt: skip


def read_components(tables: list[Member], names: Names) -> Components | None:
    found = Components(defaultdict(list), [], [])
    for member in tables:
        for row in member.table.rows():
            if isinstance(row, RejectedRow):
                found.broken.append(row)
            elif row.get("count") not in ("0", "0.0", 0):
                try:
                    path = names.of(row.get("filename", "__id", "index"))
                except UnknownIndex as error:
                    found.rejects.append((row, str(error)))
                else:
                    found.members[str(row.get("component_id"))].append((row, path))
    return found if tables else None
