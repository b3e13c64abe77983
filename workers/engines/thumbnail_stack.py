"""Thumbnails of several tables seen as one array, without copying them together.

A million thumbnails are 5 GB. Most of what looks at them wants a few rows at a time, so those are fetched from
where they lie: in memory, or in a file that is mapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.engines.thumbnail import THUMBNAIL_SIDE

Pixels = NDArray[np.uint8]


class StackedThumbnails:
    """Reads like an array of shape (n, 64, 64), uint8: ``len``, ``shape``, one row, a slice, or an array of row
    numbers. Rows come out as a new array; a slice stays a view. ``numpy.asarray`` copies everything."""

    def __init__(self, parts: Sequence[Pixels], part_of: NDArray[np.intp], row_of: NDArray[np.intp]) -> None:
        self._parts, self._part_of, self._row_of = list(parts), part_of, row_of

    def __len__(self) -> int:
        return len(self._row_of)

    @property
    def shape(self) -> tuple[int, int, int]:
        return (len(self), THUMBNAIL_SIDE, THUMBNAIL_SIDE)

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        return np.dtype(np.uint8)

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, slice):
            return self.select(rows)
        part_of, row_of = self._part_of[rows], self._row_of[rows]
        if np.ndim(row_of) == 0:
            return self._parts[int(part_of)][int(row_of)]
        fetched = np.empty((len(row_of), *self.shape[1:]), np.uint8)
        for part in np.unique(part_of):
            wanted = np.flatnonzero(part_of == part)
            fetched[wanted] = self._parts[int(part)][row_of[wanted]]
        return fetched

    def select(self, rows: Any) -> StackedThumbnails:
        """These rows, in this order, still without copying."""
        return StackedThumbnails(self._parts, self._part_of[rows], self._row_of[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[np.arange(len(self))], dtype)


Thumbnails = Pixels | StackedThumbnails


def stack_thumbnails(columns: Sequence[Thumbnails]) -> Thumbnails:
    """All rows, in order; a single column comes back as it is."""
    filled = [column for column in columns if len(column)]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        return np.empty((0, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    parts: list[Pixels] = []
    part_of, row_of = [], []
    for column in filled:
        stacked = column if isinstance(column, StackedThumbnails) else view_thumbnails(column)
        part_of.append(stacked._part_of + len(parts))
        row_of.append(stacked._row_of)
        parts += stacked._parts
    return StackedThumbnails(parts, np.concatenate(part_of), np.concatenate(row_of))


def view_thumbnails(column: Thumbnails) -> StackedThumbnails:
    """The column as one whose rows can be chosen without copying."""
    if isinstance(column, StackedThumbnails):
        return column
    return StackedThumbnails([column], np.zeros(len(column), np.intp), np.arange(len(column)))
