"""Candidates: which pairs of pictures are worth a look at their pixels.

Copies are mirrored, turned, shifted, zoomed and cropped. So each query picture is compared in all eight forms, a
little shifted and zoomed, and as crops, with every reference picture; and the other way round with crops of every
reference picture. For each kind of comparison the nearest few are kept: exhaustively, no index leaves any out.

Memory: the descriptors of one side (140 bytes a picture), of one block of the other, and of what was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import JobCancelled
from app.domain.leaks import SMALLEST_CROP
from workers.engines.children import StopCheck
from workers.engines.descriptors import (
    DESCRIPTOR_SIZE,
    FORMS,
    WHOLE,
    Descriptors,
    Thumbnails,
    Window,
    describe,
    grid_of_windows,
)

MIN_CROP_PIXELS = 24
"""A window with fewer pixels to a side holds too little to be told from others."""

_BLOCK = 4096
_UPRIGHT, _ALL_FORMS = (0, FORMS // 2), tuple(range(FORMS))
_MIN_COSINE = 0.7


@dataclass(frozen=True, slots=True)
class Probe:
    """One way in which a picture may be contained in another: seen through ``window``, in these forms."""

    window: Window
    forms: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ProbeGroup:
    """Probes whose findings compete: ``keep`` references are kept for each query, ``nearest`` for each probe."""

    name: str
    probes: tuple[Probe, ...]
    keep: int
    nearest: int
    both_ways: bool = False


def whole_group() -> ProbeGroup:
    """The whole picture in all eight forms, or shifted or zoomed a little."""
    shifts = [Window(1, 1, x, y) for y in (-0.12, 0.0, 0.12) for x in (-0.12, 0.0, 0.12) if x or y]
    zooms = [Window(zoom, zoom) for zoom in (0.9, 1.1)]
    tilts = [Window(tilt=angle) for angle in (-9.0, 9.0)]
    probes = [Probe(WHOLE, _ALL_FORMS), *(Probe(window, _UPRIGHT) for window in [*shifts, *zooms, *tilts])]
    return ProbeGroup("whole", tuple(probes), keep=8, nearest=5)


def middle_group(cuts: Sequence[float]) -> ProbeGroup:
    """The middle of a wide or a high picture, as square thumbnails show it: cut from 4:3, 3:2 or 16:9."""
    windows = [Window(*sizes) for cut in cuts for sizes in ((cut, 1.0), (1.0, cut))]
    return ProbeGroup("middle", tuple(Probe(w, _UPRIGHT) for w in windows), keep=2, nearest=2, both_ways=True)


def crop_group(size: float, steps: int) -> ProbeGroup:
    probes = tuple(Probe(window, _UPRIGHT) for window in grid_of_windows(size, steps))
    return ProbeGroup(f"crop {size}", probes, keep=3, nearest=2, both_ways=True)


MIDDLE_CUTS = (0.75, 0.6)
CROP_GRIDS = ((0.8, 3), (0.66, 5), (0.5, 9))
"""Sizes and positions a side: neighbours differ by a tenth of the window or so, which a descriptor forgives."""


def probe_groups(smallest_side: int, smallest_crop: float = SMALLEST_CROP) -> list[ProbeGroup]:
    """What is worth trying on pictures of which most have ``smallest_side`` pixels or more to a side."""
    smallest = max(smallest_crop, MIN_CROP_PIXELS / max(smallest_side, 1))
    cuts = [cut for cut in MIDDLE_CUTS if cut >= smallest]
    crops = [crop_group(size, steps) for size, steps in CROP_GRIDS if size >= smallest]
    return [whole_group(), *([middle_group(cuts)] if cuts else []), *crops]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pairs with a hypothesis of how they fit, as columns of equal length.

    ``form`` is how the query is mirrored and turned. Where ``in_query`` is true, the part of it that ``maps``
    (``(n, 6)``, see ``alignment.AffineMap``) tells looks like the whole reference, else that part of the reference
    looks like the whole query. A pair has several rows where several hypotheses may hold.
    """

    query: NDArray[np.int64]
    reference: NDArray[np.int64]
    form: NDArray[np.int8]
    in_query: NDArray[np.bool_]
    maps: NDArray[np.float64]
    cosine: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.query)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Candidates:
        return Candidates(*(getattr(self, field.name)[rows] for field in fields(self)))


def no_candidates() -> Candidates:
    rows = np.empty(0, np.int64)
    return Candidates(rows, rows, np.empty(0, np.int8), np.empty(0, bool), np.empty((0, 6)), np.empty(0, np.float32))


def join(parts: Sequence[Candidates]) -> Candidates:
    parts = parts or [no_candidates()]
    return Candidates(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Candidates)))


def search_from_queries(
    query: Thumbnails,
    reference: Descriptors,
    group: ProbeGroup,
    *,
    threads: int = 1,
    should_stop: StopCheck | None = None,
) -> Candidates:
    """Parts of the queries that look like whole references, given as descriptors: the best for each query."""
    found = [
        _hypotheses(rows, nearest, form, probe.window, cosines, in_query=True)
        for probe, form, rows, nearest, cosines in _nearest_of(query, {0: reference}, group, threads, should_stop)
    ]
    return keep_best(join(found), group.keep)


def search_from_references(
    query: Thumbnails,
    reference: Thumbnails,
    group: ProbeGroup,
    *,
    threads: int = 1,
    should_stop: StopCheck | None = None,
) -> Candidates:
    """Parts of the references that look like whole queries: the best for each query."""
    whole = dict(zip(_UPRIGHT, describe(query, WHOLE, _UPRIGHT), strict=True))
    found = [
        _hypotheses(nearest, rows, form, probe.window, cosines, in_query=False)
        for probe, form, rows, nearest, cosines in _nearest_of(reference, whole, group, threads, should_stop)
    ]
    return keep_best(join(found), group.keep)


Found = tuple[Probe, int, NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def _nearest_of(
    seekers: Thumbnails,
    targets: dict[int, Descriptors],
    group: ProbeGroup,
    threads: int,
    should_stop: StopCheck | None,
) -> Iterator[Found]:
    """For each probe and form the nearest targets of each seeker. A few crops of a few thousand seekers are sought
    after ``should_stop`` answers true, then it raises ``JobCancelled``.

    With one table of targets the seekers take the forms; with one for each form the targets are in it already.
    """
    import faiss

    indexes = {form: _flat_index(faiss, vectors) for form, vectors in targets.items()}
    blocks = range(0, len(seekers), _BLOCK)

    def seek(work: tuple[int, Probe]) -> list[Found]:
        if should_stop and should_stop():
            raise JobCancelled("Stopped on request while candidates were sought.")
        start, probe = work
        block = np.asarray(seekers[start : start + _BLOCK])
        forms = probe.forms if len(indexes) == 1 else (0,)
        found: list[Found] = []
        for own_form, vectors in zip(forms, describe(block, probe.window, forms), strict=True):
            for form, index in indexes.items():
                cosines, nearest = index.search(vectors, min(group.nearest, index.ntotal))
                rows = np.repeat(np.arange(start, start + len(block)), cosines.shape[1])
                keep = cosines.ravel() >= _MIN_COSINE
                found.append((probe, own_form or form, rows[keep], nearest.ravel()[keep], cosines.ravel()[keep]))
        return found

    # One search to a thread: FAISS's own threads wait for each other after every small block.
    with ThreadPoolExecutor(threads, initializer=partial(faiss.omp_set_num_threads, 1)) as pool:
        for found in pool.map(seek, [(start, probe) for start in blocks for probe in group.probes]):
            yield from found


def _flat_index(faiss: Any, vectors: Descriptors) -> Any:
    index = faiss.IndexFlatIP(DESCRIPTOR_SIZE)
    index.add(vectors)
    return index


def _hypotheses(
    query: NDArray[np.int64],
    reference: NDArray[np.int64],
    form: int,
    window: Window,
    cosines: NDArray[np.float32],
    *,
    in_query: bool,
) -> Candidates:
    count = len(query)
    place = np.array(window.as_map(is_mirrored=in_query and form >= FORMS // 2))
    return Candidates(
        query,
        reference,
        np.full(count, form, np.int8),
        np.full(count, in_query),
        np.tile(place, (count, 1)),
        cosines.astype(np.float32),
    )


def keep_best(found: Candidates, keep: int) -> Candidates:
    """The best hypothesis of each pair, of the ``keep`` best pairs of each query, ordered by query and cosine."""
    found = found.take(np.lexsort((found.form, -found.cosine, found.reference, found.query)))
    found = found.take(is_new_pair(found))
    found = found.take(np.lexsort((found.reference, -found.cosine, found.query)))
    return found.take(_rank_in_group(found.query) < keep)


def by_pair(parts: Sequence[Candidates]) -> Candidates:
    """All hypotheses of all groups, those of a pair side by side, in an order that depends on nothing else."""
    found = join(parts)
    return found.take(np.lexsort((found.in_query, found.form, -found.cosine, found.reference, found.query)))


def is_new_pair(ordered: Candidates) -> NDArray[np.bool_]:
    """Where another pair begins."""
    is_new = np.ones(len(ordered), bool)
    is_new[1:] = (ordered.query[1:] != ordered.query[:-1]) | (ordered.reference[1:] != ordered.reference[:-1])
    return is_new


def _rank_in_group(ordered: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, 2 ... within each run of equal values."""
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.empty(0, np.int64)
    counts = np.diff(np.r_[starts, len(ordered)])
    return np.arange(len(ordered)) - np.repeat(starts, counts)
