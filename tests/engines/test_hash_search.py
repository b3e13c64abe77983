"""Multi-index hashing finds the very pairs that comparing everything finds, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.errors import InvalidInput
from workers.engines import hash_search
from workers.engines.hash_search import HashIndex, search_hashes, search_hashes_plainly

# Few bits set, many equal, all set, and anything: buckets of very different sizes, at distances around each radius.
some_hashes = st.lists(
    st.sampled_from([0, 1, 2**64 - 1, 0xFFFF, 0x0001000100010001, 0xFFFF0000FFFF0000])
    | st.builds(lambda bits: sum(1 << bit for bit in bits), st.sets(st.integers(0, 63), max_size=6))
    | st.integers(0, 2**64 - 1),
    max_size=40,
).map(lambda values: np.array(values, np.uint64))


def assert_equal(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        assert np.array_equal(ours, theirs)


@settings(max_examples=60)
@given(query=some_hashes, reference=some_hashes, radius=st.integers(0, 16))
def test_all_pairs_are_found_once_and_in_order(query, reference, radius):
    assert_equal(search_hashes(query, reference, radius, threads=1), search_hashes_plainly(query, reference, radius))


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 4, 5, 7, 10, 13, 16])
def test_planted_neighbours_at_each_distance_are_found_among_many(radius):
    random = np.random.default_rng(radius)
    reference = random.integers(0, 2**64, 4000, dtype=np.uint64)
    flips = [sum(1 << int(bit) for bit in random.permutation(64)[: n % (radius + 2)]) for n in range(500)]
    query = reference[:500] ^ np.array(flips, np.uint64)

    found = search_hashes(query, reference, radius)

    assert_equal(found, search_hashes_plainly(query, reference, radius))
    assert len(found.distances) >= 500 - 500 // (radius + 2) - 1


def test_thousands_of_equal_hashes_come_in_parts_of_bounded_size(monkeypatch):
    monkeypatch.setattr(hash_search, "_PAIRS_AT_ONCE", 1000)
    monkeypatch.setattr(hash_search, "_QUERIES_AT_ONCE", 16)
    flat = np.full(300, 0x80, np.uint64)
    index = HashIndex(flat, 4)

    parts = list(index.iterate(flat, threads=3))

    assert max(len(part.distances) for part in parts) <= 1000
    rows = np.concatenate([part.query_rows for part in parts]) * 300
    rows += np.concatenate([part.reference_rows for part in parts])
    assert np.array_equal(rows, np.arange(300 * 300))
    assert len(index.search(flat, max_pairs=90_000).distances) == 90_000
    with pytest.raises(InvalidInput, match="More than 89999 pairs"):
        index.search(flat, max_pairs=89_999)


def test_a_query_with_more_pairs_than_a_part_holds_is_still_whole(monkeypatch):
    monkeypatch.setattr(hash_search, "_PAIRS_AT_ONCE", 8)
    reference = np.zeros(500, np.uint64)

    assert len(search_hashes(np.zeros(3, np.uint64), reference, 2).distances) == 1500


def test_threads_and_blocks_make_no_difference(monkeypatch):
    random = np.random.default_rng(1)
    reference = random.integers(0, 2**12, 3000, dtype=np.uint64)
    query = random.integers(0, 2**12, 700, dtype=np.uint64)
    one = search_hashes(query, reference, 3, threads=1)
    monkeypatch.setattr(hash_search, "_QUERIES_AT_ONCE", 33)

    assert_equal(search_hashes(query, reference, 3, threads=4), one)


@pytest.mark.parametrize("radius", [-1, 17])
def test_another_radius_is_refused(radius):
    with pytest.raises(InvalidInput):
        HashIndex(np.zeros(1, np.uint64), radius)


def test_nothing_to_search_finds_nothing():
    nothing = np.empty(0, np.uint64)

    assert len(search_hashes(nothing, nothing, 10).distances) == 0
    assert len(search_hashes(nothing, np.ones(5, np.uint64), 10).distances) == 0
