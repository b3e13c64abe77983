"""What a camera adds to a drawn scene: contrast, a colour cast, vignette and film grain."""

from __future__ import annotations

import random
from functools import lru_cache

import numpy as np
from PIL import Image

from app.demo.noise import Tones


@lru_cache(maxsize=8)
def _vignette(width: int, height: int) -> Tones:
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] ** 2
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
    return np.asarray((x + y) ** 2, np.float32)[:, :, None]


@lru_cache(maxsize=1)
def _grain() -> Tones:
    rng = np.random.default_rng(35)
    return np.asarray(rng.standard_normal((768, 768, 1), np.float32))


def photograph(image: Image.Image, rng: random.Random) -> Image.Image:
    """The scene as a camera would have kept it."""
    contrast, lift, warmth = rng.uniform(0.98, 1.16), rng.uniform(-6, 8), rng.uniform(-5, 7)
    curve = [(value - 128) * contrast + 128 + lift for value in range(256)]
    cast = [_byte(value + shift) for shift in (warmth, warmth * 0.2, -warmth) for value in curve]
    pixels = np.asarray(image.point(cast), np.float32)
    height, width = pixels.shape[:2]
    x, y = rng.randrange(768 - width), rng.randrange(768 - height)
    pixels = pixels * (1 - np.float32(rng.uniform(0.03, 0.11)) * _vignette(width, height))
    pixels += _grain()[y : y + height, x : x + width] * np.float32(rng.uniform(1.6, 4.2))
    np.clip(pixels, 0, 255, out=pixels)
    return Image.fromarray(pixels.astype(np.uint8), "RGB")


def _byte(value: float) -> int:
    return max(0, min(255, round(value)))
