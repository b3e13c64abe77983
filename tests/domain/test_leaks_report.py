"""The leak report gives back what was written to it, and the summary counts it."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import InvalidFile
from app.domain.formats.leaks_report import (
    LeakReportRow,
    read_leaks_report,
    report_row,
    sort_rows,
    write_leaks_report,
)
from app.domain.formats.leaks_summary import LeaksSummary, write_leaks_summary
from app.domain.leaks import LeakCandidate, LeakType, MatchMethod, Transform, Verdict

names = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["=1+1", 'a"b', "a,b", "a\nb", "a\rb", "a\r\nb", "\r", " ", "#", "\0"]
)
rows = st.builds(
    LeakReportRow,
    train_image=names,
    test_image=names,
    method=st.sampled_from(MatchMethod),
    similarity=st.floats(0, 1),
    leak_type=st.sampled_from(LeakType),
    hamming_distance=st.none() | st.integers(0, 64),
    score=st.none() | st.floats(0, 1),
    transform=st.none() | st.sampled_from(Transform),
    train_label=st.none() | names,
    test_label=st.none() | names,
    verdict=st.none() | st.sampled_from(Verdict),
    train_split=st.none() | names,
    test_split=st.none() | names,
)


def written(report_rows) -> str:
    stream = io.StringIO(newline="")
    write_leaks_report(stream, report_rows)
    return stream.getvalue()


def read(text: str) -> list[LeakReportRow]:
    return read_leaks_report(io.StringIO(text, newline=""))


def row(**changed) -> LeakReportRow:
    usual = dict(
        train_image="train/cat/1.jpg",
        test_image="test/dog/2.jpg",
        method=MatchMethod.PERCEPTUAL,
        similarity=0.9375,
        leak_type=LeakType.NEAR_DUPLICATE,
        hamming_distance=4,
    )
    return LeakReportRow(**{**usual, **changed})


@settings(deadline=None)
@given(many=st.lists(rows, max_size=6))
def test_reading_gives_back_what_was_written(many):
    assert read(written(many)) == sort_rows(many)


@settings(deadline=None)
@given(many=st.lists(rows, max_size=6), shuffle=st.randoms())
def test_the_order_of_the_input_does_not_show_in_the_file(many, shuffle):
    shuffled = shuffle.sample(many, len(many))

    assert written(shuffled) == written(many)


@settings(deadline=None)
@given(many=st.lists(rows, max_size=6))
def test_any_csv_reader_finds_the_same_fields(many):
    lines = list(csv.reader(io.StringIO(written(many), newline="")))

    assert all(len(line) == 14 for line in lines)
    assert [line[:2] for line in lines[1:]] == [[r.train_image, r.test_image] for r in sort_rows(many)]


def test_the_columns_of_the_existing_scripts_come_first_and_lines_end_in_a_newline():
    text = written(
        [row(score=0.98765, transform=Transform.MIRRORED, train_label="cat", test_label="dog", train_split="train")]
    )

    assert text == (
        "train_image,test_image,method,similarity,leak_type,hamming_distance,"
        "score,transform,train_label,test_label,label_conflict,verdict,train_split,test_split\n"
        "train/cat/1.jpg,test/dog/2.jpg,perceptual,0.937500,near_duplicate,4,0.9877,mirrored,cat,dog,true,,train,\n"
    )


def test_a_candidate_becomes_a_row_with_its_labels():
    candidate = LeakCandidate("a", "b", MatchMethod.SEMANTIC, 0.12345678, LeakType.SAME_SCENE)

    made = report_row(candidate, train_label="x", test_label="x", verdict=Verdict.CONFIRMED)

    assert made == LeakReportRow(
        "a",
        "b",
        MatchMethod.SEMANTIC,
        0.123457,
        LeakType.SAME_SCENE,
        train_label="x",
        test_label="x",
        verdict=Verdict.CONFIRMED,
    )
    assert made.label_conflict is False


def test_without_both_labels_nothing_is_said_of_a_conflict():
    assert row(train_label="cat").label_conflict is None


def test_a_report_of_an_existing_script_can_be_read():
    text = "train_image,test_image,method,similarity,leak_type\na,b,exact,1.0,identical_file\n"

    assert read(text) == [
        row(
            train_image="a",
            test_image="b",
            method=MatchMethod.EXACT,
            similarity=1.0,
            leak_type=LeakType.IDENTICAL_FILE,
            hamming_distance=None,
        )
    ]


HEADER = "train_image,test_image,method,similarity,leak_type,hamming_distance\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lacks the column train_image"),
        ("train_image,method\n", "lacks the column test_image, similarity"),
        (HEADER + "a,b,exact,1.0,identical_file,\na,b\n", "Line 3"),
        (HEADER + "a,b,exact,1.0,identical_file,,x\n", "wrong number"),
        (HEADER + "a,b,guess,1.0,identical_file,\n", "guess"),
        (HEADER + "a,b,exact,1.5,identical_file,\n", "1.5"),
        (HEADER + "a,b,exact,nan,identical_file,\n", "nan"),
        (HEADER + "a,b,exact,1,identical_file,four\n", "four"),
        (HEADER + '"a"b,c\n', "after line 1"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_and_says_where(text, says):
    with pytest.raises(InvalidFile, match=says):
        read(text)


def summary(report_rows, **options) -> str:
    stream = io.StringIO()
    told = dict(dataset="pets", parameters={"methods": "exact"}, images={"train": 1200, "test": 30})
    write_leaks_summary(stream, LeaksSummary(**{**told, **options}), report_rows)
    return stream.getvalue()


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_summary_counts_methods_types_classes_and_conflicts():
    lines = squeezed(
        summary(
            [
                row(train_label="cat", test_label="dog"),
                row(train_label="cat", test_label="dog", method=MatchMethod.EXACT),
                row(test_image="test/cat/7.jpg", train_label="cat", test_label="cat", hamming_distance=1),
            ],
            problems={"truncated": 2},
            run_id="r7",
            finished_at="2026-01-02",
        )
    )

    for line in (
        "Leak report: pets",
        "Run r7",
        "Finished 2026-01-02",
        "train 1,200",
        "all 1,230",
        "truncated 2",
        "distinct pairs 2",
        "distinct test images affected 2",
        "pairs with a label conflict 1",
        "exact 1",
        "perceptual 2",
        "near_duplicate 3",
        "dog 1",
        "distance 1 1 ########################################",
        "distance 2 0",
    ):
        assert line in lines


def test_the_histogram_of_similarities_counts_every_candidate():
    similar = [row(method=MatchMethod.SEMANTIC, similarity=0.95 + i / 1000, train_image=str(i)) for i in range(51)]

    lines = squeezed(summary(similar))
    bars = [line.split() for line in lines[lines.index("Similarity of semantic candidates") + 2 :]]

    assert sum(int(bar[3]) for bar in bars) == 51
    assert (bars[0][2], bars[-1][0]) == ("1.0000", "0.9500")


def test_an_empty_result_and_a_single_similarity_have_a_summary_too():
    assert "distinct pairs" in summary([])
    assert "0.9500 to 0.9500" in summary([row(method=MatchMethod.SEMANTIC, similarity=0.95)])


def test_a_name_cannot_forge_a_line_of_the_summary():
    text = summary([row(test_label="dog\nLeak report: clean")], dataset="a\nb")

    assert "\nLeak report: clean" not in text
    assert text.startswith("Leak report: a\N{REPLACEMENT CHARACTER}b\n")
