"""Verification: do two pictures show the same shot, by their pixels?

A candidate says roughly how one picture lies in the other. Here the two are brought into line, and what they then
have in common is measured. ``calibration`` makes of that one number, how surely they are the same shot.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import JobCancelled
from workers.engines.alignment import AffineMap, composed, refine, sample
from workers.engines.candidates import Candidates, is_new_pair
from workers.engines.children import StopCheck
from workers.engines.descriptors import Thumbnails
from workers.engines.evidence import EVIDENCE, correlation, measure
from workers.engines.jit import compiled
from workers.engines.pyramids import Plane, Pyramid, band_of, build, halved, plain_large
from workers.engines.thumbnail_stack import Thumbnails as ThumbnailRows

_COARSE_STEPS, _BAND_STEPS, _FRAMES = 8, 5, 2
_DEEP = 0.5
"""Where the template fills less than this share of the other picture's area, that one is looked at a size larger,
so that both show the same detail."""

_HOPELESS = 0.75
"""Correlation at 16 x 16 pixels below which nothing finer is looked at."""

_MOST_GAINED = 0.2
"""What a second round of refining adds to that correlation at most."""

_CHUNK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Verified:
    """For each pair: its rows, how the query is mirrored and turned, which picture holds the other, the map that
    fits best, ``(n, 6)``, and the evidence, ``(n, len(EVIDENCE))``."""

    query: NDArray[np.int64]
    reference: NDArray[np.int64]
    form: NDArray[np.int8]
    in_query: NDArray[np.bool_]
    maps: NDArray[np.float64]
    evidence: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.query)


def verify(
    query: ThumbnailRows,
    reference: ThumbnailRows,
    candidates: Candidates,
    *,
    threads: int = 1,
    should_stop: StopCheck | None = None,
) -> Verified:
    """Compare the ``(n, 64, 64)`` thumbnails of each pair, under that of its hypotheses that fits best.

    ``candidates`` come from ``by_pair``. Raises ``JobCancelled`` within a chunk of pairs after ``should_stop`` answers
    true.
    """
    starts = np.append(np.flatnonzero(is_new_pair(candidates)), len(candidates))
    count = len(starts) - 1
    maps, evidence, best = candidates.maps.copy(), np.zeros((count, len(EVIDENCE))), np.zeros(count, np.int64)

    def work(bound: tuple[int, int]) -> None:
        if should_stop and should_stop():
            raise JobCancelled("Stopped on request while pixels were compared.")
        pairs = slice(*bound)
        edges = starts[bound[0] : bound[1] + 1]
        rows = slice(edges[0], edges[-1])
        # Rows of a memory map are read here, so that no more than a chunk is ever in memory.
        queries, references = query[candidates.query[edges[:-1]]], reference[candidates.reference[edges[:-1]]]
        _verify_pairs(
            queries, references, candidates.form[rows], candidates.in_query[rows], edges - edges[0],
            maps[rows], evidence[pairs], best[pairs],
        )  # fmt: skip
        best[pairs] += edges[0]

    with ThreadPoolExecutor(max(threads, 1)) as pool:
        list(pool.map(work, pairwise([*range(0, count, _CHUNK), count])))
    chosen = candidates.take(best)
    return Verified(chosen.query, chosen.reference, chosen.form, chosen.in_query, maps[best], evidence)


@compiled
def _verify_pairs(
    queries: Thumbnails,
    references: Thumbnails,
    forms: NDArray[np.int8],
    in_query: NDArray[np.bool_],
    edges: NDArray[np.int64],
    maps: NDArray[np.float64],
    evidence: NDArray[np.float64],
    best: NDArray[np.int64],
) -> None:
    """Rows ``edges[i]`` to ``edges[i + 1]`` are the hypotheses of pair ``i``; which was best is told by row."""
    for pair in range(len(evidence)):
        reference = build(references[pair])
        form = forms[edges[pair]]
        query = build(in_form(queries[pair], form))
        highest = -2.0
        for row in range(edges[pair], edges[pair + 1]):
            if forms[row] != form:
                form = forms[row]
                query = build(in_form(queries[pair], form))
            # The template is the picture that the other one contains.
            whole, template = (query, reference) if in_query[row] else (reference, query)
            fit = _refine_coarsely(whole.plain32, template, maps[row])
            if fit > highest:
                highest, best[pair] = fit, row
        evidence[pair, -1] = highest
        if highest < _HOPELESS:
            continue
        row = best[pair]
        if forms[row] != form:
            query = build(in_form(queries[pair], forms[row]))
        whole, template = (query, reference) if in_query[row] else (reference, query)
        plain = whole.plain32
        if _is_deep(maps[row]):
            plain = plain_large(references[pair] if not in_query[row] else in_form(queries[pair], forms[row]))
        _refine_in_frame(plain, template, maps[row])
        evidence[pair, :-1] = measure(plain, template.plain32, maps[row])


@compiled
def _refine_coarsely(plain: Plane, template: Pyramid, place: AffineMap) -> float:
    """Refine at 16 x 16 pixels; the correlation that is reached. As in ``_refine_in_frame``, only what is seen
    through the map is looked at."""
    seen, inside = np.empty_like(template.plain32), np.empty_like(template.plain32)
    for frame in range(_FRAMES):
        sample(plain, place, seen, inside)
        if frame > 0:
            fit = correlation(band_of(halved(seen)), template.band16, halved(inside))
            if fit < _HOPELESS - _MOST_GAINED:
                return fit
        correction = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
        refine(band_of(halved(seen)), template.band16, correction, _COARSE_STEPS)
        place[:] = composed(place, correction)
    sample(plain, place, seen, inside)
    return correlation(band_of(halved(seen)), template.band16, halved(inside))


@compiled
def _refine_in_frame(plain: Plane, template: Pyramid, place: AffineMap) -> None:
    """Refine at full detail what is seen through the map, so that what lies around it (a frame, the rest of a larger
    picture) is not smeared into it."""
    seen, inside = np.empty_like(template.plain32), np.empty_like(template.plain32)
    for _ in range(_FRAMES):
        sample(plain, place, seen, inside)
        correction = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
        refine(band_of(seen), template.band32, correction, _BAND_STEPS)
        place[:] = composed(place, correction)


@compiled
def _is_deep(place: AffineMap) -> bool:
    return bool(abs(place[0] * place[4]) < _DEEP)


@compiled
def in_form(picture: NDArray[np.uint8], form: int) -> NDArray[np.uint8]:
    """The picture mirrored left to right if ``form`` is 4 or more, then turned ``form % 4`` times to the left."""
    side = picture.shape[0]
    out = np.empty_like(picture)
    for i in range(side):
        for j in range(side):
            v, u = i, j
            for _ in range(form % 4):
                # np.rot90: out[i, j] = in[j, side - 1 - i]
                v, u = u, side - 1 - v
            out[i, j] = picture[v, side - 1 - u] if form >= 4 else picture[v, u]
    return out
