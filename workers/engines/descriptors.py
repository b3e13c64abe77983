"""Descriptors: what a picture looks like from afar, as 35 numbers that survive a copy.

A descriptor holds the lowest frequencies of a thumbnail, or of a window cut from it, with the very lowest ones
damped (they carry lighting, not content) and the whole brought to length 1. The cosine of two descriptors is a
correlation of the two pictures, blurred and levelled. Because the discrete cosine transform of a mirrored
picture is that of the picture with the sign of every other column changed, and of one turned by 90 degrees its
transpose, all eight forms of a picture come from one transform.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from workers.engines.alignment import AffineMap, sample
from workers.engines.jit import compiled

Thumbnails = NDArray[np.uint8]
Descriptors = NDArray[np.float32]

FREQUENCIES = 6
"""A side of the block of frequencies kept. Ten would tell more, and forgive less where a window is a little off."""

DESCRIPTOR_SIZE = FREQUENCIES**2 - 1

FORMS = 8
"""Mirrored or not, times four quarter turns: form ``4 * mirrored + turns`` is the picture mirrored left to right
first, then turned counter-clockwise."""

_SAMPLES = 32
_FINE, _COARSE = 1.5, 5.0
"""Pixels of a 32 x 32 picture: detail below the first and lighting beyond the second are damped."""

_FLATNESS = 0.02
"""Added to the length that a descriptor is divided by, so that noise on a flat picture stays small."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture in coordinates from -1 to 1: its half width and half height, and its centre; or the
    whole picture turned by ``tilt`` degrees."""

    half_width: float = 1.0
    half_height: float = 1.0
    x: float = 0.0
    y: float = 0.0
    tilt: float = 0.0

    def as_map(self, *, is_mirrored: bool = False) -> tuple[float, float, float, float, float, float]:
        """The affine map (see ``alignment.AffineMap``) from the window's own coordinates to the picture's, or to
        those of the picture mirrored left to right."""
        sign = -1.0 if is_mirrored else 1.0
        cosine, sine = math.cos(math.radians(self.tilt)), sign * math.sin(math.radians(self.tilt))
        x = sign * self.x
        return (self.half_width * cosine, -sine, x, sine, self.half_height * cosine, self.y)


WHOLE = Window()


def grid_of_windows(size: float, steps: int) -> list[Window]:
    """Square windows of relative ``size``, in ``steps`` positions along each side, edge to edge."""
    places = np.linspace(size - 1, 1 - size, steps).tolist()
    return [Window(size, size, x, y) for y, x in product(places, places)]


def describe(thumbnails: Thumbnails, window: Window = WHOLE, forms: Iterable[int] = (0,)) -> list[Descriptors]:
    """Descriptors of ``(n, side, side)`` thumbnails seen through ``window``: ``(n, 35)`` for each form asked for.

    A window may reach beyond the picture; what is outside repeats the edge.
    """
    if window.tilt:
        thumbnails = _tilted(np.ascontiguousarray(thumbnails), np.array(window.as_map()))
    side = thumbnails.shape[1]
    down = _kernel(side, window.y, window.half_height)
    across = _kernel(side, window.x, window.half_width)
    low: NDArray[np.float32] = (down @ (thumbnails.astype(np.float32) / np.float32(255)) @ across.T) * _weights()
    return [_unit(turned(low, form)) for form in forms]


@compiled
def _tilted(thumbnails: Thumbnails, place: AffineMap) -> Thumbnails:
    out = np.empty_like(thumbnails)
    side = thumbnails.shape[1]
    seen, inside = np.empty((side, side), np.float32), np.empty((side, side), np.float32)
    for n in range(len(thumbnails)):
        sample(thumbnails[n].astype(np.float32), place, seen, inside)
        for i in range(side):
            for j in range(side):
                out[n, i, j] = np.uint8(seen[i, j] + 0.5)
    return out


def turned(coefficients: NDArray[np.float32], form: int) -> NDArray[np.float32]:
    """The cosine transform of ``(n, f, f)`` pictures in another form, from their own."""
    signs = np.where(np.arange(coefficients.shape[1]) % 2, -1, 1).astype(np.float32)
    columns, rows = signs[None, None, :], signs[None, :, None]
    if form >= FORMS // 2:
        coefficients = coefficients * columns
    turns = form % 4
    if turns == 0:
        return coefficients
    if turns == 1:
        return coefficients.transpose(0, 2, 1) * rows
    if turns == 2:
        return coefficients * columns * rows
    return coefficients.transpose(0, 2, 1) * columns


def _unit(low: NDArray[np.float32]) -> Descriptors:
    vectors = low.reshape(len(low), -1)[:, 1:]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / (lengths + np.float32(_FLATNESS)))


@cache
def _kernel(side: int, centre: float, half: float) -> NDArray[np.float32]:
    """``(FREQUENCIES, side)``: sampling of a window along one axis, then its lowest frequencies."""
    places = (2 * np.arange(_SAMPLES) + 1) / _SAMPLES - 1
    position = np.clip((centre + half * places + 1) * side / 2 - 0.5, 0, side - 1)
    before = np.minimum(position.astype(int), side - 2)
    share = position - before
    sampling = np.zeros((_SAMPLES, side))
    sampling[np.arange(_SAMPLES), before] = 1 - share
    sampling[np.arange(_SAMPLES), before + 1] = share
    k, i = np.arange(FREQUENCIES)[:, None], np.arange(_SAMPLES)[None]
    transform = np.cos(np.pi * (i + 0.5) * k / _SAMPLES) * np.sqrt(2 / _SAMPLES)
    transform[0] /= np.sqrt(2)
    kernel: NDArray[np.float32] = (transform @ sampling).astype(np.float32)
    return kernel


@cache
def _weights() -> NDArray[np.float32]:
    frequency = np.arange(FREQUENCIES) * np.pi / _SAMPLES
    squared = frequency[:, None] ** 2 + frequency[None] ** 2
    return (np.exp(-squared * _FINE**2 / 2) - np.exp(-squared * _COARSE**2 / 2)).astype(np.float32)
