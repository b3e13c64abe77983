"""All pairs of 64-bit hashes that differ in a few bits at most, by multi-index hashing.

A hash is cut into four chunks of 16 bits, and each chunk i is given a threshold t_i. Were two hashes farther apart
than its threshold in every chunk, they would differ in ``sum(t_i + 1)`` bits at least. Thresholds are chosen so that
this sum is one more than the radius: hashes within it then are within the threshold in one chunk. So it is enough to
look up, chunk by chunk, the references that have nearly the same chunk, and to count bits for those alone
(Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012).

The search is exhaustive: nothing within the radius is missed.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import InvalidInput
from workers.engines.jit import compiled

Hashes = NDArray[np.uint64]
Rows = NDArray[np.int64]

MAX_RADIUS = 16

_CHUNKS = 4
_CHUNK_BITS = 16
_QUERIES_AT_ONCE = 16384
_PAIRS_AT_ONCE = 1 << 18
_BRUTE_FORCE_BLOCK = 256


class Pairs(NamedTuple):
    """Found pairs, in the order of query rows, then of reference rows; ``distances`` in bits."""

    query_rows: Rows
    reference_rows: Rows
    distances: NDArray[np.uint8]


class HashIndex:
    """Reference hashes made ready for searches within one radius of 0 to 16 bits.

    Takes 52 bytes for each reference. Raises ``InvalidInput`` for another radius.
    """

    def __init__(self, reference: Hashes, radius: int) -> None:
        if not 0 <= radius <= MAX_RADIUS:
            raise InvalidInput(f"Hashes are searched within 0 to {MAX_RADIUS} bits, not {radius}.")
        reference = np.ascontiguousarray(reference, np.uint64)
        self._radius = radius
        self._size = len(reference)
        self._thresholds = np.array([(radius + 1 + i) // _CHUNKS - 1 for i in range(_CHUNKS)], np.int64)
        self._masks, self._ends = _flip_masks(self._thresholds)
        self._orders = np.empty((_CHUNKS, len(reference)), np.uint32)
        self._sorted = np.empty((_CHUNKS, len(reference)), np.uint64)
        self._starts = np.zeros((_CHUNKS, (1 << _CHUNK_BITS) + 1), np.int64)
        for i in range(_CHUNKS):
            chunks = _chunk_of(reference, i)
            self._orders[i] = np.argsort(chunks, kind="stable")
            self._sorted[i] = reference[self._orders[i]]
            np.cumsum(np.bincount(chunks, minlength=1 << _CHUNK_BITS), out=self._starts[i, 1:])

    def __len__(self) -> int:
        return self._size

    def search(self, query: Hashes, *, threads: int | None = None, max_pairs: int | None = None) -> Pairs:
        """All pairs at once. A pair takes 17 bytes, and twice that while they are put together: thousands of equal
        hashes on both sides make millions of pairs. With ``max_pairs``, raises ``InvalidInput`` for more than that
        instead; ``iterate`` needs no such bound."""
        found, count = [_room(0)], 0
        for pairs in self.iterate(query, threads=threads):
            found.append(pairs)
            count += len(pairs.distances)
            if max_pairs is not None and count > max_pairs:
                raise InvalidInput(f"More than {max_pairs} pairs of hashes lie within {self._radius} bits.")
        return Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def iterate(self, query: Hashes, *, threads: int | None = None) -> Iterator[Pairs]:
        """The same pairs in the same order, part by part.

        However many there are, no more are held than 262,144 or one query's own, whichever is more, for each
        thread and one part waiting.
        """
        query = np.ascontiguousarray(query, np.uint64)
        threads = threads or len(os.sched_getaffinity(0))
        starts = iter(range(0, len(query), _QUERIES_AT_ONCE))
        waiting: deque[tuple[int, Future[tuple[Pairs, int]]]] = deque()
        with ThreadPoolExecutor(threads) as pool:
            while True:
                while len(waiting) <= threads and (start := next(starts, None)) is not None:
                    stop = min(start + _QUERIES_AT_ONCE, len(query))
                    waiting.append((stop, pool.submit(self._search_some, query, start, stop)))
                if not waiting:
                    return
                stop, future = waiting.popleft()
                pairs, reached = future.result()
                if reached < stop:
                    waiting.appendleft((stop, pool.submit(self._search_some, query, reached, stop)))
                yield pairs

    def _search_some(self, query: Hashes, start: int, stop: int) -> tuple[Pairs, int]:
        """Pairs of the queries from ``start`` on, and the first one that there was no room for."""
        capacity = _PAIRS_AT_ONCE
        while (count := self._fill(query[start:stop], room := _room(capacity))) < 0:
            if stop - start > 1:
                stop = start + (stop - start) // 2
            else:
                capacity *= 4
        left, right, distances = room.query_rows[:count], room.reference_rows[:count], room.distances[:count]
        order = np.lexsort((right, left))
        return Pairs(left[order] + start, right[order], distances[order]), stop

    def _fill(self, query: Hashes, room: Pairs) -> int:
        """Write pairs into ``room``, in any order; their number, or -1 where there was no room for all."""
        count = 0
        for chunk in range(_CHUNKS):
            own = _chunk_of(query, chunk)
            # Neighbours in this order look up neighbouring buckets, which are in the processor's cache then.
            rows = np.argsort(own, kind="stable")
            count = _find_pairs(
                query[rows], own[rows], rows, chunk, self._radius, self._thresholds, self._masks[: self._ends[chunk]],
                self._sorted[chunk], self._orders[chunk], self._starts[chunk], *room, count,
            )  # fmt: skip
            if count < 0:
                break
        return count


def _room(capacity: int) -> Pairs:
    return Pairs(np.empty(capacity, np.int64), np.empty(capacity, np.int64), np.empty(capacity, np.uint8))


def _chunk_of(hashes: Hashes, chunk: int) -> NDArray[np.uint16]:
    return (hashes >> np.uint64(_CHUNK_BITS * chunk)).astype(np.uint16)


def search_hashes(
    query: Hashes, reference: Hashes, radius: int, *, threads: int | None = None, max_pairs: int | None = None
) -> Pairs:
    """All pairs of ``query`` (n,) and ``reference`` (m,) hashes that differ in at most ``radius`` bits (0 to 16).

    See ``HashIndex.search`` for memory, ``max_pairs`` and errors. ``threads`` is one for each core unless said.
    """
    return HashIndex(reference, radius).search(query, threads=threads, max_pairs=max_pairs)


def search_hashes_plainly(query: Hashes, reference: Hashes, radius: int) -> Pairs:
    """The same by comparing every pair: what ``search_hashes`` is tested against."""
    found = []
    for start in range(0, max(len(query), 1), _BRUTE_FORCE_BLOCK):
        block = query[start : start + _BRUTE_FORCE_BLOCK]
        distances = np.bitwise_count(block[:, np.newaxis] ^ reference[np.newaxis, :])
        left, right = np.nonzero(distances <= radius)
        found.append(Pairs(left + start, right, distances[left, right]))
    return Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _flip_masks(thresholds: NDArray[np.int64]) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """What to flip in a chunk, few bits first, and how many of these masks stay within each chunk's threshold."""
    masks: list[int] = []
    ends = {-1: 0}
    for bits in range(int(thresholds.max()) + 1):
        masks += [sum(1 << bit for bit in chosen) for chosen in combinations(range(_CHUNK_BITS), bits)]
        ends[bits] = len(masks)
    return np.array(masks, np.uint16), np.array([ends[int(t)] for t in thresholds], np.int64)


@compiled
def _count_bits(value: np.uint64) -> np.uint64:
    """The compiler knows this for what it is, and uses the processor's own instruction."""
    value = value - ((value >> np.uint64(1)) & np.uint64(0x5555555555555555))
    value = (value & np.uint64(0x3333333333333333)) + ((value >> np.uint64(2)) & np.uint64(0x3333333333333333))
    value = (value + (value >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (value * np.uint64(0x0101010101010101)) >> np.uint64(56)


@compiled
def _find_pairs(
    query: Hashes,
    own: NDArray[np.uint16],
    query_rows: Rows,
    chunk: int,
    radius: int,
    thresholds: NDArray[np.int64],
    masks: NDArray[np.uint16],
    ordered: Hashes,
    reference_rows: NDArray[np.uint32],
    starts: NDArray[np.int64],
    left: Rows,
    right: Rows,
    distances: NDArray[np.uint8],
    count: int,
) -> int:
    """Add the pairs that this chunk is the first to lead to; the number of all, or -1 where there is no more room."""
    for k in range(len(masks)):
        for q in range(len(query)):
            value, bucket = query[q], np.int64(own[q] ^ masks[k])
            for i in range(starts[bucket], starts[bucket + 1]):
                distance = np.int64(_count_bits(value ^ ordered[i]))
                if distance > radius or _was_found(value ^ ordered[i], chunk, thresholds):
                    continue
                if count == len(left):
                    return -1
                left[count], right[count], distances[count] = query_rows[q], reference_rows[i], distance
                count += 1
    return count


@compiled
def _was_found(differing: np.uint64, chunk: int, thresholds: NDArray[np.int64]) -> bool:
    """Whether an earlier chunk led to this pair already."""
    for earlier in range(chunk):
        part = (differing >> np.uint64(_CHUNK_BITS * earlier)) & np.uint64(0xFFFF)
        if np.int64(_count_bits(part)) <= thresholds[earlier]:
            return True
    return False
