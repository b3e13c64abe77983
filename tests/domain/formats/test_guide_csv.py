"""The guide's CSV: every accepted header, every bad row named with its line, and no row ever lost."""

from __future__ import annotations

import contextlib
import csv
import io
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidFile
from app.domain.formats.csv_lines import MAX_FIELD, MAX_ROW_LINES
from app.domain.formats.flagged.rows import ISSUE_WORDS, FlaggedRow, RejectedRow
from app.domain.formats.guide_csv import COLUMNS, GuideCsv, open_guide_csv
from app.domain.samples import Flag, IssueType

HEADER = "image_id,image_path,label,issue_type,confidence,suggested_label,reason"
GOOD = "7,test/cat/7.jpg,cat,mislabel,0.93,dog,predicted dog"
FLAGGED = FlaggedRow(
    2, "7", "test/cat/7.jpg", "cat", Flag(IssueType.MISLABEL, "mislabel", 0.93, "dog", "predicted dog")
)


def opened(*lines: str, end: str = "\n", percent: bool = False) -> GuideCsv:
    return open_guide_csv((end.join(lines) + end).encode(), confidence_in_percent=percent)


def rows(*lines: str, end: str = "\n", percent: bool = False) -> list[FlaggedRow | RejectedRow]:
    return list(opened(*lines, end=end, percent=percent).rows())


def only_flagged(*lines: str, percent: bool = False) -> FlaggedRow:
    (row,) = rows(*lines, percent=percent)
    assert isinstance(row, FlaggedRow), row
    return row


def only_rejected(*lines: str, percent: bool = False) -> RejectedRow:
    (row,) = rows(*lines, percent=percent)
    assert isinstance(row, RejectedRow), row
    return row


def test_a_good_row_is_read_in_full() -> None:
    assert rows(HEADER, GOOD) == [FLAGGED]


@pytest.mark.parametrize("names", list(product(*COLUMNS.values())), ids=",".join)
def test_every_accepted_name_of_every_column_is_read(names: tuple[str, ...]) -> None:
    row = only_flagged(",".join(names), "7,a.jpg,cat,outlier,0.5,dog,why,g1")
    flag = Flag(IssueType.OUTLIER, "outlier", 0.5, "dog", "why", "g1")
    assert row == FlaggedRow(2, "7", "a.jpg", "cat", flag)


def test_columns_may_come_in_any_order_and_case_with_spaces_around() -> None:
    assert only_flagged(" Flag , PATH", "Outlier , a.jpg ").flag.issue_type is IssueType.OUTLIER


@pytest.mark.parametrize("header", ["image_path,issue_type", "image_id,issue_type"])
def test_image_and_issue_type_are_all_that_is_needed(header: str) -> None:
    row = only_flagged(header, "a.jpg,leak")
    assert row.flag == Flag(IssueType.LEAK, "leak", None, None, None)
    assert row.label is None


def test_columns_that_are_not_used_are_named() -> None:
    source = opened("image_path,issue_type,width,", "a.jpg,leak,32,x")
    assert len(list(source.rows())) == 1
    assert source.warnings == ["Columns that are not used: width, (no name)."]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_read_with_a_warning(delimiter: str) -> None:
    source = opened(HEADER.replace(",", delimiter), GOOD.replace(",", delimiter))
    assert list(source.rows()) == [FLAGGED]
    assert "instead of commas" in source.warnings[0]


@pytest.mark.parametrize(("text", "value"), [("0,93", 0.93), ("0.93", 0.93), ("1", 1.0), ("93,5 %", 0.935)])
def test_between_semicolons_a_decimal_comma_is_read(text: str, value: float) -> None:
    assert only_flagged("path;flag;confidence", f"a.jpg;blur;{text}").flag.confidence == pytest.approx(value)


NO_EXPORT = {
    "empty": (b"", "is empty"),
    "blank": (b" \r\n\n\t", "is empty"),
    "byte order mark alone": (b"\xef\xbb\xbf", "is empty"),
    "byte order mark and blank lines": (b"\xef\xbb\xbf\n\n", "is empty"),
    "png": (b"\x89PNG\r\n\x1a\n\x00\x00", "not a CSV file"),
    "jpeg": (b"\xff\xd8\xff\xe0abc", "not a CSV file"),
    "zip": (b"PK\x03\x04abc", "not a CSV file"),
    "parquet": (b"PAR1abc", "not a CSV file"),
    "pdf": (b"%PDF-1.7", "not a CSV file"),
    "utf-16 with mark": (HEADER.encode("utf-16"), "not UTF-8 text"),
    "utf-16 without mark": (HEADER.encode("utf-16-le"), "NUL bytes"),
    "latin-1": (f"{HEADER}\n1,größe.jpg,a,leak,,,".encode("latin-1"), r"not UTF-8 text \(line 2, byte 75\)"),
    "nul": (f"{HEADER}\n1,a\0.jpg,a,leak,,,".encode(), "NUL bytes"),
    "json": (b'[{"image_path": "a.jpg", "issue_type": "leak"}]', "lacks the column"),
    "html": (b"<!doctype html><title>Sign in</title>", "lacks the column"),
    "no header": (GOOD.encode(), r"lacks the column image_path \(or path\) and issue_type \(or flag\)"),
    "no image column": (b"label,issue_type\ncat,leak", r"lacks the column image_path \(or path\)\. "),
    "no issue column": (b"image_path,label\na.jpg,cat", r"lacks the column issue_type \(or flag\)\. "),
    "one column twice": (b"path,flag,path\na,leak,b", "image_path twice: path, path"),
    "both names of one column": (b"path,flag,image_path\na,leak,b", "image_path twice: path, image_path"),
    "unclosed quote in the header": (b'"path,flag\na.jpg,leak', "header line is not CSV"),
}


@pytest.mark.parametrize(("data", "message"), NO_EXPORT.values(), ids=NO_EXPORT)
def test_a_file_that_is_no_export_is_refused_with_a_clear_message(data: bytes, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        open_guide_csv(data)


def test_the_header_that_was_found_is_shown() -> None:
    with pytest.raises(InvalidFile, match="Its header is: 'file,kind'"):
        opened("file,kind")


def test_a_header_alone_has_no_rows() -> None:
    assert rows(HEADER) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("", None), ("0", 0.0), ("1", 1.0), (" 0.5 ", 0.5), ("1e-3", 0.001), (".5", 0.5), ("93 %", 0.93), ("93%", 0.93)],
)
def test_confidence_is_read(text: str, value: float | None) -> None:
    assert only_flagged("path,flag,confidence", f"a.jpg,blur,{text}").flag.confidence == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("high", "'high' is not a number"),
        ("0_5", "not a number"),
        ("%", "not a number"),
        ('"0,93"', "not a number"),
        ("0.9.3", "not a number"),
        ("nan", "outside 0 to 1"),
        ("inf", "outside 0 to 1"),
        ("-inf", "outside 0 to 1"),
        ("-0.1", "outside 0 to 1"),
        ("1.5", "'confidence in percent' ticked"),
        ("93", "'confidence in percent' ticked"),
        ("101", "outside 0 to 1."),
        ("101 %", "outside 0 to 100 %"),
        ("nan %", "outside 0 to 100 %"),
    ],
)
def test_confidence_that_makes_no_sense_rejects_the_row(text: str, reason: str) -> None:
    row = only_rejected("path,flag,confidence", f"a.jpg,blur,{text}")
    assert row.code == "bad_confidence"
    assert reason in row.reason


@pytest.mark.parametrize(("text", "value"), [("93", 0.93), ("93 %", 0.93), ("0.5", 0.005), ("100", 1.0), ("", None)])
def test_confidence_in_percent(text: str, value: float | None) -> None:
    row = only_flagged("path,flag,confidence", f"a.jpg,blur,{text}", percent=True)
    assert row.flag.confidence == (value if value is None else pytest.approx(value))


def test_confidence_over_100_percent_is_rejected() -> None:
    assert "0 to 100 %" in only_rejected("path,flag,confidence", "a.jpg,blur,101", percent=True).reason


def test_percent_signs_are_told_once_with_the_rows_that_were_taken() -> None:
    source = opened("path,flag,confidence", "a,blur,50%", "b,blur,60 %", "c,blur,0.7", "d,blur,x%", "e,blur,400%")
    assert [type(row) for row in source.rows()] == [FlaggedRow] * 3 + [RejectedRow] * 2
    assert source.warnings == ["Confidence written with a % sign was divided by 100 (2 rows)"]


@pytest.mark.parametrize(("word", "issue"), ISSUE_WORDS.items())
def test_the_words_for_issue_types_are_known(word: str, issue: IssueType) -> None:
    flag = only_flagged("path,flag", f"a.jpg,{word.upper().replace('_', ' ')}").flag
    assert (flag.issue_type, flag.raw_issue_type) == (issue, word.upper().replace("_", " "))


def test_an_unknown_issue_type_is_kept_as_other_and_told() -> None:
    source = opened("path,flag", "a.jpg,weird", "b.jpg,weird")
    kept = [row.flag for row in source.rows() if isinstance(row, FlaggedRow)]
    assert kept == [Flag(IssueType.OTHER, "weird", None, None, None)] * 2
    assert source.warnings == ["Unknown issue type 'weird' was kept as 'other' (2 rows)"]


def test_thousands_of_unknown_issue_types_do_not_become_thousands_of_warnings() -> None:
    source = opened("path,flag", *(f"a.jpg,t{n}" for n in range(3000)), "a.jpg,t7")
    assert len(list(source.rows())) == 3001
    assert len(source.warnings) == 21
    assert "'t7' was kept as 'other' (2 rows)" in source.warnings[0]
    assert source.warnings[-1] == "2,980 more unknown issue types were kept as 'other' (2,980 rows)"


REJECTED = {
    "too few fields": ("1,a.jpg,cat", "wrong_field_count", "has 3 fields; the header has 7"),
    "too many fields": (f"{GOOD},more", "wrong_field_count", "has 8 fields"),
    "spaces alone": ("   ", "wrong_field_count", "has 1 fields"),
    "no image": (",,cat,leak,,,", "no_image", "names no image"),
    "no issue type": ("1,a.jpg,cat, ,,,", "no_issue_type", "no issue type"),
    "tab in the path": ("1,a\tb.jpg,cat,leak,,,", "control_character", "image_path"),
    "line break in the path": ('1,"a\nb.jpg",cat,leak,,,', "control_character", "image_path"),
    "bell in the id": ("1\x072,a.jpg,cat,leak,,,", "control_character", "image_id"),
    "delete in the path": ("1,a\x7f.jpg,cat,leak,,,", "control_character", "image_path"),
    "line break in the suggestion": ('1,a.jpg,cat,leak,,"dog\n  removed  0",', "control_character", "suggested_label"),
    "tab in the issue type": ("1,a.jpg,cat,le\tak,,,", "control_character", "issue_type"),
    "id too long": ("1" * 301 + ",a.jpg,cat,leak,,,", "too_long", "image_id is longer than 300"),
    "path too long": ("1," + "a" * 4097 + ",cat,leak,,,", "too_long", "longer than 4,096"),
    "issue type too long": ("1,a.jpg,cat," + "x" * 201 + ",,,", "too_long", "issue_type"),
    "suggestion too long": ("1,a.jpg,cat,leak,," + "x" * 301 + ",", "too_long", "suggested_label"),
    "text after a quote": ('1,"a"b.jpg,cat,leak,,,', "unreadable_row", "is a quote missing?"),
    "field without end": ("1,a.jpg,cat,leak,,," + "x" * (MAX_FIELD + 1), "unreadable_row", "field larger"),
}


@pytest.mark.parametrize(("line", "code", "reason"), REJECTED.values(), ids=REJECTED)
def test_a_bad_row_is_named_and_the_next_is_read(line: str, code: str, reason: str) -> None:
    bad, good = rows(HEADER, line, GOOD)
    assert isinstance(bad, RejectedRow)
    assert (bad.line, bad.code) == (2, code)
    assert reason in bad.reason
    assert bad.raw == line[:2000]
    assert isinstance(good, FlaggedRow)
    assert good.line == line.count("\n") + 3


def test_an_unclosed_quote_costs_its_own_row_only() -> None:
    found = rows(HEADER, GOOD, '1,"a.jpg,cat,leak,,,', GOOD, GOOD, '2,b.jpg,cat,leak,,,"quoted"', GOOD)
    assert [(type(row), row.line) for row in found] == [
        (FlaggedRow, 2), (RejectedRow, 3), (FlaggedRow, 4), (FlaggedRow, 5), (FlaggedRow, 6), (FlaggedRow, 7),
    ]  # fmt: skip


def test_an_unclosed_quote_on_the_last_line_is_named() -> None:
    good, bad = rows(HEADER, GOOD, '1,a.jpg,cat,leak,,,"so')
    assert isinstance(good, FlaggedRow)
    assert isinstance(bad, RejectedRow)
    assert (bad.line, bad.code, bad.raw) == (3, "unreadable_row", '1,a.jpg,cat,leak,,,"so')


def test_many_lines_that_each_open_a_quote_are_read_in_time() -> None:
    found = rows("path,flag,reason", *(['a",",b'] * 5000))
    assert len(found) == 5000
    assert f"within {MAX_ROW_LINES} lines" in found[0].reason if isinstance(found[0], RejectedRow) else False


def test_line_numbers_hold_after_quoted_line_breaks() -> None:
    found = rows(HEADER, '1,a.jpg,cat,leak,,,"two\nlines"', GOOD, '2,b.jpg,cat,leak,,"x\r\ny\n","z\n"', "bad", GOOD)
    assert [row.line for row in found] == [2, 4, 5, 9, 10]
    first = found[0]
    assert isinstance(first, FlaggedRow)
    assert first.flag.reason == "two\nlines"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("blank", [0, 1, 3])
def test_line_ends_a_byte_order_mark_and_leading_blank_lines(end: str, mark: str, blank: int) -> None:
    source = open_guide_csv((mark + end * blank + end.join([HEADER, "", GOOD, "bad"])).encode())
    assert [(type(row), row.line) for row in source.rows()] == [(FlaggedRow, blank + 3), (RejectedRow, blank + 4)]
    assert source.warnings == []


def test_quotes_around_header_names_are_fine() -> None:
    assert only_flagged('"path";"flag"', "a.jpg;leak").image_path == "a.jpg"


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(table=st.lists(st.lists(CELLS, min_size=1, max_size=9).filter(any), max_size=12), end=st.sampled_from("\r\n"))
def test_as_many_rows_come_out_as_went_in_whatever_they_hold(table: list[list[str]], end: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n" if end == "\r" else "\n")
    starts, lines = [], []
    for cells in table:
        before = text.getvalue()
        starts.append(2 + len(list(io.StringIO(before, newline=""))))
        writer.writerow(cells)
        lines.append(text.getvalue().removeprefix(before).rstrip("\r\n"))
    found = list(open_guide_csv(f"{HEADER}\n{text.getvalue()}".encode()).rows())
    assert [row.line for row in found] == starts
    for row, cells, line in zip(found, table, lines, strict=True):
        if isinstance(row, FlaggedRow):
            assert (row.image_id, row.image_path) == (cells[0].strip(), cells[1].strip())
        else:
            assert row.raw == line[:2000]


@given(body=st.text(st.sampled_from('a,"\n\r;1 x'), max_size=80))
def test_any_text_below_the_header_is_read_to_its_end(body: str) -> None:
    found = list(open_guide_csv(f"{HEADER}\n{body}".encode()).rows())
    lines = [line.rstrip("\r\n") for line in io.StringIO(body, newline="")]
    numbers = [row.line for row in found]
    assert numbers == sorted(set(numbers))
    assert bool(found) == any(lines)
    if '"' not in body:
        assert numbers == [number for number, line in enumerate(lines, 2) if line]


@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_the_bytes_the_file_is_read_or_refused(data: bytes) -> None:
    for start in (b"", HEADER.encode() + b"\n"):
        with contextlib.suppress(InvalidFile):
            list(open_guide_csv(start + data).rows())


def test_one_id_for_two_images_is_rejected_and_names_the_first() -> None:
    found = rows(HEADER, "7,a.jpg,,outlier,0.5,,", "7,./a.jpg,,mislabel,0.6,,", "7,b.jpg,,outlier,0.5,,")
    assert [type(row) for row in found] == [FlaggedRow, FlaggedRow, RejectedRow]
    assert isinstance(found[2], RejectedRow)
    assert (found[2].line, found[2].code) == (4, "duplicate_id")
    assert "'a.jpg' in line 2" in found[2].reason
