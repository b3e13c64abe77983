"""Mapping any table's columns: what a mapping may say, what it makes of rows, and what is guessed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.parquet_tables import read_parquet
from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.flagged.column_mapping import FIELDS, SAME_FOR_ALL, as_json, from_json, make_mapping
from app.domain.formats.flagged.guess_columns import Column, Surroundings, guess_columns
from app.domain.formats.flagged.mapped import open_mapped, open_table
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from tests.fixtures.exports import as_parquet, zipped

RECORDS = [
    {"Where": "train/cat/0.png", "Margin": 0.25, "Guess": "dog"},
    {"Where": "train/cat/1.png", "Margin": 1.0, "Guess": None},
]
CSV = "Where,Margin,Guess\ntrain/cat/0.png,0.25,dog\ntrain/cat/1.png,1.0,\n"
TABLES = {
    "csv": CSV.encode(), "tsv": CSV.replace(",", "\t").encode(), "semicolons": CSV.replace(",", ";").encode(),
    "json": json.dumps(RECORDS).encode(), "json in an object": json.dumps({"version": 1, "rows": RECORDS}).encode(),
    "json lines": "\n".join(map(json.dumps, RECORDS)).encode(), "parquet": as_parquet(RECORDS),
    "zip": zipped({"table.csv": CSV, "readme.md": "x"}),
}  # fmt: skip
MAPPING = make_mapping(
    {"image_path": "Where", "confidence": "margin", "suggested_label": "guess"}, {"issue_type": "mislabel"},
    direction="lower-is-worse",
)  # fmt: skip


def read(data: bytes | str, mapping=MAPPING) -> list[FlaggedRow | RejectedRow]:
    content = data.encode() if isinstance(data, str) else data
    return list(open_mapped(content, "table", mapping, read_parquet).rows())


@pytest.mark.parametrize("data", TABLES.values(), ids=TABLES)
def test_every_kind_of_table_gives_the_same_flags(data):
    first, second = read(data)
    assert isinstance(first, FlaggedRow)
    assert isinstance(second, FlaggedRow)
    assert (first.image_path, second.image_path) == ("train/cat/0.png", "train/cat/1.png")
    assert (first.flag.issue_type, first.flag.confidence, first.flag.suggested_label) == ("mislabel", 0.75, "dog")
    assert (first.flag.raw_score, first.flag.raw_score_name) == (0.25, "margin")
    assert (second.flag.confidence, second.flag.suggested_label) == (0.0, None)


@pytest.mark.parametrize(
    ("cell", "percent", "confidence"),
    [("0.9", False, 0.9), ("90", True, 0.9), ("90 %", False, 0.9), ("90%", True, 0.9), ("0,9", False, 0.9),
     ("", False, None)],
)  # fmt: skip
def test_how_a_cell_becomes_a_confidence(cell, percent, confidence):
    mapping = make_mapping({"image_path": "p", "confidence": "s"}, {"issue_type": "x"}, percent=percent)
    (row,) = read(f'p;s\na.png;"{cell}"\n', mapping)
    assert isinstance(row, FlaggedRow)
    assert row.flag.confidence == (pytest.approx(confidence) if confidence is not None else None)


@pytest.mark.parametrize(("cell", "said"), [("97", "percent"), ("-1", "outside"), ("high", "not a number")])
def test_a_cell_that_is_no_confidence_is_rejected_with_what_to_do(cell, said):
    (row,) = read(f"where,margin,guess\na.png,{cell},\n")
    assert isinstance(row, RejectedRow)
    assert row.code == "bad_confidence"
    assert said in row.reason


@pytest.mark.parametrize(
    ("columns", "constants", "said"),
    [
        ({}, {"issue_type": "x"}, "names the image"),
        ({"image_path": "a"}, {}, "what is wrong"),
        ({"image_path": "a", "nonsense": "b"}, {"issue_type": "x"}, "no field 'nonsense'"),
        ({"image_path": "a", "issue_type": "b"}, {"issue_type": "x"}, "Choose one"),
        ({}, {"issue_type": "x", "image_path": "a.png"}, "can't be the same"),
        ({"image_path": "a"}, {"issue_type": "x", "confidence": "97"}, "0 to 1"),
        ({"image_path": "a"}, {"issue_type": "x" * 201}, "too long"),
    ],
)
def test_a_mapping_that_makes_no_sense_says_why(columns, constants, said):
    with pytest.raises(InvalidInput, match=said):
        make_mapping(columns, constants)


def test_all_columns_that_a_file_lacks_are_named():
    with pytest.raises(InvalidInput, match=r"lacks the columns 'margin' .*'guess'.* has: where"):
        read("where\na.png\n")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped({"a.csv": CSV, "b.csv": CSV}), "2 tables"),
        (b'{"a": 1}', "no list of records"),
        (b'{"a": [{"x": 1}], "b": [{"x": 1}]}', "2 lists"),
        (b"\x80\x04.", "pickle"),
        (b"", "no table"),
        ("where,margin\nä,1\n".encode("utf-16"), "no table"),
    ],
)
def test_what_is_no_single_table_is_refused(data, said):
    with pytest.raises(InvalidFile, match=said):
        open_table(data, "upload", read_parquet)


texts = st.text(max_size=8)


@given(
    st.dictionaries(st.sampled_from(FIELDS), texts),
    st.dictionaries(st.sampled_from(SAME_FOR_ALL), texts),
    st.booleans(),
)
def test_a_mapping_comes_back_from_json_as_it_was(columns, constants, percent):
    try:
        mapping = make_mapping(columns, constants, percent=percent)
    except InvalidInput:
        return
    assert from_json(json.loads(json.dumps(as_json(mapping)))) == mapping


# -- guessing ----------------------------------------------------------------------------------------------------

AROUND = Surroundings(frozenset({"cat", "dog"}), {f"train/cat/{n}.png": "cat" for n in range(10)}.get)


def column(name: str, *values: object) -> Column:
    return Column(name, list(values))


def test_columns_are_guessed_from_what_stands_in_them():
    guess = guess_columns(
        [
            column("a", *(f"train/cat/{n}.png" for n in range(4))),
            column("b", "cat", "cat", "cat", "cat"),
            column("c", "dog", "dog", "cat", "dog"),
            column("d", 0.1, 0.9, 0.5, 0.25),
            column("e", "blurry", "mislabel", "mislabel", "dark"),
            column("f", "looks like a dog", "far from all others", "much too dark here", "is not a cat"),
        ],
        AROUND,
    )
    wanted = {"image_path": "a", "label": "b", "suggested_label": "c", "confidence": "d", "issue_type": "e"}
    assert wanted.items() <= guess.columns.items()
    assert "100 %" in guess.reasons["image_path"]
    assert (guess.percent, guess.lower_is_worse) == ("", "")


def test_percent_and_direction_are_offered_with_a_reason():
    guess = guess_columns([column("file", "train/cat/0.png"), column("label_quality", "97", "40")], AROUND)
    assert guess.columns["confidence"] == "label_quality"
    assert "97" in guess.percent
    assert "label_quality" in guess.lower_is_worse


def test_our_own_names_are_taken_as_they_are():
    values = {"image_path": "train/cat/1.png", "image_id": "7", "confidence": "0.5", "issue_type": "mislabel"}
    guess = guess_columns([column(name, values.get(name, "cat")) for name in FIELDS], AROUND)
    assert guess.columns == {name: name for name in FIELDS}


names = st.sampled_from(
    ["path", "file", "id", "label", "pred", "score", "flag", "why", "group", "x", "y", "image_path"]
)
cells = st.one_of(
    st.none(), st.floats(), st.sampled_from(["", "cat", "dog", "train/cat/1.png", "blurry", "0.5", "97", "a b c"])
)
tables = st.lists(st.tuples(names, st.lists(cells, max_size=6)), max_size=8, unique_by=lambda pair: pair[0])


@settings(max_examples=200, deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_a_guess_names_each_column_once_whatever_their_order(table, random):
    columns = [Column(name, values) for name, values in table]
    guess = guess_columns(columns, AROUND)
    chosen = list(guess.columns.values())
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= {name for name, _ in table}
    assert set(guess.columns) == set(guess.reasons) <= set(FIELDS)
    random.shuffle(columns)
    assert guess_columns(columns, AROUND) == guess
