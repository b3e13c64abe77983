"""Importing again: the same claims are known, changed scores update, other claims are added."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.flag_matching import Pairing, pair_flags
from app.domain.samples import Flag, IssueType

MISLABEL = Flag(IssueType.MISLABEL, "mislabel", 0.89, "dog", "predicted dog (0.89) over deer (0.01)")
RESCORED = replace(MISLABEL, confidence=0.91, reason="predicted dog (0.91) over deer (0.02)")
OUTLIER = Flag(IssueType.OUTLIER, "outlier", 0.2, None, "nearest neighbour at similarity 0.777")
DUPLICATE = Flag(IssueType.DUPLICATE, "duplicate", 0.97, None, "similar to test/cat/0596.jpg")
SECOND = replace(DUPLICATE, reason="similar to test/cat/0601.jpg")
UNSCORED_LEAK = Flag(IssueType.LEAK, "leak", None, None, "same as train/1.jpg")

CASES = {
    "the first import": ([], [MISLABEL, OUTLIER], Pairing(added=[0, 1])),
    "the same file again": ([MISLABEL, OUTLIER], [OUTLIER, MISLABEL], Pairing(unchanged=[(1, 0), (0, 1)])),
    "a changed score": ([MISLABEL], [RESCORED], Pairing(updated=[(0, 0)])),
    "a changed confidence alone": ([MISLABEL], [replace(MISLABEL, confidence=0.5)], Pairing(updated=[(0, 0)])),
    "another suggestion": ([MISLABEL], [replace(RESCORED, suggested_label="cat")], Pairing(updated=[(0, 0)])),
    "a duplicate of another image": ([DUPLICATE], [SECOND], Pairing(added=[0])),
    "a duplicate with a changed score": (
        [DUPLICATE],
        [replace(DUPLICATE, confidence=0.99)],
        Pairing(updated=[(0, 0)]),
    ),
    "a second duplicate": ([DUPLICATE], [SECOND, DUPLICATE], Pairing(unchanged=[(0, 1)], added=[0])),
    "a leak with another image": ([UNSCORED_LEAK], [replace(UNSCORED_LEAK, reason="as x")], Pairing(added=[0])),
    "another group": ([replace(DUPLICATE, group="1")], [replace(DUPLICATE, group="2")], Pairing(added=[0])),
    "a flag no longer repeated": ([MISLABEL, OUTLIER], [OUTLIER], Pairing(unchanged=[(1, 0)])),
    "another type": ([MISLABEL], [OUTLIER], Pairing(added=[0])),
    "another word for the type": (
        [replace(MISLABEL, raw_issue_type="mislabels")],
        [MISLABEL],
        Pairing(added=[0]),
    ),
    "two claims, both reworded": (
        [MISLABEL, replace(MISLABEL, suggested_label="cat")],
        [replace(MISLABEL, suggested_label="fox"), replace(MISLABEL, suggested_label="cow")],
        Pairing(added=[0, 1]),
    ),
    "repeated rows, first seen": ([], [OUTLIER, OUTLIER], Pairing(added=[0, 1])),
    "repeated rows again": ([OUTLIER, OUTLIER], [OUTLIER, OUTLIER], Pairing(unchanged=[(0, 0), (1, 1)])),
    "one more repetition": ([OUTLIER], [OUTLIER, OUTLIER], Pairing(unchanged=[(0, 0)], added=[1])),
}


@pytest.mark.parametrize(("old", "new", "pairing"), CASES.values(), ids=CASES)
def test_flags_are_paired(old: list[Flag], new: list[Flag], pairing: Pairing) -> None:
    assert pair_flags(old, new) == pairing


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("similar to clip-1.5.jpg", "similar to clip-2.5.jpg"),
        ("similar to 1.25.jpg", "similar to 1.26.jpg"),
        ("similar to v1.0/a.jpg", "similar to v1.1/a.jpg"),
        ("similar to train/0.1-0.2.png", "similar to train/0.1-0.3.png"),
        ("similar to frame_12.040.jpg", "similar to frame_12.080.jpg"),
        (r"similar to train\1.5\a.jpg", r"similar to train\2.5\a.jpg"),
    ],
)
def test_decimals_in_a_file_name_are_no_score(one: str, other: str) -> None:
    assert pair_flags([replace(DUPLICATE, reason=one)], [replace(DUPLICATE, reason=other)]).added == [0]


@pytest.mark.parametrize(
    "template", ["similar to a.jpg ({})", "similar to a.jpg at {}.", "a.jpg, score={}", "a.jpg: {}%", "{} with a.jpg"]
)
def test_decimals_that_stand_alone_are_scores(template: str) -> None:
    old, new = (replace(DUPLICATE, reason=template.format(score)) for score in ("0.96", "0.9741"))
    assert pair_flags([old], [new]).updated == [(0, 0)]


FLAGS = st.lists(
    st.builds(
        Flag,
        st.sampled_from([IssueType.MISLABEL, IssueType.DUPLICATE]),
        st.just("word"),
        st.sampled_from([None, 0.5, 0.9]),
        st.sampled_from([None, "dog", "cat"]),
        st.sampled_from([None, "at 0.5", "at 0.9", "as a.jpg", "as b.jpg"]),
    ),
    max_size=6,
)


@given(flags=FLAGS, data=st.data())
def test_importing_twice_changes_nothing(flags: list[Flag], data: st.DataObject) -> None:
    again = pair_flags(flags, data.draw(st.permutations(flags)))
    assert (len(again.unchanged), again.updated, again.added) == (len(flags), [], [])


@given(old=FLAGS, new=FLAGS)
def test_every_new_flag_is_taken_exactly_once_and_no_old_one_twice(old: list[Flag], new: list[Flag]) -> None:
    pairing = pair_flags(old, new)
    pairs = [*pairing.unchanged, *pairing.updated]
    assert sorted([*(n for _, n in pairs), *pairing.added]) == list(range(len(new)))
    assert len({o for o, _ in pairs}) == len(pairs)
    assert all(old[o] == new[n] for o, n in pairing.unchanged)
    assert all(old[o] != new[n] for o, n in pairing.updated)


@given(old=FLAGS, new=FLAGS)
def test_after_an_import_the_same_file_is_known(old: list[Flag], new: list[Flag]) -> None:
    pairing = pair_flags(old, new)
    applied = list(old)
    for o, n in pairing.updated:
        applied[o] = new[n]
    applied += [new[n] for n in pairing.added]
    assert len(pair_flags(applied, new).unchanged) == len(new)
