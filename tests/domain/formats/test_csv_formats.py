"""Manifest and spreadsheet copy: what is written is read back as it was, and no cell runs as a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidFile
from app.domain.formats.manifest_csv import (
    COLUMNS,
    FINAL_COLUMNS,
    FinalRow,
    ManifestRow,
    read_final_rows,
    read_rows,
    write_rows,
)
from app.domain.formats.spreadsheet_csv import defuse, write_spreadsheet_copy

ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["=1+1", "a\rb", "\r", "a\r\nb", '"', ',"', "-", " ", "\ufeff", "\x00"]
)
ROWS = st.lists(st.builds(ManifestRow, *[ANYTHING] * len(fields(ManifestRow))), max_size=5)
FINAL_ROWS = st.lists(st.builds(FinalRow, *[ANYTHING] * len(fields(FinalRow))), max_size=5)


def written(rows: list[ManifestRow], columns: tuple[str, ...] = COLUMNS) -> str:
    stream = io.StringIO(newline="")
    assert write_rows(stream, rows, columns) == len(rows)
    return stream.getvalue()


def reading(text: str) -> io.StringIO:
    return io.StringIO(text, newline="")


def test_the_columns_are_those_of_the_standard_manifest() -> None:
    assert ",".join(COLUMNS) == (
        "image_id,image_path,original_label,vl_flag_type,vl_confidence,suggested_label,reason,"
        "user_tags,user_action,new_label,reviewer,reviewed_at,notes"
    )
    assert FINAL_COLUMNS[: len(COLUMNS)] == COLUMNS
    assert FINAL_COLUMNS[len(COLUMNS)] == "split"


def test_the_manifest_is_plain_csv_with_tags_in_one_quoted_field() -> None:
    row = ManifestRow("1", "=a.jpg", "cat", user_tags="keep,outlier_valid", user_action="keep")
    assert written([row]).splitlines()[1] == '1,=a.jpg,cat,,,,,"keep,outlier_valid",keep,,,,'
    assert "\r" not in written([row])


@given(rows=ROWS)
def test_a_manifest_is_read_as_it_was_written(rows: list[ManifestRow]) -> None:
    assert list(read_rows(reading(written(rows)))) == rows


@given(rows=FINAL_ROWS)
def test_a_final_manifest_is_read_as_it_was_written(rows: list[FinalRow]) -> None:
    assert list(read_final_rows(reading(written(list(rows), FINAL_COLUMNS)))) == rows


def test_a_cell_of_a_megabyte_is_read_back() -> None:
    row = ManifestRow("1", "a.jpg", "cat", reason="x" * (1 << 20))
    assert list(read_rows(reading(written([row])))) == [row]


BROKEN = {
    "empty": ("", "its header is None"),
    "another header": ("image_id,image_path\n", "This is no manifest"),
    "the final manifest": (",".join(FINAL_COLUMNS) + "\n", "This is no manifest"),
    "ragged row": (written([]) + "1,2,3\n", "Line 2 has 3 fields, expected 13"),
    "unclosed quote": (written([]) + '"1,2\n', "Line 2 of the manifest is not CSV"),
    "endless cell": (written([]) + "x" * ((1 << 20) + 1), "is not CSV: field larger"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_manifest_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        list(read_rows(reading(text)))


def copied(text: str) -> list[list[str]]:
    target = io.StringIO(newline="")
    write_spreadsheet_copy(reading(text), target)
    return list(csv.reader(reading(target.getvalue())))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_what_a_spreadsheet_would_run_is_defused(start: str) -> None:
    assert defuse(f"{start}1+cmd|' /C calc'!A0") == f"'{start}1+cmd|' /C calc'!A0"


@pytest.mark.parametrize("cell", ["", "a=b", "0.93", "train/cat/1.jpg", "'=1", " =1"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert defuse(cell) == cell


@given(rows=ROWS)
def test_the_copy_has_the_same_rows_and_no_cell_that_runs(rows: list[ManifestRow]) -> None:
    header, *cells = copied(written(rows))
    assert tuple(header) == COLUMNS
    for row, shown in zip(rows, cells, strict=True):
        assert [cell if cell == value else cell[1:] for cell, value in zip(shown, astuple(row), strict=True)] == list(
            astuple(row)
        )
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in shown)


def test_the_copy_counts_rows_below_the_header() -> None:
    assert write_spreadsheet_copy(reading(written([ManifestRow("1", "a", "b")] * 3)), io.StringIO()) == 3
    assert write_spreadsheet_copy(reading(""), io.StringIO()) == 0
