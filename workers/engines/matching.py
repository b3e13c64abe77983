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
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.domain.leaks import LeakCandidate, LeakType, MatchMethod
from workers.engines.children import StopCheck
from workers.engines.cosine_search import search_cosines
from workers.engines.fingerprint_table import FingerprintTable
from workers.engines.phash import HASH_BITS, is_degenerate
from workers.engines.vector_file import VectorRows

if TYPE_CHECKING:
    import torch

Rows = NDArray[np.intp]

_QUERY_BLOCK = 1024


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
    query_vectors: VectorRows,
    reference_keys: Sequence[str],
    reference_vectors: VectorRows,
    *,
    min_similarity: float,
    same: bool = False,
    device: torch.device | None = None,
    should_stop: StopCheck | None = None,
) -> Iterator[LeakCandidate]:
    """Pairs of embeddings with a cosine of at least ``min_similarity``. Vectors need not be of length 1, and may lie
    in files: ``search_cosines`` says how much memory that takes."""
    for found in search_cosines(
        query_vectors, reference_vectors, min_similarity, same=same, device=device, should_stop=should_stop
    ):
        pairs = zip(found.query_rows.tolist(), found.reference_rows.tolist(), found.cosines.tolist(), strict=True)
        for q, r, cosine in pairs:
            train, test = sides(query_keys[q], reference_keys[r], same)
            similarity = min(max(cosine, 0.0), 1.0)
            yield LeakCandidate(train, test, MatchMethod.SEMANTIC, similarity, LeakType.SAME_SCENE)


def _each_pair_once(left: Rows, right: Rows) -> tuple[Rows, Rows]:
    keep = left < right
    return left[keep], right[keep]


def sides(query_key: str, reference_key: str, same: bool) -> tuple[str, str]:
    """``(train, test)``; inside one split the lexically later and earlier key."""
    if same:
        return max(query_key, reference_key), min(query_key, reference_key)
    return reference_key, query_key
