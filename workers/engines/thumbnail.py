"""The small copies of a picture that hashes and comparisons are made from.

All are made by averaging areas of the decoded picture, so that they hardly change with its size or compression; a
picture of fewer than 64 pixels a side has its pixels repeated.
Many pictures are treated at once where one call of Pillow can do it: for tiny photos the calls cost more than
the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.engines import area_average
from workers.engines.phash import REDUCED_SIDE, reduce_for_phash

Pixels = NDArray[np.uint8]

THUMBNAIL_SIDE = 64
CHROMA_SIDE = 8

_REPEAT = THUMBNAIL_SIDE // REDUCED_SIDE
_WIDE_MODES = ("I", "F")


@dataclass(frozen=True, slots=True)
class SmallCopies:
    """``n`` pictures reduced: ``greys`` (n, 32, 32) for the pHash, ``thumbnails`` (n, 64, 64) grey, ``chromas``
    (n, 2, 8, 8) Cb and Cr. All uint8."""

    greys: Pixels
    thumbnails: Pixels
    chromas: Pixels


@dataclass(frozen=True, slots=True)
class OneReduced:
    """One picture reduced: 32 x 32 grey levels as one row, where they are not to be made from the thumbnail, a (64, 64)
    thumbnail, and (8, 8, 3) means of RGB."""

    grey: Pixels | None
    thumbnail: Pixels
    means: Pixels


Reduced = OneReduced | Pixels


def reduce_picture(picture: Image.Image | Pixels, *, is_full: bool = True) -> Reduced:
    """First step, picture by picture, so that the full one can be let go.

    Takes an upright image of any mode, or pixels as ``(height, width)`` grey or ``(height, width, 3)`` RGB.
    Tiny RGB pixels are left for ``reduce_together``. A picture that was decoded at its full size gets the very pHash
    that imagehash gives it; for another one the thumbnail serves, which is as close. Raises what Pillow raises for
    modes that it cannot convert.
    """
    if not isinstance(picture, Image.Image):
        if picture.shape == (REDUCED_SIDE, REDUCED_SIDE, 3):
            return picture
        if not is_full:
            return _reduce_large(picture)
        picture = Image.fromarray(picture)
    if not is_full:
        return _reduce_large(_array(picture if picture.mode == "L" else picture.convert("RGB")))
    grey = picture if picture.mode == "L" else picture.convert("L")
    # Wide modes have no colour, and Pillow has no way from them to RGB.
    is_grey = picture.mode == "L" or picture.mode.startswith(_WIDE_MODES)
    colour = grey if is_grey else picture.convert("RGB")
    if min(picture.size) < area_average.SIDE:
        reduced, means = _box(grey, THUMBNAIL_SIDE), _array(_box(colour, CHROMA_SIDE).convert("RGB"))
        return OneReduced(reduce_for_phash(grey), _array(reduced), means)
    return replace(_reduce_large(_array(colour)), grey=reduce_for_phash(grey))


def _box(image: Image.Image, side: int) -> Image.Image:
    return image.resize((side, side), Image.Resampling.BOX)


def _reduce_large(pixels: Pixels) -> OneReduced:
    rgb = pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis].repeat(3, axis=2)
    thumbnail, means = area_average.average_areas(rgb)
    return OneReduced(None, thumbnail, means)


def _array(image: Image.Image) -> Pixels:
    shape = (image.height, image.width) if image.mode == "L" else (image.height, image.width, 3)
    return np.frombuffer(image.tobytes(), np.uint8).reshape(shape)


def reduce_together(reduced: Sequence[Reduced]) -> SmallCopies:
    """Second step, for all pictures of a chunk at once and in their order."""
    n = len(reduced)
    greys = np.empty((n, REDUCED_SIDE, REDUCED_SIDE), np.uint8)
    thumbnails = np.empty((n, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    means = np.empty((n, CHROMA_SIDE, CHROMA_SIDE, 3), np.uint8)
    tiny = [(i, one) for i, one in enumerate(reduced) if not isinstance(one, OneReduced)]
    if tiny:
        rows = [i for i, _ in tiny]
        pixels = np.stack([one for _, one in tiny])
        greys[rows] = _luma(pixels)
        thumbnails[rows] = greys[rows].repeat(_REPEAT, axis=1).repeat(_REPEAT, axis=2)
        means[rows] = _tiny_means(pixels)
    for i, one in enumerate(reduced):
        if isinstance(one, OneReduced):
            thumbnails[i], means[i] = one.thumbnail, one.means
            if one.grey is not None:
                greys[i] = one.grey.reshape(REDUCED_SIDE, REDUCED_SIDE)
    halved = [i for i, one in enumerate(reduced) if isinstance(one, OneReduced) and one.grey is None]
    greys[halved] = _halve(thumbnails[halved])
    return SmallCopies(greys, thumbnails, _chromas(means))


def _halve(thumbnails: Pixels) -> Pixels:
    """The 32 x 32 grey levels that Pillow's LANCZOS makes of each, rounded where it rounds."""
    across = np.rint(thumbnails.astype(np.float32) @ _lanczos_weights().T).clip(0, 255)
    halved: Pixels = np.rint(_lanczos_weights() @ across).clip(0, 255).astype(np.uint8)
    return halved


@cache
def _lanczos_weights() -> NDArray[np.float32]:
    """Shares of 64 pixels in each of 32: a sinc windowed by a wider one, three outputs to each side."""
    scale = THUMBNAIL_SIDE / REDUCED_SIDE
    centres = (np.arange(REDUCED_SIDE)[:, np.newaxis] + 0.5) * scale
    distances = (np.arange(THUMBNAIL_SIDE) + 0.5 - centres) / scale
    weights = np.where(np.abs(distances) < 3, np.sinc(distances) * np.sinc(distances / 3), 0)
    shares: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def _luma(pixels: Pixels) -> Pixels:
    """One conversion of one tall image, for the rounding to be Pillow's own."""
    return _array(Image.fromarray(pixels.reshape(-1, REDUCED_SIDE, 3)).convert("L")).reshape(pixels.shape[:3])


def _tiny_means(pixels: Pixels) -> Pixels:
    """Means of 4 x 4 pixels, of one tall image too: no area reaches from one picture into the next."""
    tall = Image.fromarray(pixels.reshape(-1, REDUCED_SIDE, 3))
    # In two steps, because Pillow takes the other axis first where an image is very tall, and rounds after each.
    narrow = tall.resize((CHROMA_SIDE, tall.height), Image.Resampling.BOX)
    means = narrow.resize((CHROMA_SIDE, len(pixels) * CHROMA_SIDE), Image.Resampling.BOX)
    return _array(means).reshape(-1, CHROMA_SIDE, CHROMA_SIDE, 3)


def _chromas(means: Pixels) -> Pixels:
    if not len(means):
        return np.empty((0, 2, CHROMA_SIDE, CHROMA_SIDE), np.uint8)
    tall = Image.fromarray(means.reshape(-1, CHROMA_SIDE, 3)).convert("YCbCr")
    values = _array(tall).reshape(-1, CHROMA_SIDE, CHROMA_SIDE, 3)
    return np.ascontiguousarray(np.moveaxis(values[..., 1:], 3, 1))
