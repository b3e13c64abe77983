"""The report of a leak search: one line a candidate as CSV, and a summary as text.

The first six columns are the ones that existing scripts read, in their order; what Winnow adds comes after
them. The file is for programs: every value is exact (RFC 4180), a path that begins with ``=`` included, and
reading gives back what was written.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TextIO, TypeVar

from app.domain.errors import InvalidFile
from app.domain.formats.csv_lines import MAX_FIELD, exact_writer
from app.domain.leaks import LeakCandidate, LeakType, MatchMethod, Transform, Verdict

REQUIRED_COLUMNS = ("train_image", "test_image", "method", "similarity", "leak_type", "hamming_distance")
ADDED_COLUMNS = (
    "score",
    "transform",
    "train_label",
    "test_label",
    "label_conflict",
    "verdict",
    "train_split",
    "test_split",
)
COLUMNS = REQUIRED_COLUMNS + ADDED_COLUMNS

SIMILARITY_DECIMALS = 6
SCORE_DECIMALS = 4

_METHOD_ORDER = {method: i for i, method in enumerate(MatchMethod)}
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class LeakReportRow:
    """A candidate as the report tells it. Labels and splits that are not known, or empty, are ``None``.

    The similarity is kept to six decimals and the score to four: what the file holds is what the row holds.
    """

    train_image: str
    test_image: str
    method: MatchMethod
    similarity: float
    leak_type: LeakType
    hamming_distance: int | None = None
    score: float | None = None
    transform: Transform | None = None
    train_label: str | None = None
    test_label: str | None = None
    verdict: Verdict | None = None
    train_split: str | None = None
    test_split: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "similarity", round(self.similarity, SIMILARITY_DECIMALS))
        if self.score is not None:
            object.__setattr__(self, "score", round(self.score, SCORE_DECIMALS))
        for name in ("train_label", "test_label", "train_split", "test_split"):
            object.__setattr__(self, name, getattr(self, name) or None)

    @property
    def label_conflict(self) -> bool | None:
        """Whether the two images carry different labels; ``None`` where one of them is not known."""
        if self.train_label is None or self.test_label is None:
            return None
        return self.train_label != self.test_label


def report_row(
    candidate: LeakCandidate,
    *,
    train_label: str | None = None,
    test_label: str | None = None,
    verdict: Verdict | None = None,
    train_split: str | None = None,
    test_split: str | None = None,
) -> LeakReportRow:
    return LeakReportRow(
        train_image=candidate.train_image,
        test_image=candidate.test_image,
        method=candidate.method,
        similarity=candidate.similarity,
        leak_type=candidate.leak_type,
        hamming_distance=candidate.hamming_distance,
        score=candidate.score,
        transform=candidate.transform,
        train_label=train_label,
        test_label=test_label,
        verdict=verdict,
        train_split=train_split,
        test_split=test_split,
    )


def sort_rows(rows: Iterable[LeakReportRow]) -> list[LeakReportRow]:
    """The report's order: by test image, then by train image, then by method."""
    return sorted(rows, key=_order)


def _order(row: LeakReportRow) -> tuple[object, ...]:
    # All fields take part, so that the order of the input never shows, not even with repeated pairs.
    return (row.test_image, row.train_image, _METHOD_ORDER[row.method], *_cells(row))


def write_leaks_report(stream: TextIO, rows: Iterable[LeakReportRow]) -> None:
    """Write the rows, sorted. Open the stream with ``newline=""``: line ends are written here."""
    writer = exact_writer(stream)
    writer.writerow(COLUMNS)
    for row in sort_rows(rows):
        writer.writerow(_cells(row))


def _cells(row: LeakReportRow) -> tuple[str, ...]:
    return (
        row.train_image,
        row.test_image,
        row.method.value,
        f"{row.similarity:.{SIMILARITY_DECIMALS}f}",
        row.leak_type.value,
        "" if row.hamming_distance is None else str(row.hamming_distance),
        "" if row.score is None else f"{row.score:.{SCORE_DECIMALS}f}",
        row.transform.value if row.transform else "",
        row.train_label or "",
        row.test_label or "",
        "" if row.label_conflict is None else str(row.label_conflict).lower(),
        row.verdict.value if row.verdict else "",
        row.train_split or "",
        row.test_split or "",
    )


def read_leaks_report(stream: TextIO) -> list[LeakReportRow]:
    """Read a report, Winnow's own or one with the first six columns alone, in any order of columns.

    Open the stream with ``newline=""``. ``InvalidFile`` names the line of anything that makes no sense.
    """
    csv.field_size_limit(MAX_FIELD)
    reader = csv.DictReader(stream, strict=True)
    try:
        missing = [name for name in REQUIRED_COLUMNS[:5] if name not in (reader.fieldnames or ())]
        if missing:
            raise InvalidFile(f"The leak report lacks the column {', '.join(missing)}.")
        return list(_parsed_rows(reader))
    except csv.Error as error:
        raise InvalidFile(f"The leak report is no valid CSV after line {reader.line_num}: {error}.") from error


def _parsed_rows(reader: csv.DictReader[str]) -> Iterator[LeakReportRow]:
    for cells in reader:
        if None in cells or None in cells.values():
            raise InvalidFile(f"Line {reader.line_num} of the leak report has the wrong number of fields.")
        try:
            yield _parse(cells)
        except ValueError as error:
            raise InvalidFile(f"Line {reader.line_num} of the leak report: {error}.") from error


def _parse(cells: Mapping[str, str]) -> LeakReportRow:
    similarity, score = _share(cells["similarity"], "similarity"), cells.get("score")
    distance = cells.get("hamming_distance")
    transform, verdict = cells.get("transform"), cells.get("verdict")
    return LeakReportRow(
        train_image=cells["train_image"],
        test_image=cells["test_image"],
        method=MatchMethod(cells["method"]),
        similarity=similarity,
        leak_type=LeakType(cells["leak_type"]),
        hamming_distance=int(distance) if distance else None,
        score=_share(score, "score") if score else None,
        transform=Transform(transform) if transform else None,
        train_label=cells.get("train_label"),
        test_label=cells.get("test_label"),
        verdict=Verdict(verdict) if verdict else None,
        train_split=cells.get("train_split"),
        test_split=cells.get("test_split"),
    )


def _share(text: str, name: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} {text} is not between 0 and 1")
    return value
