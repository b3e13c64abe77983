"""Reading the guide's CSV by columns says what reading it row by row says."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.guide_columns import read_columns
from app.domain.formats.guide_csv import open_guide_csv

HEADER = "image_id,image_path,label,issue_type,confidence,suggested_label,reason,group_id"

CELLS = st.one_of(
    st.sampled_from(
        ["", "a.png", "train/cat/1.png", "./a.png", "b\\c.png", "mislabel", "Blurry", "what", "0.5", "1", "0", "97",
         "5%", "-0.1", "nan", "inf", "0_5", " 0.25 ", "1e-3", "x" * 301, "\x07", "a,b", 'say "x"', "two\nlines", "ä",
         " s "]
    ),
    st.text(max_size=6),
)  # fmt: skip
ROWS = st.lists(st.lists(CELLS, min_size=7, max_size=9), max_size=12)
LINES = st.lists(st.text(alphabet='ab,";\n\r\x00 .5%\t', max_size=20), max_size=8)


def written(rows: list[list[str]], quoting: int) -> str:
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting, escapechar="\\" if quoting == csv.QUOTE_NONE else None)
    writer.writerows(rows)
    return out.getvalue()


def compare(text: str, percent: bool = False) -> int | None:
    """Read both ways; return how many rows came by columns, None where that way gave up."""
    data = text.encode("utf-8", "surrogatepass")
    slow, quick = (open_guide_csv(data, confidence_in_percent=percent) for _ in range(2))
    expected: list[FlaggedRow | RejectedRow] = list(slow.rows())
    columns = read_columns(quick)
    if columns is None:
        return None
    found = [*(columns.row(n) for n in range(len(columns.lines))), *columns.others]
    assert sorted(found, key=lambda row: row.line) == expected
    assert sorted(quick.warnings) == sorted(slow.warnings)
    return len(columns.lines)


@settings(max_examples=300, deadline=None)
@given(ROWS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.booleans())
def test_both_ways_give_the_same_rows(rows, quoting, percent):
    text = written([row for row in rows if "\x00" not in "".join(row)], quoting)
    if not any("\ud800" <= sign <= "\udfff" for sign in text):
        compare(f"{HEADER}\r\n{text}", percent)


@settings(max_examples=300, deadline=None)
@given(LINES)
def test_both_ways_give_the_same_for_what_is_hardly_csv(lines):
    text = "\n".join([HEADER, *lines])
    if "\x00" not in text:
        compare(text)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("cell", ["fine", '"a, b"', '"two\nlines"'])
def test_ordinary_files_come_by_columns(end, cell):
    lines = [HEADER, *(f"i{n},train/cat/{n}.png,cat,mislabel,0.{n},dog,{cell}," for n in range(5)), "", "short,row"]
    assert compare(end.join(lines) + end) == 5


def test_a_file_that_begins_with_blank_lines_keeps_its_line_numbers():
    assert compare(f"\n\n{HEADER}\n\ni,a.png,,dark,,,,\n\nx\n") == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{HEADER}\n1,a.png,,dark,,,,\n1,b.png,,dark,,,,\n", "an id names two images"),
        (f'{HEADER}\n1,a.png,,dark,,,"x"y,\n', "a quote is broken"),
        (f"{HEADER}\n1,a.png,,dark,,,a\rb,\n", "a line ends in an old Macintosh's way"),
    ],
)
def test_rows_that_hang_together_are_read_one_by_one(text, why):
    assert compare(text) is None, why
