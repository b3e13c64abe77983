"""Which images a flag ties together, and which of them should stay."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.duplicate_groups import Member, Tie, find_stars, named_images, propose_keeper


def ties(*pairs: tuple[int, int]) -> list[Tie]:
    return [Tie(first, second, 0.9) for first, second in pairs]


@pytest.mark.parametrize(
    ("reason", "names"),
    [
        ("similar to train/deer/0107.jpg", ["train/deer/0107.jpg"]),
        (r"like a\b.PNG, and 'c.jpeg'", ["a/b.PNG", "c.jpeg"]),
        ("predicted dog (0.97)", []),
        (None, []),
    ],
)
def test_a_reason_names_images(reason, names):
    assert named_images(reason) == names


def test_what_is_tied_to_one_hub_is_a_group():
    assert find_stars(ties((2, 1), (3, 1), (1, 2))) == [(1, 2, 3)]


def test_a_chain_is_no_group():
    """Each of these is like the next; the first and the last need not be alike at all."""
    stars = find_stars(ties(*((n, n + 1) for n in range(1, 9))))
    assert max(len(star) for star in stars) == 3
    assert all({hub, other} in [{n, n + 1} for n in range(1, 9)] for hub, *rest in stars for other in rest)


def test_an_image_tied_to_itself_or_to_nothing_left_is_in_no_group():
    assert find_stars(ties((1, 1))) == []
    assert find_stars([]) == []


def test_the_order_of_the_ties_is_nothing_to_it():
    given_ties = [Tie(1, 2, 0.9), Tie(2, 3, 0.99), Tie(4, 3, 0.5), Tie(4, 5, 0.7)]
    found = {tuple(find_stars(order)) for order in permutations(given_ties)}
    assert len(found) == 1


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1)), max_size=40))
def test_every_member_is_tied_to_its_hub_and_stands_in_one_group(rows):
    pairs = {frozenset((a, b)) for a, b, _ in rows if a != b}
    stars = find_stars(Tie(*row) for row in rows)
    assert all(frozenset((hub, other)) in pairs for hub, *rest in stars for other in rest)
    members = [id_ for star in stars for id_ in star]
    assert len(members) == len(set(members))
    # Nothing is left out that could still be tied to a hub of nobody's.
    free = {id_ for pair in pairs for id_ in pair} - set(members)
    assert not any(pair <= free for pair in pairs)


def member(id_: int, pixels: int = 1000, sharpness: float = 50.0, *, stays: bool = True) -> Member:
    return Member(id_, f"train/{id_:03}.jpg", pixels, sharpness, stays)


@pytest.mark.parametrize(
    ("members", "keeper"),
    [
        ([member(1), member(2, pixels=4000)], 2),
        ([member(1, sharpness=10), member(2)], 2),
        ([member(2), member(1)], 1),
        ([member(1, pixels=1000), member(2, pixels=1010, sharpness=20)], 1),
        ([member(1, sharpness=48), member(2, sharpness=50)], 1),
        ([member(1, pixels=9000, stays=False), member(2)], 2),
        ([member(1, stays=False), member(2, stays=False, pixels=2000)], 2),
        ([member(1, pixels=0, sharpness=0), member(2)], 2),
        ([member(1, pixels=0, sharpness=0)], 1),
    ],
)
def test_the_split_that_keeps_then_the_largest_then_the_sharpest_then_the_first_stays(members, keeper):
    assert all(propose_keeper(order) == keeper for order in permutations(members))


def test_a_group_without_members_has_no_keeper():
    with pytest.raises(ValueError, match="without members"):
        propose_keeper([])
