"""Removal list and relabel map: exact, sorted, read back as written, refused where they are doubtful."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidFile
from app.domain.formats.relabel_map import LabelCoding, encode_label, read_relabel_map, write_relabel_map
from app.domain.formats.removal_list import read_removal_list, write_removal_list

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
IDS = TEXT.filter(lambda text: text.strip() and text.splitlines() == [text])


def removal_list(ids: list[str]) -> str:
    stream = io.StringIO()
    assert write_removal_list(stream, ids) == len(set(ids))
    return stream.getvalue()


@given(ids=st.lists(IDS))
def test_a_removal_list_is_read_as_it_was_written(ids: list[str]) -> None:
    assert read_removal_list(io.StringIO(removal_list(ids))) == sorted(set(ids))


@given(ids=st.sets(st.integers(0, 2_000_000)))
def test_the_training_script_reads_integer_ids_with_one_line(ids: set[int]) -> None:
    stream = io.StringIO(removal_list([str(number) for number in ids]))
    assert {int(line) for line in stream} == ids


def test_the_list_holds_ids_and_nothing_else() -> None:
    assert removal_list(["b", "=a", "b"]) == "=a\nb\n"
    assert removal_list([]) == ""


@pytest.mark.parametrize("id_", ["", " ", "\t", "a\nb", "a\r", "\n", "a\x85b", "a\u2028b", "a\x0c"])
def test_an_id_that_can_not_stand_on_a_line_is_refused(id_: str) -> None:
    with pytest.raises(InvalidFile, match="line of its own"):
        removal_list(["a", id_])


def test_windows_line_ends_are_read() -> None:
    assert read_removal_list(io.StringIO("a\r\nb\r\n", newline="")) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\nb\n", "Line 2 of the removal list is empty"),
        ("\n", "Line 1"),
        ("a\n  \n", "Line 2"),
        ("a\nb\na\n", "Line 3 repeats 'a' of line 1"),
    ],
)
def test_a_doubtful_removal_list_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        read_removal_list(io.StringIO(text))


def relabel_map(labels: Mapping[str, str | int]) -> str:
    stream = io.StringIO()
    assert write_relabel_map(stream, labels) == len(labels)
    return stream.getvalue()


@given(labels=st.dictionaries(TEXT, TEXT | st.integers(0, 999)))
def test_a_relabel_map_is_read_as_it_was_written(labels: dict[str, str | int]) -> None:
    text = relabel_map(labels)
    assert read_relabel_map(io.StringIO(text)) == labels
    assert json.loads(text) == labels


@given(labels=st.dictionaries(TEXT, TEXT), data=st.data())
def test_a_relabel_map_is_the_same_bytes_in_any_order(labels: dict[str, str], data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(labels.items()))))
    assert relabel_map(shuffled) == relabel_map(labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ('{"a": "b"', "is not JSON"),
        ("\ufeff{}", "is not JSON"),
        ("[]", "must be a JSON object"),
        ('"a"', "must be a JSON object"),
        ('{"1": "a", "1": "b"}', "names '1' twice"),
        ('{"1": null}', "label of '1' is None"),
        ('{"1": true}', "label of '1' is True"),
        ('{"1": 1.5}', "label of '1' is 1.5"),
        ('{"1": NaN}', "label of '1' is nan"),
        ('{"1": ["a"]}', "label of '1' is"),
        ('{"1": ' + "9" * 5000 + "}", "can't be read"),
        ("[" * 100_000, "can't be read"),
    ],
    ids=lambda text: text[:20],
)
def test_a_doubtful_relabel_map_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidFile, match=message):
        read_relabel_map(io.StringIO(text))


def test_labels_are_written_in_the_datasets_coding() -> None:
    index = {"cat": 3, "dog": 5}
    assert encode_label("dog", LabelCoding.INDEX, index) == 5
    assert encode_label("dog", LabelCoding.NAME, index) == "dog"


@pytest.mark.parametrize("coding", LabelCoding)
def test_a_label_that_is_no_class_is_refused(coding: LabelCoding) -> None:
    with pytest.raises(InvalidFile, match="'fish' is no class"):
        encode_label("fish", coding, {"cat": 3})
