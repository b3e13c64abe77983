"""A map of the images: vectors of many numbers laid out on a plane, so that what is alike lies close together.

t-SNE (van der Maaten and Hinton 2008; scikit-learn) on the main axes of up to ``LAID_OUT`` images, which start at their
place on the first two axes (Kobak and Berens 2019), so that near and far mean something as well. The other images lie
among the nearest that have a place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.engines.neighbours import Vectors

LAID_OUT = 10_000
"""So many images are laid out by t-SNE, a minute's work on two cores; the others take their place among them."""

MOST = 200_000
"""A map of more points can't be drawn on a page; of a larger dataset, so many drawn by chance are on it."""

_AXES, _PERPLEXITY, _NEAREST = 50, 30, 5
_FEWEST = 4


@dataclass(frozen=True, slots=True, eq=False)
class MapPoints:
    """Where the images ``keys`` lie: ``places`` (n, 2) in 0..1."""

    keys: list[str]
    places: NDArray[np.float32]


def lay_out(keys: Sequence[str], vectors: Vectors, *, seed: int = 0, laid_out: int = LAID_OUT) -> MapPoints:
    """Lay out ``vectors`` (n, d); equal ``seed``, equal map on one machine. Equal images lie on one spot."""
    random = np.random.default_rng(seed)
    chosen = np.arange(len(keys)) if len(keys) <= MOST else np.sort(random.choice(len(keys), MOST, replace=False))
    kept, some = [keys[row] for row in chosen.tolist()], vectors[chosen]
    first = np.sort(random.permutation(len(some))[:laid_out])
    places = np.zeros((len(some), 2), np.float32)
    places[first] = _t_sne(some[first], seed)
    others = np.setdiff1d(np.arange(len(some)), first)
    if len(others):
        places[others] = _among(some[first], places[first], some[others])
    return MapPoints(kept, _to_unit(places))


def _t_sne(vectors: Vectors, seed: int) -> NDArray[np.float32]:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if len(vectors) < _FEWEST or not np.ptp(vectors, axis=0).any():
        return np.zeros((len(vectors), 2), np.float32)  # nothing to tell apart
    axes = PCA(min(_AXES, *vectors.shape), random_state=seed).fit_transform(vectors)
    if axes.shape[1] < 2:
        return np.concatenate([axes, np.zeros_like(axes)], axis=1)[:, :2].astype(np.float32)
    start = axes[:, :2] / max(float(axes[:, 0].std()), 1e-12) * 1e-4
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    found = TSNE(2, perplexity=perplexity, init=start, random_state=seed, learning_rate="auto").fit_transform(axes)
    return np.asarray(found, np.float32)


def _among(known: Vectors, places: NDArray[np.float32], others: Vectors) -> NDArray[np.float32]:
    """The median of where their nearest known images lie."""
    import faiss

    index = faiss.IndexFlatIP(known.shape[1])
    index.add(np.ascontiguousarray(known))
    _, near = index.search(np.ascontiguousarray(others), min(_NEAREST, len(known)))
    return np.asarray(np.median(places[near], axis=1), np.float32)


def _to_unit(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Into the unit square, with equal scales; a lone far point does not press the others together."""
    if not len(places):
        return places
    low, high = np.quantile(places, 0.001, axis=0), np.quantile(places, 0.999, axis=0)
    middle, side = (low + high) / 2, max(float((high - low).max()), 1e-9)
    return np.clip((places - middle) / (1.05 * side) + 0.5, 0, 1).astype(np.float32)
