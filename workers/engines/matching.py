"""Comparing fingerprints and embeddings of two sets of images, or of one set with itself.

The *query* is the test side, the *reference* the train side; with ``same=True`` both are one split, no image
is compared with itself and each unordered pair comes once. Every search is exhaustive: what lies within the
threshold is found. Candidates come query by query, the closest first, in an order that depends on nothing but
the input.

pHash cannot tell pictures apart that are flat or vary along one axis only (``phash.is_degenerate``). They
would match each other by the thousand, so such an image is a perceptual candidate only where the pixels are
identical as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.leaks import LeakCandidate, LeakType, MatchMethod
from workers.engines.fingerprint_table import FingerprintTable
from workers.engines.phash import HASH_BITS, is_degenerate

Rows = NDArray[np.intp]
Vectors = NDArray[np.float32]

_QUERY_BLOCK = 1024
_REFERENCE_BLOCK = 8192

_SCREENING_SLACK = 1e-4
"""Far above what float32 rounding does to a cosine: screening may let in too many, never too few."""

_ROUNDING = 1e-9
"""Two copies of one vector have a cosine a few units of rounding below 1; a threshold of 1 still means
'equal'."""


def find_exact(query: FingerprintTable, reference: FingerprintTable, *, same: bool = False) -> Iterator[LeakCandidate]:
    """Pairs of identical pixels, told apart by whether the whole file is identical.

    Equal files decode to equal pixels, so looking for pixels finds both.
    """
    query_rows, reference_rows = query.ok_rows(), reference.ok_rows()
    left, right = _equal_digests(query.pixel_md5s[query_rows], reference.pixel_md5s[reference_rows])
    left, right = query_rows[left], reference_rows[right]
    if same:
        left, right = _each_pair_once(left, right)
    is_same_file = (query.file_md5s[left] == reference.file_md5s[right]).all(axis=1)
    for q, r, is_file in zip(left.tolist(), right.tolist(), is_same_file.tolist(), strict=True):
        leak_type = LeakType.IDENTICAL_FILE if is_file else LeakType.IDENTICAL_PIXELS
        train, test = sides(query.keys[q], reference.keys[r], same)
        yield LeakCandidate(train, test, MatchMethod.EXACT, 1.0, leak_type)


def _equal_digests(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> tuple[Rows, Rows]:
    """All pairs of equal rows, in the order of ``left``, then of ``right``."""
    heads, right_heads = _first_halves(left), _first_halves(right)
    order = np.argsort(right_heads, kind="stable")
    ordered = right_heads[order]
    first, last = np.searchsorted(ordered, heads, "left"), np.searchsorted(ordered, heads, "right")
    counts = last - first
    rows = np.repeat(np.arange(len(left)), counts)
    # Numbers 0..count-1 within each row, added to where its matches begin.
    offsets = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    matches = order[np.repeat(first, counts) + offsets]
    is_equal = (left[rows] == right[matches]).all(axis=1)
    return rows[is_equal], matches[is_equal]


def _first_halves(digests: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.ascontiguousarray(digests[:, :8]).view(np.uint64).ravel()


def find_perceptual(
    query: FingerprintTable, reference: FingerprintTable, *, max_distance: int, same: bool = False
) -> Iterator[LeakCandidate]:
    """Pairs whose pHashes differ in at most ``max_distance`` bits."""
    import faiss

    query_rows, reference_rows = query.ok_rows(), reference.ok_rows()
    index = faiss.IndexBinaryFlat(HASH_BITS)
    index.add(_hash_bytes(reference.phashes[reference_rows]))
    for start in range(0, len(query_rows), _QUERY_BLOCK):
        block = query_rows[start : start + _QUERY_BLOCK]
        # FAISS finds what is nearer than the radius; ours is the largest distance that still counts.
        limits, distances, labels = index.range_search(_hash_bytes(query.phashes[block]), max_distance + 1)
        left = np.repeat(block, np.ediff1d(limits.astype(np.int64)))
        yield from _perceptual_candidates(
            query, reference, left, reference_rows[labels], distances.astype(np.int64), same
        )


def _hash_bytes(phashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return phashes.view(np.uint8).reshape(-1, HASH_BITS // 8)


def _perceptual_candidates(
    query: FingerprintTable,
    reference: FingerprintTable,
    left: Rows,
    right: Rows,
    distances: NDArray[np.int64],
    same: bool,
) -> Iterator[LeakCandidate]:
    is_telling = ~(is_degenerate(query.phashes[left]) | is_degenerate(reference.phashes[right]))
    keep = is_telling | (query.pixel_md5s[left] == reference.pixel_md5s[right]).all(axis=1)
    if same:
        keep &= left < right
    left, right, distances = left[keep], right[keep], distances[keep]
    order = np.lexsort((right, distances, left))
    for q, r, distance in zip(left[order].tolist(), right[order].tolist(), distances[order].tolist(), strict=True):
        train, test = sides(query.keys[q], reference.keys[r], same)
        similarity = 1 - distance / HASH_BITS
        yield LeakCandidate(train, test, MatchMethod.PERCEPTUAL, similarity, LeakType.NEAR_DUPLICATE, distance)


def find_semantic(
    query_keys: Sequence[str],
    query_vectors: Vectors,
    reference_keys: Sequence[str],
    reference_vectors: Vectors,
    *,
    min_similarity: float,
    same: bool = False,
) -> Iterator[LeakCandidate]:
    """Pairs of embeddings with a cosine of at least ``min_similarity``. Vectors need not be of length 1."""
    query_units, reference_units = _unit_rows(query_vectors), _unit_rows(reference_vectors)
    for start in range(0, len(query_units), _QUERY_BLOCK):
        block = slice(start, start + _QUERY_BLOCK)
        left, right = _screen(query_units[block], reference_units, min_similarity - _SCREENING_SLACK)
        left += start
        if same:
            left, right = _each_pair_once(left, right)
        cosines = _cosines(query_vectors, left, reference_vectors, right)
        for i in _closest_first(left, right, cosines, min_similarity):
            train, test = sides(query_keys[left[i]], reference_keys[right[i]], same)
            similarity = min(max(float(cosines[i]), 0.0), 1.0)
            yield LeakCandidate(train, test, MatchMethod.SEMANTIC, similarity, LeakType.SAME_SCENE)


def _unit_rows(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _screen(block: Vectors, reference: Vectors, threshold: float) -> tuple[Rows, Rows]:
    """Pairs that may reach the threshold, by one matrix product for each block of the reference."""
    found: list[tuple[Rows, Rows]] = []
    for start in range(0, len(reference), _REFERENCE_BLOCK):
        left, right = np.nonzero(block @ reference[start : start + _REFERENCE_BLOCK].T >= threshold)
        found.append((left, right + start))
    if not found:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    return np.concatenate([left for left, _ in found]), np.concatenate([right for _, right in found])


def _cosines(query_vectors: Vectors, left: Rows, reference_vectors: Vectors, right: Rows) -> NDArray[np.float64]:
    """Pair by pair in double precision: a matrix product rounds differently with the block it is part of."""
    cosines = np.zeros(len(left))
    for start in range(0, len(left), _REFERENCE_BLOCK):
        part = slice(start, start + _REFERENCE_BLOCK)
        a = query_vectors[left[part]].astype(np.float64)
        b = reference_vectors[right[part]].astype(np.float64)
        lengths = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
        cosines[part] = (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1)
    return cosines


def _closest_first(left: Rows, right: Rows, cosines: NDArray[np.float64], min_similarity: float) -> list[int]:
    kept = np.flatnonzero(cosines >= min_similarity - _ROUNDING)
    order = np.lexsort((right[kept], -cosines[kept], left[kept]))
    return [int(i) for i in kept[order]]


def _each_pair_once(left: Rows, right: Rows) -> tuple[Rows, Rows]:
    keep = left < right
    return left[keep], right[keep]


def sides(query_key: str, reference_key: str, same: bool) -> tuple[str, str]:
    """``(train, test)``; inside one split the lexically later and earlier key."""
    if same:
        return max(query_key, reference_key), min(query_key, reference_key)
    return reference_key, query_key
