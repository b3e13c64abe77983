"""Which samples need a second review, drawn by their number and not by chance."""

from __future__ import annotations

import pytest

from app.domain.merge import Policies
from app.domain.overlap import LOTS, lot_of, overlap_bound, reviews_needed


def chosen(share: float, project_id: int = 1, count: int = 20_000) -> set[int]:
    bound = overlap_bound(Policies(overlap_share=share))
    return {id_ for id_ in range(1, count + 1) if lot_of(id_, project_id) < bound}


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_share_is_met(share: float) -> None:
    assert len(chosen(share)) == pytest.approx(20_000 * share, rel=0.1)


def test_none_and_all() -> None:
    assert chosen(0.0) == set()
    assert len(chosen(1.0)) == 20_000


def test_a_larger_share_keeps_those_of_the_smaller() -> None:
    assert chosen(0.05) < chosen(0.1) < chosen(0.3)


def test_projects_draw_differently() -> None:
    both = chosen(0.1, 1) & chosen(0.1, 2)
    assert len(both) == pytest.approx(200, rel=0.5)


def test_neighbours_are_drawn_independently() -> None:
    """Samples lie in the order of their classes: a pattern would favour some."""
    of = chosen(0.1)
    assert sum(id_ + 1 in of for id_ in of) == pytest.approx(200, rel=0.4)
    per_thousand = [sum(start < id_ <= start + 1000 for id_ in of) for start in range(0, 20_000, 1000)]
    assert min(per_thousand) > 60
    assert max(per_thousand) < 140


def test_lots_fit_into_a_database_number() -> None:
    assert 0 <= lot_of(2**31 - 1, 2**31 - 1) < LOTS


def test_where_all_need_two_reviews_the_overlap_needs_no_more() -> None:
    assert reviews_needed(Policies(min_submitted=1)) == (1, 2)
    assert reviews_needed(Policies(min_submitted=3)) == (3, 3)
