"""Which vectors of two sets point the same way: every pair whose cosine reaches a threshold.

The plain way, two loops over all pairs, is in the tests. Here matrix products screen the pairs, a block of the
reference at a time, and what they let through is worked out anew in double precision: so neither the size of blocks
nor the device, which may screen in half precision, decides about a pair.

Memory, however many vectors there are: the query in bands of ``BAND_BYTES``, each twice, as it is and scaled to length
1; eight times ``BLOCK_BYTES`` for a block of the reference, its products and the pairs under test; and 80 bytes for
each pair found in a band. The reference is read once for each band.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import JobCancelled
from workers.engines.children import StopCheck
from workers.engines.vector_file import VectorRows, Vectors

if TYPE_CHECKING:
    import torch

Rows = NDArray[np.intp]

BAND_BYTES = 512 << 20
BLOCK_BYTES = 32 << 20
_PRODUCT_ROWS = 1024
"""Rows of the query in one matrix product."""

_ROUNDING = 1e-9
"""Two copies of one vector have a cosine a few units of rounding below 1; a threshold of 1 still means
'equal'."""


@dataclass(frozen=True, slots=True, eq=False)
class CosinePairs:
    """Pairs of rows and their cosines: by query row, the closest first, then by reference row."""

    query_rows: Rows
    reference_rows: Rows
    cosines: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.query_rows)


def search_cosines(
    query: VectorRows,
    reference: VectorRows,
    min_similarity: float,
    *,
    same: bool = False,
    device: torch.device | None = None,
    should_stop: StopCheck | None = None,
) -> Iterator[CosinePairs]:
    """All pairs with a cosine of at least ``min_similarity``, above 0, band by band of the query. Vectors need not be
    of length 1; one of length 0 is like no other.

    With ``same`` both are one set, and each pair comes once. ``device`` may be a GPU; without it, NumPy does the work.
    Raises ``JobCancelled`` soon after ``should_stop`` answers true.
    """
    screen: _Screen = _NumPyScreen() if device is None or device.type == "cpu" else TorchScreen(device)
    band = _rows_in(BAND_BYTES, query)
    for first in range(0, len(query), band):
        yield _search_band(query[first : first + band], first, reference, min_similarity, same, screen, should_stop)


def _search_band(
    vectors: Vectors,
    first: int,
    reference: VectorRows,
    min_similarity: float,
    same: bool,
    screen: _Screen,
    should_stop: StopCheck | None,
) -> CosinePairs:
    units = screen.units(vectors)
    found: list[CosinePairs] = []
    step = _rows_in(BLOCK_BYTES, reference)
    # Inside one set, what lies before the band was its query already.
    for start in range(first if same else 0, len(reference), step):
        block = reference[start : start + step]
        block_units = screen.units(block)
        for top in range(0, len(vectors), _PRODUCT_ROWS):
            if should_stop and should_stop():
                raise JobCancelled("Stopped on request while embeddings were compared.")
            left, right = screen.pairs(units[top : top + _PRODUCT_ROWS], block_units, min_similarity - screen.slack)
            left += top
            if same:
                is_first = left + first < right + start
                left, right = left[is_first], right[is_first]
            cosines = _cosines(vectors, left, block, right)
            near = np.flatnonzero(cosines >= min_similarity - _ROUNDING)
            found.append(CosinePairs(left[near] + first, right[near] + start, cosines[near]))
    return _in_order(found)


def _rows_in(size: int, vectors: VectorRows) -> int:
    return max(size // max(int(vectors.shape[1]) * 4, 1), 1)


def _cosines(query: Vectors, left: Rows, reference: Vectors, right: Rows) -> NDArray[np.float64]:
    """Pair by pair in double precision: a matrix product rounds differently with the block it is part of."""
    cosines = np.zeros(len(left))
    step = _rows_in(BLOCK_BYTES // 8, query)
    for start in range(0, len(left), step):
        part = slice(start, start + step)
        a = query[left[part]].astype(np.float64)
        b = reference[right[part]].astype(np.float64)
        lengths = np.sqrt((a * a).sum(axis=1)) * np.sqrt((b * b).sum(axis=1))
        cosines[part] = (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1)
    return cosines


def _in_order(parts: list[CosinePairs]) -> CosinePairs:
    left = np.concatenate([np.empty(0, np.intp), *(part.query_rows for part in parts)])
    right = np.concatenate([np.empty(0, np.intp), *(part.reference_rows for part in parts)])
    cosines = np.concatenate([np.empty(0), *(part.cosines for part in parts)])
    order = np.lexsort((right, -cosines, left))
    return CosinePairs(left[order], right[order], cosines[order])


class _Screen(Protocol):
    """Finds pairs that may reach the threshold, by a matrix product: too many, never too few."""

    slack: float
    """More than rounding does to a cosine here."""

    def units(self, vectors: Vectors) -> Any:
        """The vectors scaled to length 1, where the products are made."""

    def pairs(self, query: Any, reference: Any, threshold: float) -> tuple[Rows, Rows]:
        """Rows of pairs of units with a product of ``threshold`` or more."""


class _NumPyScreen:
    slack = 1e-4

    def units(self, vectors: Vectors) -> Vectors:
        lengths: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True).astype(np.float32)
        lengths[lengths == 0] = 1
        return vectors / lengths

    def pairs(self, query: Vectors, reference: Vectors, threshold: float) -> tuple[Rows, Rows]:
        left, right = np.nonzero(query @ reference.T >= threshold)
        return left, right


class TorchScreen:
    """On a GPU in half precision. Each number of a unit vector is off by a share of at most 2^-11, so a product by
    2^-10; that it is stored in half precision too, and may have been added up from parts in it, stays below as much
    again several times over."""

    slack = 0.01

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def units(self, vectors: Vectors) -> torch.Tensor:
        import torch

        on_device = torch.from_numpy(np.ascontiguousarray(vectors)).to(self._device)
        return torch.nn.functional.normalize(on_device, dim=1).half()

    def pairs(self, query: torch.Tensor, reference: torch.Tensor, threshold: float) -> tuple[Rows, Rows]:
        found = (query @ reference.T >= threshold).nonzero().cpu().numpy().astype(np.intp)
        return found[:, 0], found[:, 1]
