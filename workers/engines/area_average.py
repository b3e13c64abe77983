"""Shrinking a picture to 64 x 64 by the exact means of areas.

Where an area's border runs through a pixel, the pixel counts by the share that lies inside. A filter that takes
whole pixels only, as Pillow's BOX does, shifts each area by up to half a pixel; made from such a thumbnail, one
pHash in twenty-five is more than two bits off, and from these one in 250.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.engines.jit import compiled

Pixels = NDArray[np.uint8]

SIDE = 64
"""Areas along each axis. The picture must have as many pixels at least."""


COARSE_SIDE = 8
_CELL = SIDE // COARSE_SIDE


def average_areas(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """The luma (ITU-R 601) of 64 x 64 equal areas, shape (64, 64), and the mean red, green and blue of 8 x 8 ones,
    shape (8, 8, 3), of pixels ``(height, width, 3)``; rounded once, at the end."""
    height, width = pixels.shape[:2]
    means = np.empty((SIDE, SIDE, 3), np.float32)
    _average(np.ascontiguousarray(pixels).reshape(height, width * 3), means)
    luma, coarse = np.empty((SIDE, SIDE), np.uint8), np.empty((COARSE_SIDE, COARSE_SIDE, 3), np.uint8)
    _round(means, luma, coarse)
    return luma, coarse


@compiled
def _round(means: NDArray[np.float32], luma: Pixels, coarse: Pixels) -> None:
    sums = np.zeros(coarse.shape, np.float32)
    for y in range(SIDE):
        for x in range(SIDE):
            red, green, blue = means[y, x, 0], means[y, x, 1], means[y, x, 2]
            luma[y, x] = np.uint8(0.299 * red + 0.587 * green + 0.114 * blue + 0.5)
            for c in range(3):
                sums[y // _CELL, x // _CELL, c] += means[y, x, c]
    for y in range(COARSE_SIDE):
        for x in range(COARSE_SIDE):
            for c in range(3):
                coarse[y, x, c] = np.uint8(sums[y, x, c] / (_CELL * _CELL) + 0.5)


@compiled
def _average(lines: Pixels, means: NDArray[np.float32]) -> None:
    """Rows of pixels first, because adding whole lines is what processors do several values at a time."""
    tall = len(lines) / SIDE
    summed = np.empty(lines.shape[1], np.float32)
    for y in range(SIDE):
        start, stop = y * tall, min((y + 1) * tall, float(len(lines)))
        summed[:] = 0
        for i in range(int(start), int(np.ceil(stop))):
            share = np.float32((min(i + 1.0, stop) - max(float(i), start)) / tall)
            line = lines[i]
            for k in range(len(summed)):
                summed[k] += share * np.float32(line[k])
        _average_line(summed, means[y])


@compiled
def _average_line(line: NDArray[np.float32], means: NDArray[np.float32]) -> None:
    width = len(line) // 3
    wide = width / SIDE
    for x in range(SIDE):
        start, stop = x * wide, min((x + 1) * wide, float(width))
        first, last = int(start), min(int(np.ceil(stop)), width) - 1
        # What the first and the last pixel have outside.
        before, after = np.float32(start - first), np.float32(last + 1 - stop)
        red = -before * line[3 * first] - after * line[3 * last]
        green = -before * line[3 * first + 1] - after * line[3 * last + 1]
        blue = -before * line[3 * first + 2] - after * line[3 * last + 2]
        for i in range(3 * first, 3 * last + 3, 3):
            red += line[i]
            green += line[i + 1]
            blue += line[i + 2]
        share = np.float32(1 / wide)
        means[x, 0], means[x, 1], means[x, 2] = red * share, green * share, blue * share
