"""Features of small pictures without a trained network: how much of each of a few hundred typical patches is where.

After Coates, Lee and Ng (2011): patches are whitened, k-means finds typical ones, and each picture is described by how
close its patches come to each of them, quarter by quarter. Learnt from the pictures alone, no label is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engines.neighbours import Vectors

Pixels = NDArray[np.uint8]

SIDE = 32
"""Pictures are brought to so many pixels a side before."""

_PATCH, _STRIDE, _TYPES = 6, 2, 400
_SAMPLED, _AT_ONCE = 60_000, 250
_PARTS = 128

ENOUGH = 5_000
"""So many pictures are enough to learn from."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchTypes:
    """What was learnt from some pictures: ``mean`` (108) and ``whiten`` (108, 108) make patches comparable, ``types``
    (400, 108) are the typical ones; ``centre`` and ``spread`` (1600) are of the features, ``axes`` (1600, d) their main
    directions."""

    mean: Vectors
    whiten: Vectors
    types: Vectors
    centre: Vectors
    spread: Vectors
    axes: Vectors


def learn_patches(pixels: Pixels, *, seed: int = 0) -> PatchTypes:
    """Learn from pictures (n, 32, 32, 3), of which a few thousand are enough. Equal ``seed``, equal types."""
    import faiss

    random = np.random.default_rng(seed)
    patches = _normalised(_patches(pixels[random.permutation(len(pixels))[:2000]]))
    patches = patches[random.permutation(len(patches))[:_SAMPLED]]
    mean = patches.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov((patches - mean).T))
    whiten = (axes / np.sqrt(np.maximum(values, 0) + 0.1)).astype(np.float32) @ axes.T.astype(np.float32)
    kinds = min(_TYPES, len(patches))
    # One picture has fewer patches than faiss likes for a type; it need not say so.
    means = faiss.Kmeans(patches.shape[1], kinds, niter=12, seed=seed, verbose=False, min_points_per_centroid=1)
    means.train(np.ascontiguousarray((patches - mean) @ whiten, dtype=np.float32))
    types = np.asarray(means.centroids, np.float32)
    features = _describe_all(pixels, mean, whiten, types)
    centre, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    standard = ((features - centre) / spread).astype(np.float64)
    strengths, directions = np.linalg.eigh(standard.T @ standard)
    main = directions[:, np.argsort(strengths)[::-1][:_PARTS]].astype(np.float32)
    return PatchTypes(mean, whiten, types, centre, spread, main)


def describe_by(pixels: Pixels, learnt: PatchTypes) -> Vectors:
    """Features (n, 128) of pictures (n, 32, 32, 3) along the main axes of what was learnt."""
    features = _describe_all(pixels, learnt.mean, learnt.whiten, learnt.types)
    return np.asarray((features - learnt.centre) / learnt.spread @ learnt.axes, np.float32)


def describe_patches(pixels: Pixels, *, seed: int = 0) -> Vectors:
    """Learn from pictures (n, 32, 32, 3) and describe the same: (n, 128)."""
    random = np.random.default_rng(seed)
    return describe_by(pixels, learn_patches(pixels[random.permutation(len(pixels))[:ENOUGH]], seed=seed))


def _describe_all(pixels: Pixels, mean: Vectors, whiten: Vectors, types: Vectors) -> Vectors:
    nothing = np.zeros((0, 4 * len(types)), np.float32)
    starts = range(0, len(pixels), _AT_ONCE)
    return np.concatenate([nothing, *(_describe(pixels[s : s + _AT_ONCE], mean, whiten, types) for s in starts)])


def _patches(pixels: Pixels) -> Vectors:
    """All patches of pictures (n, 32, 32, 3), as (n x 196, 108)."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (_PATCH, _PATCH), axis=(1, 2))
    return windows[:, ::_STRIDE, ::_STRIDE].reshape(-1, _PATCH * _PATCH * 3).astype(np.float32)


def _normalised(patches: Vectors) -> Vectors:
    centred = patches - patches.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt(centred.var(axis=1, keepdims=True) + 10), np.float32)


def _describe(pixels: Pixels, mean: Vectors, whiten: Vectors, types: Vectors) -> Vectors:
    patches = (_normalised(_patches(pixels)) - mean) @ whiten
    products = patches @ types.T
    squared = (patches**2).sum(axis=1, keepdims=True) - 2 * products + (types**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squared, 0))
    close = np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0)
    side = (SIDE - _PATCH) // _STRIDE + 1
    grid = close.reshape(len(pixels), side, side, -1)
    half = side // 2
    quarters = [
        grid[:, a, b].sum(axis=(1, 2))
        for a in (slice(half), slice(half, None))
        for b in (slice(half), slice(half, None))
    ]
    return np.concatenate(quarters, axis=1).astype(np.float32)
