"""What detectors measure on an image: its perceptual hash, which sets scenes apart, and its sharpness."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image


@lru_cache(maxsize=1)
def _cosines() -> npt.NDArray[np.float64]:
    rows, columns = np.arange(8)[:, None], np.arange(32)[None, :]
    return np.asarray(np.cos(np.pi * rows * (2 * columns + 1) / 64))


def _low_waves(image: Image.Image) -> npt.NDArray[np.float64]:
    small = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    return np.asarray(_cosines() @ np.asarray(small, np.float64) @ _cosines().T)


def _bits(waves: npt.NDArray[np.float64]) -> int:
    return int.from_bytes(np.packbits(waves > np.median(waves)).tobytes(), "big")


def perceptual_hash(image: Image.Image) -> int:
    """The usual 64-bit pHash: which of the 8x8 lowest frequencies of the 32x32 image exceed their median."""
    return _bits(_low_waves(image))


def hash_both_ways(image: Image.Image) -> tuple[int, int]:
    """The hash of an image and of its mirror image, in which every other wave runs the other way."""
    waves = _low_waves(image)
    return _bits(waves), _bits(waves * np.array([1, -1] * 4))


def distance(first: int, second: int) -> int:
    """Bits in which two hashes differ."""
    return (first ^ second).bit_count()


def sharpness(image: Image.Image) -> float:
    """Variance of the Laplacian of the grey image: small where nothing has an edge."""
    grey = np.asarray(image.convert("L"), np.int16)
    inner = grey[1:-1, 1:-1] * 4
    edges = inner - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(edges.var(dtype=np.float32))
