"""What quality is judged by: a dozen numbers of one picture, in two passes over its pixels.

Brightness is luma (ITU-R 601) over 255. Sharpness is the energy of a Laplacian (the mean square of each pixel's
difference from its four neighbours, in grey levels) at full size, at a half and at a quarter: a blur takes it away at
the fine scales first, and a dull scene at all of them alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.engines.jit import compiled

Pixels = NDArray[np.uint8]
Measures = NDArray[np.float32]

NAMES = (
    "mean", "p1", "p5", "p50", "p95", "p99", "white", "entropy", "colour",
    "fine", "middle", "coarse", "width", "height", "chroma",
)  # fmt: skip
"""Columns of measures: brightness (0 to 1) as mean and percentiles, the share of white pixels (0 to 1), entropy of the
grey levels in bits (0 to 8), the share of pixels that have a colour (0 to 1), energies of the Laplacian at three
scales, width and height in pixels, and how far apart a pixel's channels are on average (0 to 255)."""

COLUMN = {name: number for number, name in enumerate(NAMES)}

ALGORITHM = 2
"""To be raised with every change to what the numbers mean."""

MIN_SIDE = 320
"""Pixels that the shorter side keeps, at least, where sharpness is measured: a photo of a camera is soft pixel by
pixel, and sharp at the size at which people and networks look at it."""

_PERCENTILES = (0.01, 0.05, 0.50, 0.95, 0.99)
_WHITE = 250
"""Grey levels from here on are white."""

_COLOUR = 16
"""So many levels apart are the channels of a pixel that has a colour."""


def measure_pixels(pixels: Pixels, size: tuple[int, int]) -> Measures:
    """The measures, by ``NAMES``, of pixels ``(height, width)`` grey or ``(height, width, 3)`` RGB of a picture whose
    full width and height are ``size``."""
    found = np.zeros(len(NAMES), np.float32)
    grey = np.empty(pixels.shape[:2], np.uint8)
    counts = np.zeros(256, np.int64)
    if pixels.ndim == 2:
        grey[:] = pixels
        counts += np.bincount(grey.ravel(), minlength=256)
        coloured, apart = 0, np.int64(0)
    else:
        coloured, apart = _grey_levels(np.ascontiguousarray(pixels), grey, counts)
    shares = counts / max(grey.size, 1)
    found[0] = float(shares @ np.arange(256)) / 255
    found[1:6] = np.searchsorted(np.cumsum(shares), np.array(_PERCENTILES) - 1e-9) / 255
    seen = shares[shares > 0]
    found[6] = shares[_WHITE:].sum()
    found[7] = max(0.0, float(-(seen * np.log2(seen)).sum()))
    found[8] = coloured / max(grey.size, 1)
    while min(grey.shape) >= 2 * MIN_SIDE:
        grey = halve(grey)
    half = halve(grey)
    found[9:12] = laplacian_energy(grey), laplacian_energy(half), laplacian_energy(halve(half))
    found[12:14] = size
    found[14] = apart / max(counts.sum(), 1)
    return found


def measure_image(image: Image.Image, size: tuple[int, int]) -> Measures:
    """The same of Pillow's image of any mode. Transparent parts count as black, as networks see them."""
    is_grey = image.mode in ("L", "1", "I;16") or image.mode.startswith(("I", "F"))
    return measure_pixels(np.asarray(image.convert("L" if is_grey else "RGB")), size)


@compiled
def _grey_levels(pixels: Pixels, grey: Pixels, counts: NDArray[np.int64]) -> tuple[int, np.int64]:
    """Levels and their counts into the arrays; how many pixels have a colour, and the sum of channels' distances."""
    coloured, total = 0, np.int64(0)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            red, green, blue = np.int32(pixels[y, x, 0]), np.int32(pixels[y, x, 1]), np.int32(pixels[y, x, 2])
            level = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
            grey[y, x] = np.uint8(level)
            counts[level] += 1
            apart = max(red, green, blue) - min(red, green, blue)
            total += np.int64(apart)
            if apart > _COLOUR:
                coloured += 1
    return coloured, total


@compiled
def halve(grey: Pixels) -> Pixels:
    """Means of 2 x 2 pixels; an odd last row or column is left out."""
    height, width = grey.shape[0] // 2, grey.shape[1] // 2
    half = np.empty((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            total = np.int32(grey[2 * y, 2 * x]) + np.int32(grey[2 * y, 2 * x + 1])
            total += np.int32(grey[2 * y + 1, 2 * x]) + np.int32(grey[2 * y + 1, 2 * x + 1])
            half[y, x] = np.uint8((total + 2) >> 2)
    return half


@compiled
def laplacian_energy(grey: Pixels) -> float:
    """Mean square of the Laplacian inside the picture; 0 where it has no inside."""
    height, width = grey.shape
    if height < 3 or width < 3:
        return 0.0
    total = np.int64(0)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            edge = np.int32(4) * np.int32(grey[y, x])
            edge -= np.int32(grey[y - 1, x]) + np.int32(grey[y + 1, x])
            edge -= np.int32(grey[y, x - 1]) + np.int32(grey[y, x + 1])
            total += np.int64(edge * edge)
    energy: float = total / ((height - 2) * (width - 2))
    return energy
