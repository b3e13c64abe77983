"""Verified leak search: candidates from every kind of comparison, checked on their pixels.

The query side may be cut into parts and the reference side too: candidates of each pair of parts are found
(``find_candidates``), those of one query part put together (``merge_candidates``), and its pairs verified
(``verify_pairs``). However the sides are cut, the same pairs come out. Memory: 180 bytes for each reference of a part
while it is searched, and the thumbnails of a few hundred pairs while they are verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.domain.leaks import LeakCandidate, Transform
from workers.engines.calibration import scores
from workers.engines.candidates import (
    Candidates,
    ProbeGroup,
    by_pair,
    join,
    keep_best,
    probe_groups,
    search_from_queries,
    search_from_references,
)
from workers.engines.children import StopCheck
from workers.engines.descriptors import FORMS, WHOLE, describe
from workers.engines.fingerprint_table import FingerprintTable
from workers.engines.hash_search import HashIndex
from workers.engines.matching import sides
from workers.engines.phash import HASH_BITS, is_degenerate
from workers.engines.transforms import name_transforms
from workers.engines.verification import verify

HASH_RADIUS = 10
"""Bits of the pHash, in any of the eight forms, within which pairs are verified."""

QUERY_PART, REFERENCE_PART = 4096, 65_536
"""Images of either side that are searched at a time."""

_HASH_KEEP = 8
_HASHES = "hashes"

GroupedCandidates = dict[str, Candidates]
"""Candidates by the kind of comparison that found them."""


@dataclass(frozen=True, slots=True, eq=False)
class VerifiedPairs:
    """Rows of the query and of the reference, how surely both are the same shot, and what links them."""

    query: NDArray[np.int64]
    reference: NDArray[np.int64]
    scores: NDArray[np.float64]
    transforms: list[Transform]

    def __len__(self) -> int:
        return len(self.query)


def typical_side(table: FingerprintTable) -> int:
    """The shorter side that half of the pictures reach, in pixels; 0 without pictures."""
    rows = table.ok_rows()
    return int(np.median(np.minimum(table.widths[rows], table.heights[rows]))) if len(rows) else 0


def find_candidates(
    query: FingerprintTable,
    reference: FingerprintTable,
    *,
    side: int,
    smallest_crop: float,
    first_reference: int = 0,
    threads: int = 1,
    should_stop: StopCheck | None = None,
) -> GroupedCandidates:
    """Candidates for the images of ``query`` in a part of the reference whose rows count from ``first_reference``.

    ``side`` is the ``typical_side`` of the smaller pictures and must be the same for all parts. Images are not
    compared with themselves, as which those of equal key count. Raises ``JobCancelled`` soon after ``should_stop``
    answers true.
    """
    query_rows, reference_rows = query.ok_rows(), reference.ok_rows()
    if not len(query_rows) or not len(reference_rows):
        return {}
    queries, references = np.asarray(query.thumbnails[query_rows]), np.asarray(reference.thumbnails[reference_rows])
    described = describe(references, WHOLE)[0]
    found: GroupedCandidates = {_HASHES: _near_hashes(query, reference, query_rows, reference_rows, threads)}
    for group in probe_groups(side, smallest_crop):
        found[group.name] = search_from_queries(queries, described, group, threads=threads, should_stop=should_stop)
        if group.both_ways:
            found[f"{group.name} reversed"] = search_from_references(
                queries, references, group, threads=threads, should_stop=should_stop
            )
    is_itself = _equal_keys(query, reference, query_rows, reference_rows)
    return {
        name: _renumbered(_without(some, is_itself), query_rows, reference_rows, first_reference)
        for name, some in found.items()
    }


def _near_hashes(
    query: FingerprintTable,
    reference: FingerprintTable,
    query_rows: NDArray[np.intp],
    reference_rows: NDArray[np.intp],
    threads: int,
) -> Candidates:
    """Pairs of near pHashes in any form; pictures that a pHash cannot tell apart are left to the descriptors."""
    telling = np.flatnonzero(~is_degenerate(reference.phashes[reference_rows]))
    index = HashIndex(reference.phashes[reference_rows[telling]], HASH_RADIUS)
    parts = []
    for form in range(FORMS):
        hashes = query.phash_forms[query_rows, form]
        asking = np.flatnonzero(~is_degenerate(hashes))
        for pairs in index.iterate(hashes[asking], threads=threads):
            closeness = (1 - pairs.distances / HASH_BITS).astype(np.float32)
            rows = asking[pairs.query_rows], telling[pairs.reference_rows]
            parts.append(_whole_pictures(*rows, np.full(len(closeness), form, np.int8), closeness))
    return keep_best(join(parts), _HASH_KEEP)


def _whole_pictures(
    query: NDArray[np.intp], reference: NDArray[np.intp], form: NDArray[np.int8], closeness: NDArray[np.float32]
) -> Candidates:
    count = len(query)
    maps = np.tile(np.array(WHOLE.as_map()), (count, 1))
    return Candidates(query.astype(np.int64), reference.astype(np.int64), form, np.zeros(count, bool), maps, closeness)


def _equal_keys(
    query: FingerprintTable,
    reference: FingerprintTable,
    query_rows: NDArray[np.intp],
    reference_rows: NDArray[np.intp],
) -> Mapping[int, int]:
    """Query row to the reference row of the very same image, counted among the readable ones."""
    place = {reference.keys[row]: i for i, row in enumerate(reference_rows.tolist())}
    return {i: place[key] for i, row in enumerate(query_rows.tolist()) if (key := query.keys[row]) in place}


def _without(found: Candidates, is_itself: Mapping[int, int]) -> Candidates:
    if not is_itself:
        return found
    own = np.array([is_itself.get(row, -1) for row in found.query.tolist()], np.int64)
    return found.take(found.reference != own)


def _renumbered(
    found: Candidates, query_rows: NDArray[np.intp], reference_rows: NDArray[np.intp], first_reference: int
) -> Candidates:
    return Candidates(
        query_rows[found.query],
        reference_rows[found.reference] + first_reference,
        found.form,
        found.in_query,
        found.maps,
        found.cosine,
    )


def merge_candidates(parts: Sequence[GroupedCandidates], given: Sequence[tuple[int, int]] = ()) -> Candidates:
    """What is to be verified: the best of all parts, and the pairs of rows that other methods found."""
    keep = {_HASHES: _HASH_KEEP, **_keeps()}
    names = sorted({name for part in parts for name in part})
    merged = [keep_best(join([part[name] for part in parts if name in part]), keep[name]) for name in names]
    if given:
        rows = np.array(sorted(set(given)), np.int64)
        ones = np.ones(len(rows), np.float32)
        merged.append(_whole_pictures(rows[:, 0], rows[:, 1], np.zeros(len(rows), np.int8), ones))
    return by_pair(merged)


def _keeps() -> dict[str, int]:
    groups: list[ProbeGroup] = probe_groups(1 << 20, 0.0)
    return {name: group.keep for group in groups for name in (group.name, f"{group.name} reversed")}


def verify_pairs(
    query: FingerprintTable,
    reference: FingerprintTable,
    candidates: Candidates,
    *,
    threads: int = 1,
    should_stop: StopCheck | None = None,
) -> VerifiedPairs:
    """Score every pair. Equal pixels, where digests tell of them, make a score of 1. Raises ``JobCancelled`` soon
    after ``should_stop`` answers true."""
    verified = verify(query.thumbnails, reference.thumbnails, candidates, threads=threads, should_stop=should_stop)
    transforms = name_transforms(query, reference, verified)
    found = scores(verified.evidence)
    is_identical = np.array(
        [name in (Transform.IDENTICAL_FILE, Transform.IDENTICAL_PIXELS) for name in transforms], bool
    )
    return VerifiedPairs(verified.query, verified.reference, np.where(is_identical, 1.0, found), transforms)


def rows_of_pairs(
    query: FingerprintTable, reference: FingerprintTable, found: Iterable[LeakCandidate]
) -> list[tuple[int, int]]:
    """Query and reference rows of candidates that other methods found; of a single set, its test image is the
    query."""
    query_row = {key: i for i, key in enumerate(query.keys)}
    reference_row = {key: i for i, key in enumerate(reference.keys)}
    readable = [set(table.ok_rows().tolist()) for table in (query, reference)]
    rows = ((query_row[c.test_image], reference_row[c.train_image]) for c in found if c.test_image in query_row)
    return sorted({(q, r) for q, r in rows if q in readable[0] and r in readable[1]})


def add_scores(
    checked: dict[tuple[str, str], tuple[float, Transform]],
    query: FingerprintTable,
    reference: FingerprintTable,
    verified: VerifiedPairs,
    is_same: bool,
) -> None:
    """Keep each pair's score under its train and its test image; inside one set, the better of both ways round."""
    rows = zip(verified.query.tolist(), verified.reference.tolist(), verified.scores.tolist(), strict=True)
    for (q, r, score), transform in zip(rows, verified.transforms, strict=True):
        pair = sides(query.keys[q], reference.keys[r], is_same)
        if pair not in checked or checked[pair][0] < score:
            checked[pair] = (score, transform)
