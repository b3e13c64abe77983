"""Groups hold together: every two members that were compared are linked, and chains make none."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.leak_groups import Group, Link, find_groups
from app.domain.leak_words import describe_score
from app.domain.leaks import Transform

images = st.integers(0, 9)
link = st.builds(Link, images, images, st.sampled_from([0.3, 0.5, 0.9, 1.0]))
link_sets = st.lists(link, max_size=40)


def members(groups: list[Group]) -> list[tuple[int, ...]]:
    return [group.members for group in groups]


def test_copies_that_are_all_linked_are_one_group():
    links = [Link(a, b, 0.9) for a, b in combinations((1, 2, 3, 4), 2)]
    assert members(find_groups(links)) == [(1, 2, 3, 4)]
    assert find_groups(links)[0].links == tuple(links)


def test_the_strongest_link_decides_where_an_image_between_two_belongs():
    assert members(find_groups([Link(1, 2, 0.4), Link(2, 3, 0.9)])) == [(2, 3)]


def test_nothing_makes_no_group():
    assert find_groups([]) == []
    assert find_groups([Link(1, 1, 1.0)]) == []


def test_copies_of_one_test_image_in_train_are_one_group_though_nobody_compared_them():
    across = [Link(train, 100, 0.9) for train in (1, 2, 3)]
    assert members(find_groups(across, lambda a, b: (a >= 100) != (b >= 100))) == [(1, 2, 3, 100)]


def test_a_chain_across_two_splits_is_cut_where_a_compared_pair_is_missing():
    across = [Link(1, 100, 0.9), Link(2, 100, 0.8), Link(2, 101, 0.7)]
    assert members(find_groups(across, lambda a, b: (a >= 100) != (b >= 100))) == [(1, 2, 100)]


@given(st.permutations(range(8)), st.lists(st.floats(0.3, 1.0), min_size=7, max_size=7))
def test_a_chain_makes_no_group_of_three(order, scores):
    links = [Link(a, b, score) for a, b, score in zip(order, order[1:], scores, strict=False)]
    assert all(len(group.members) == 2 for group in find_groups(links))


@given(link_sets, st.integers(0, 10**6))
def test_the_order_of_links_and_of_their_ends_is_nothing(links, seed):
    turned = [Link(one.second, one.first, one.score) for one in links]
    random.Random(seed).shuffle(turned)
    before, after = find_groups(links), find_groups(turned)
    assert members(before) == members(after)
    assert [[one.ends for one in g.links] for g in before] == [[one.ends for one in g.links] for g in after]


@given(link_sets)
def test_every_two_members_are_linked_and_every_pair_of_a_group_is_given(links):
    ends = {one.ends for one in links if one.first != one.second}
    for group in find_groups(links):
        assert {one.ends for one in group.links} == set(combinations(group.members, 2)) <= ends


@given(link_sets)
def test_no_image_is_in_two_groups_and_none_of_them_could_be_joined(links):
    groups = find_groups(links)
    seen = [image for group in groups for image in group.members]
    assert len(seen) == len(set(seen))
    ends = {one.ends for one in links}
    for one, other in combinations(groups, 2):
        assert not all((min(a, b), max(a, b)) in ends for a in one.members for b in other.members)


@given(link_sets)
def test_members_of_a_split_that_was_not_compared_with_itself_need_no_link(links):
    def compared(first: int, second: int) -> bool:
        return first % 2 != second % 2

    ends = {one.ends for one in links}
    for group in find_groups([one for one in links if compared(*one.ends)], compared):
        assert all(pair in ends for pair in combinations(group.members, 2) if compared(*pair))


@pytest.mark.parametrize("size", [2, 3, 300])
def test_many_equal_images_are_one_group_at_once(size):
    links = [Link(a, b, 1.0) for a, b in combinations(range(size), 2)]
    assert members(find_groups(links)) == [tuple(range(size))]


def test_a_score_is_told_in_words():
    assert describe_score(0.974, Transform.MIRRORED) == "0.97, mirrored: almost surely the same shot"
    assert describe_score(0.999, None) == "0.99: almost surely the same shot"
    assert describe_score(0.1, None).endswith("hardly the same shot")
    assert "another shot of one scene" in describe_score(0.2, Transform.SAME_SCENE)
