"""A thumbnail at several sizes, in the versions that comparing pixels needs.

*Band*: detail of middling size without the lighting, by which pictures are brought into line. *Plain*: as it is,
from 0 to 1, what evidence is taken from.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.engines.jit import compiled

Plane = NDArray[np.float32]

BAND = (0.7, 3.0)
"""Blurs, as standard deviations in pixels of the size that they are taken at."""

_NOISE = 0.004
"""Standard deviation, of a range of 1, below which a band counts as empty."""


class Pyramid(NamedTuple):
    """Planes at ``(16, 16)`` and ``(32, 32)``: float32, bands divided by their standard deviation."""

    band16: Plane
    band32: Plane
    plain32: Plane


@compiled
def build(thumbnail: NDArray[np.uint8]) -> Pyramid:
    """The pyramid of one ``(64, 64)`` thumbnail."""
    half = halved(plain_large(thumbnail))
    return Pyramid(band_of(halved(half)), band_of(half), half)


@compiled
def plain_large(thumbnail: NDArray[np.uint8]) -> Plane:
    """The plain ``(64, 64)`` plane, for a picture of which the other shows a small part."""
    side = thumbnail.shape[0]
    plane = np.empty((side, side), np.float32)
    for i in range(side):
        for j in range(side):
            plane[i, j] = thumbnail[i, j] * np.float32(1 / 255)
    return plane


@compiled
def halved(plane: Plane) -> Plane:
    """Averages of two by two pixels."""
    side = plane.shape[0] // 2
    out = np.empty((side, side), np.float32)
    for i in range(side):
        for j in range(side):
            total = (
                plane[2 * i, 2 * j] + plane[2 * i, 2 * j + 1] + plane[2 * i + 1, 2 * j] + plane[2 * i + 1, 2 * j + 1]
            )
            out[i, j] = total * np.float32(0.25)
    return out


@compiled
def band_of(plane: Plane) -> Plane:
    """Detail of middling size, divided by its standard deviation."""
    out = blur(plane, BAND[0]) - blur(plane, BAND[1])
    out /= np.float32(np.std(out) + _NOISE)
    return out


@compiled
def blur(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur; beyond the edge the edge is repeated."""
    side = plane.shape[0]
    radius = math.ceil(3 * sigma)
    kernel = np.empty(2 * radius + 1, np.float32)
    for k in range(2 * radius + 1):
        kernel[k] = math.exp(-((k - radius) ** 2) / (2 * sigma * sigma))
    kernel /= kernel.sum()
    # Sums of shifted rows, on a copy with room on all sides: the compiler makes vector instructions of that.
    padded = np.empty((side, side + 2 * radius), np.float32)
    for i in range(side):
        padded[i, :radius] = plane[i, 0]
        padded[i, radius : radius + side] = plane[i]
        padded[i, radius + side :] = plane[i, side - 1]
    across = np.zeros((side + 2 * radius, side), np.float32)
    for i in range(side):
        for k in range(2 * radius + 1):
            weight = kernel[k]
            for j in range(side):
                across[i + radius, j] += weight * padded[i, j + k]
    for i in range(radius):
        across[i] = across[radius]
        across[radius + side + i] = across[radius + side - 1]
    out = np.zeros((side, side), np.float32)
    for i in range(side):
        for k in range(2 * radius + 1):
            weight = kernel[k]
            for j in range(side):
                out[i, j] += weight * across[i + k, j]
    return out
