"""Digests of what pictures show, whatever file format or mode they are kept in.

Two files with the same pixels have the same digest, so it finds copies that were only saved again. It needs the
picture at its full size, which costs more than all the rest of a fingerprint.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WIDE_MODES = {"I": "<i4", "I;16": "<i4", "I;16B": "<i4", "I;16L": "<i4", "I;16N": "<i4", "F": "<f4"}
"""Modes with more than 8 bits a channel, and the type that holds their values on every machine."""


def pixel_md5(image: Image.Image) -> str:
    """Hexadecimal MD5 of the size and the values of an upright image.

    The values are RGB, so a grey or palette image equals its RGB copy. Transparency that shows and values
    beyond 8 bits belong to the picture: there the digest covers them too, rather than calling different
    images identical.
    """
    mode, values = _normalised(image)
    return _digest(mode, image.size, values)


def pixel_md5_of_array(pixels: NDArray[np.uint8]) -> str:
    """The same of decoded pixels, ``(height, width)`` grey or ``(height, width, 3)`` RGB."""
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    return _digest("RGB", (pixels.shape[1], pixels.shape[0]), np.ascontiguousarray(rgb).data)


def _digest(mode: str, size: tuple[int, int], values: bytes | memoryview) -> str:
    digest = hashlib.md5(f"{mode} {size[0]}x{size[1]}\n".encode(), usedforsecurity=False)
    digest.update(values)
    return digest.hexdigest()


def _normalised(image: Image.Image) -> tuple[str, bytes]:
    if kind := _WIDE_MODES.get(image.mode):
        return kind, np.asarray(image).astype(kind).tobytes()
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        if rgba.getchannel("A").getextrema() != (255, 255):
            return "RGBA", rgba.tobytes()
        image = rgba
    return "RGB", (image if image.mode == "RGB" else image.convert("RGB")).tobytes()
