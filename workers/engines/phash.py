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

FORMS = 8
"""A picture can be mirrored or not, and then turned by quarters."""

_ALTERNATING = 1.0 - 2.0 * (np.arange(HASH_SIDE) % 2)


def reduce_for_phash(image: Image.Image) -> NDArray[np.uint8]:
    """The 32 x 32 grey levels that the hash is made from, by the steps that imagehash takes."""
    grey = image.convert("L")
    if grey.size != (REDUCED_SIDE, REDUCED_SIDE):
        grey = grey.resize((REDUCED_SIDE, REDUCED_SIDE), Image.Resampling.LANCZOS)
    return np.frombuffer(grey.tobytes(), np.uint8)


def hash_reduced(reduced: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hashes of ``n`` reduced images, given as ``n`` rows of 1,024 grey levels."""
    low = _low_frequencies(reduced)
    return _pack(_above_median(low))


def hash_forms(reduced: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hashes of ``n`` reduced images in all mirrored and turned forms, shape (n, 8).

    Form ``flip * 4 + turns`` is that of ``numpy.rot90(numpy.fliplr(x) if flip else x, k=turns)``: mirrored left to
    right or not, then turned counter-clockwise. Form 0 is ``hash_reduced``.

    Mirroring a picture changes the sign of every other frequency along that axis, and transposing it transposes
    its frequencies, so one transform serves all forms.
    """
    low = _low_frequencies(reduced)
    across, down = _ALTERNATING, _ALTERNATING[:, np.newaxis]
    same, mirrored, upset, turned = (_above_median(low * signs) for signs in (1.0, across, down, across * down))
    # A quarter turn is mirroring left to right, then transposing.
    upright, transposed = (same, turned, mirrored, upset), (mirrored, upset, same, turned)
    forms = np.empty((len(low), FORMS), np.uint64)
    for form, bits in zip((0, 2, 4, 6), upright, strict=True):
        forms[:, form] = _pack(bits)
    for form, bits in zip((1, 3, 5, 7), transposed, strict=True):
        forms[:, form] = _pack(bits.transpose(0, 2, 1))
    return forms


def _low_frequencies(reduced: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Shape (n, 8, 8): rows are vertical frequencies, columns horizontal ones."""
    if not len(reduced):
        return np.empty((0, HASH_SIDE, HASH_SIDE))
    pixels = reduced.reshape(-1, REDUCED_SIDE, REDUCED_SIDE)
    # The second transform runs along rows, one by one, so the rows that are dropped need no transform at all.
    columns = scipy.fftpack.dct(pixels, axis=1)[:, :HASH_SIDE, :]
    low: NDArray[np.float64] = scipy.fftpack.dct(columns, axis=2)[:, :, :HASH_SIDE]
    return low


def _above_median(low: NDArray[np.float64]) -> NDArray[np.bool_]:
    middle = np.partition(low.reshape(-1, HASH_BITS), (HASH_BITS // 2 - 1, HASH_BITS // 2), axis=1)
    median = middle[:, HASH_BITS // 2 - 1 : HASH_BITS // 2 + 1].mean(axis=1)
    above: NDArray[np.bool_] = low > median[:, np.newaxis, np.newaxis]
    return above


def _pack(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    return np.packbits(bits.reshape(-1, HASH_BITS), axis=1).view(">u8").ravel().astype(np.uint64)


def is_degenerate(phashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which hashes come from pictures without content enough to tell them apart."""
    return np.bitwise_count(phashes) < MIN_SET_BITS
