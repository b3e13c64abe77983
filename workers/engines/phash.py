"""Perceptual hashes, many at a time, equal to ``imagehash.phash`` bit for bit.

A pHash says of each of the 64 lowest frequencies of a picture whether it is stronger than their median.
Pictures that differ by size, compression or a little colour keep nearly all of those bits.
"""

from __future__ import annotations

import numpy as np
import scipy.fftpack
from numpy.typing import NDArray
from PIL import Image

REDUCED_SIDE = 32
HASH_SIDE = 8
HASH_BITS = HASH_SIDE * HASH_SIDE

MIN_SET_BITS = 9
"""A picture with varied content has half of its bits set. In a flat one every frequency but the mean is
zero, and so is the median: one bit at most is set. One that varies along a single axis has up to eight.
All such pictures look the same to a pHash, whatever they show."""


_LUMA_WEIGHTS = np.array([19595, 38470, 7471], np.uint32)
_HALF = np.uint32(0x8000)


def reduce_for_phash(image: Image.Image) -> NDArray[np.uint8]:
    """The 32 x 32 grey levels that the hash is made from, by the steps that imagehash takes."""
    grey = image.convert("L")
    if grey.size != (REDUCED_SIDE, REDUCED_SIDE):
        grey = grey.resize((REDUCED_SIDE, REDUCED_SIDE), Image.Resampling.LANCZOS)
    return np.frombuffer(grey.tobytes(), np.uint8)


def reduce_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same from decoded grey or RGB pixels; those of the right size already need no image object at
    all."""
    if pixels.shape[:2] != (REDUCED_SIDE, REDUCED_SIDE):
        return reduce_for_phash(Image.fromarray(pixels))
    if pixels.ndim == 2:
        return pixels.ravel()
    # Pillow's integer arithmetic for ITU-R 601 luma, rounding included.
    luma = (pixels.reshape(-1, 3).astype(np.uint32) @ _LUMA_WEIGHTS + _HALF) >> 16
    return luma.astype(np.uint8)


def hash_reduced(reduced: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hashes of ``n`` reduced images, given as ``n`` rows of 1,024 grey levels."""
    if not len(reduced):
        return np.empty(0, np.uint64)
    pixels = reduced.reshape(-1, REDUCED_SIDE, REDUCED_SIDE)
    # The second transform runs along rows, one by one, so the rows that are dropped need no transform at all.
    columns = scipy.fftpack.dct(pixels, axis=1)[:, :HASH_SIDE, :]
    low = scipy.fftpack.dct(columns, axis=2)[:, :, :HASH_SIDE].reshape(-1, HASH_BITS)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def is_degenerate(phashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which hashes come from pictures without content enough to tell them apart."""
    return np.bitwise_count(phashes) < MIN_SET_BITS
