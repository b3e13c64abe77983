"""Nearest neighbours among embeddings, which outliers and mislabels are both found by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

_PARTS = 128
"""Embeddings are turned to their main axes and shortened to so many numbers: distances hardly change, and a million
of them fit into memory."""

_SAMPLED = 20_000
"""So many vectors are enough to find the axes."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Each row's nearest other rows: ``rows`` (n, k), the nearest first, and their ``distances`` (n, k).

    Where there are fewer than ``k`` others, k is smaller.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]


def shorten(vectors: Vectors) -> Vectors:
    """Centred vectors of length 1 on the main axes, (n, up to 128). Equal vectors stay equal; where all are, they are
    zeros."""
    if not len(vectors):
        return np.zeros((0, 1), np.float32)
    some = vectors[np.random.default_rng(0).permutation(len(vectors))[:_SAMPLED]].astype(np.float64)
    mean = some.mean(axis=0)
    values, axes = np.linalg.eigh((some - mean).T @ (some - mean))
    kept = axes[:, np.argsort(values)[::-1][:_PARTS]].astype(np.float32)
    short = (vectors - mean.astype(np.float32)) @ kept
    lengths = np.linalg.norm(short, axis=1, keepdims=True)
    return np.ascontiguousarray(np.where(lengths > 1e-5, short / np.maximum(lengths, 1e-12), 0.0), dtype=np.float32)


def scale(vectors: Vectors) -> Vectors:
    """Centred vectors whose lengths are 1 in the middle: for features whose length says something, such as how much
    there is to see. All zeros where all are equal."""
    centred = vectors - vectors.mean(axis=0) if len(vectors) else vectors
    usual = float(np.median(np.linalg.norm(centred, axis=1))) if len(vectors) else 0.0
    return np.ascontiguousarray(centred / usual if usual > 1e-9 else np.zeros_like(centred), dtype=np.float32)


def find_neighbours(vectors: Vectors, k: int, *, by_length: bool = False) -> Neighbours:
    """The ``k`` nearest others of each of ``vectors`` (n, d), by cosine, or with ``by_length`` by their Euclidean
    distance; exhaustive."""
    import faiss

    count = len(vectors)
    k = min(k, count - 1)
    if k < 1:
        return Neighbours(np.zeros((count, 0), np.int64), np.zeros((count, 0), np.float32))
    index = (faiss.IndexFlatL2 if by_length else faiss.IndexFlatIP)(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    found, rows = index.search(np.ascontiguousarray(vectors), k + 1)
    # An image is its own nearest, unless copies come before it: then the last one goes.
    is_self = rows == np.arange(count)[:, np.newaxis]
    is_self[~is_self.any(axis=1), -1] = True
    keep = ~is_self
    kept = found[keep].reshape(count, k)
    distances = np.sqrt(np.maximum(kept, 0)) if by_length else 1 - kept
    return Neighbours(rows[keep].reshape(count, k), distances.astype(np.float32))
