"""Where check samples stand in a reviewer's work, and how their answers are counted."""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.domain.check_samples import check_slots, draw_order, measure_accuracy
from app.domain.errors import InvalidInput
from app.domain.formats.known_answers import KnownAnswer, read_known_answers


def places(share: float, reviewer: int, total: int, batch: int) -> list[int]:
    """All places of check samples when samples are taken ``batch`` at a time."""
    found: list[int] = []
    for seen in range(0, total, batch):
        found += [seen + slot for slot in check_slots(share, reviewer, seen, batch, len(found))]
    return found


@pytest.mark.parametrize("batch", [1, 6, 50])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_a_reviewer_gets_the_share_however_many_they_take_at_once(share: float, batch: int) -> None:
    assert len(places(share, 7, 1000, batch)) == pytest.approx(1000 * share, abs=2)


def test_nobody_can_count_up_to_the_next_one() -> None:
    gaps = [b - a for a, b in pairwise(places(0.1, 7, 1000, 1))]
    assert len(set(gaps)) > 5
    assert places(0.1, 7, 200, 1) != places(0.1, 8, 200, 1)


def test_asking_again_gives_the_same_places() -> None:
    assert check_slots(0.2, 3, 40, 6, 8) == check_slots(0.2, 3, 40, 6, 8)


def test_without_a_share_there_are_none() -> None:
    assert check_slots(0.0, 1, 100, 50, 0) == []


def test_who_missed_some_is_not_flooded_in_one_place() -> None:
    slots = check_slots(0.1, 1, 500, 6, 0)
    assert slots == sorted(set(slots))
    assert all(0 <= slot < 6 for slot in slots)


def test_reviewers_get_them_in_different_orders() -> None:
    orders = {tuple(sorted(range(10), key=lambda id_: draw_order(who, id_))) for who in range(5)}
    assert len(orders) == 5


def test_accuracy_has_the_interval_of_wilson() -> None:
    # Newcombe (1998), method 3 without continuity correction: 81 of 263 is 0.2553 to 0.3662.
    found = measure_accuracy(81, 263)
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert found.share == pytest.approx(0.308, abs=5e-4)
    assert measure_accuracy(0, 0) is None


def test_a_list_of_known_answers() -> None:
    text = 'path,decision,new_label\na/b.jpg,keep\n"a/c, d.jpg",Relabel,dog\n\na/e.jpg,remove,\n'
    assert read_known_answers(text) == [
        KnownAnswer(2, "a/b.jpg", "keep", None),
        KnownAnswer(3, "a/c, d.jpg", "relabel", "dog"),
        KnownAnswer(5, "a/e.jpg", "remove", None),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.jpg", "Line 1 has 1 fields"),
        ("a.jpg,keep\nb.jpg,maybe", "Line 2: 'maybe' is no decision"),
        ("a.jpg,relabel", "a relabel, and nothing else, has a new label"),
        ("a.jpg,keep,dog", "a relabel, and nothing else, has a new label"),
        ("a.jpg,keep\na.jpg,remove", "stands on line 1 already"),
        ('a.jpg,"keep', "Line 1 is not CSV"),
    ],
)
def test_a_line_that_makes_no_sense_says_so(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_known_answers(text)
