"""Natural irregularity: one cached tile of cloud-like noise, and jagged skylines.

All textures of the demo are cut from this tile, so it is made once in a process.
"""

from __future__ import annotations

import random
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image

Tones = npt.NDArray[np.float32]
TILE_SIZE = 512


@lru_cache(maxsize=1)
def noise_tile() -> Tones:
    """A square of fractal noise that repeats at its edges, about -1..1."""
    rng = np.random.default_rng(20240229)
    total = np.zeros((TILE_SIZE, TILE_SIZE), np.float32)
    for octave in range(7):
        total += _octave(rng, 4 << octave) * 0.58**octave
    total -= total.mean()
    return np.asarray(np.clip(total / (2.4 * total.std()), -1, 1), np.float32)


def _octave(rng: np.random.Generator, cells: int) -> Tones:
    grid = rng.random((cells, cells), np.float32) - np.float32(0.5)
    wrapped = np.tile(grid, (3, 3))
    image = Image.fromarray(wrapped, "F")
    box = (cells, cells, 2 * cells, 2 * cells)
    return np.asarray(image.resize((TILE_SIZE, TILE_SIZE), Image.Resampling.BICUBIC, box=box), np.float32)


def texture(rng: random.Random, width: int, height: int, step_x: float = 1.0, step_y: float = 1.0) -> Tones:
    """A piece of the tile, read ``step`` texels a pixel: small steps give broad shapes."""
    columns = (rng.randrange(TILE_SIZE) + np.arange(width) * step_x).astype(np.intp) % TILE_SIZE
    rows = (rng.randrange(TILE_SIZE) + np.arange(height) * step_y).astype(np.intp) % TILE_SIZE
    return np.asarray(noise_tile()[rows[:, None], columns[None, :]], np.float32)


def plane_texture(
    rng: random.Random, width: int, height: int, *, grain: float, stretch: float = 1.0, tilt: float = 0.12
) -> Tones:
    """The tile laid on a level plane that recedes towards the top row; ``stretch`` draws it out sideways."""
    depth = 1.0 / (np.linspace(0.0, 1.0, height, dtype=np.float32) + np.float32(tilt))
    rows = (depth * TILE_SIZE * 0.35 * grain + rng.randrange(TILE_SIZE)).astype(np.intp) % TILE_SIZE
    across = (np.arange(width, dtype=np.float32) - width / 2) / width * TILE_SIZE * 0.35 * grain / stretch
    columns = (across[None, :] * depth[:, None] + rng.randrange(TILE_SIZE)).astype(np.intp) % TILE_SIZE
    return np.asarray(noise_tile()[rows[:, None], columns], np.float32)


def skyline(rng: random.Random, length: int, roughness: float) -> Tones:
    """Heights 0..1 along a ridge, by halving: rough ones look like rock, smooth ones like hills."""
    points = [rng.random(), rng.random(), rng.random()]
    spread = 0.5
    while len(points) < min(length, 260):
        spread *= roughness
        middles = [(a + b) / 2 + rng.uniform(-spread, spread) for a, b in pairwise(points)]
        points = [p for pair in zip(points, middles, strict=False) for p in pair] + [points[-1]]
    line = np.interp(np.linspace(0, len(points) - 1, length), np.arange(len(points)), points)
    return np.asarray((line - line.min()) / max(float(np.ptp(line)), 1e-6), np.float32)
