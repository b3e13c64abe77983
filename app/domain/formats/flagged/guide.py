"""The cleaning guide's columns: as CSV, which ``guide_csv.py`` reads, and as a Parquet table of the same columns."""

from __future__ import annotations

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best, chosen
from app.domain.formats.flagged.row_maker import RowMaker
from app.domain.formats.flagged.rows import RejectedRow
from app.domain.formats.guide_columns import FlaggedColumns, read_columns
from app.domain.formats.guide_csv import COLUMNS, open_guide_csv

_MORE_PATHS = ("image_uri", "file_path", "filepath", "image_filename", "filename")


def _certainty(member: Member) -> int:
    columns = member.columns
    paths = {*COLUMNS["image_path"], *COLUMNS["image_id"]}
    if member.kind == "parquet":
        paths |= {*_MORE_PATHS, "media_id"}
    return 60 if columns & paths and columns & {*COLUMNS["issue_type"]} else 0


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    member = chosen(bundle, _certainty)[0]
    return _parquet_rows(member, make) if member.kind == "parquet" else _csv_rows(member, make)


def _csv_rows(member: Member, make: RowMaker) -> Rows:
    source = open_guide_csv(member.data, confidence_in_percent=make.percent)

    def rows() -> Rows:
        yield from source.rows()
        for text in source.warnings:
            make.note(text)

    make.percent_used = make.percent
    return rows()


def _read_columns(bundle: Bundle, make: RowMaker) -> FlaggedColumns | None:
    member = chosen(bundle, _certainty)[0]
    if member.kind == "parquet":
        return None
    source = open_guide_csv(member.data, confidence_in_percent=make.percent)
    found = read_columns(source)
    if found is not None:
        make.percent_used = make.percent
        for text in source.warnings:
            make.note(text)
    return found


def _parquet_rows(member: Member, make: RowMaker) -> Rows:
    if not _certainty(member):
        raise InvalidFile(
            f"{member.name} lacks a column that names the image or the issue type; it has "
            f"{', '.join(member.table.columns)[:300]}."
        )

    def rows() -> Rows:
        for row in member.table.rows():
            if isinstance(row, RejectedRow):
                yield row
                continue
            fields = {name: row.get(*names) for name, names in COLUMNS.items()}
            yield make.make(
                row.line, fields["issue_type"], raw=row.raw, image_id=fields["image_id"] or row.get("media_id"),
                path=fields["image_path"] or row.get(*_MORE_PATHS), label=fields["label"],
                score=fields["confidence"], suggested=fields["suggested_label"], reason=fields["reason"],
                group=fields["group"],
            )  # fmt: skip

    return rows()


FORMAT = Format(
    "guide",
    "flagged-samples table",
    "Confidence was taken as it stands: higher is surer.",
    lambda bundle: best(bundle, _certainty),
    _read,
    _read_columns,
)
