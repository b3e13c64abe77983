"""Decoding of plain JPEG files with libjpeg-turbo's own interface, in a third of the time that Pillow takes.

Only files on which it is known to give Pillow's very pixels are taken: one or three components, no EXIF or
XMP that could ask for a rotation, not a warning from the decoder. Everything else is left to Pillow, which
then also says what is wrong. Both come with a copy of the same library; should they ever disagree on this
machine, this path stays off.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from workers.engines.decoding import MAX_PIXELS

_START_OF_SCAN = 0xDA
_FRAME_HEADERS = frozenset({0xC0, 0xC1, 0xC2})
_HARMLESS = frozenset({0xC4, 0xDB, 0xDD, 0xE0, 0xED, 0xEE, 0xFE})
"""Huffman and quantisation tables, restart interval, comment, the headers of JFIF, Photoshop and Adobe:
none of them turns the picture, and both decoders take the colour space from the last one alike."""

_PROFILE_SEGMENT = 0xE2

_PILLOW_WARNS_ABOVE = 89_000_000


def decode_plain_jpeg(data: bytes) -> NDArray[np.uint8] | None:
    """Pixels as ``(height, width)`` grey or ``(height, width, 3)`` RGB; ``None`` where Pillow has to
    judge."""
    components = _plain_components(data)
    if not components or not agrees_with_pillow():
        return None
    return _decode(data, components)


def _decode(data: bytes, components: int) -> NDArray[np.uint8] | None:
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "GRAY" if components == 1 else "RGB")
    except (ValueError, MemoryError):
        return None
    return pixels[:, :, 0] if components == 1 else pixels


def _plain_components(data: bytes) -> int:
    """1 or 3 when the header holds nothing but plain segments, else 0."""
    if data[:2] != b"\xff\xd8":
        return 0
    position, components = 2, 0
    while position + 10 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == _START_OF_SCAN:
            return components
        if marker in _FRAME_HEADERS:
            components = _frame_components(data[position : position + 10])
        elif marker not in _HARMLESS and not _is_colour_profile(marker, data[position + 4 : position + 15]):
            return 0
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return 0


def _is_colour_profile(marker: int, content: bytes) -> bool:
    """The same segment can announce several pictures in one file instead."""
    return marker == _PROFILE_SEGMENT and content == b"ICC_PROFILE"


def _frame_components(frame: bytes) -> int:
    height, width = int.from_bytes(frame[5:7], "big"), int.from_bytes(frame[7:9], "big")
    is_plain = frame[4] == 8 and frame[9] in (1, 3) and 0 < height * width < min(MAX_PIXELS, _PILLOW_WARNS_ABOVE)
    return frame[9] if is_plain else 0


@cache
def agrees_with_pillow() -> bool:
    """Whether the two copies of libjpeg-turbo give equal pixels for a noisy picture, at each chroma
    subsampling."""
    noise = np.random.default_rng(0).integers(0, 256, (45, 51, 3), dtype=np.uint8)
    return all(_agree_on(noise, subsampling) for subsampling in (0, 1, 2))


def _agree_on(pixels: NDArray[np.uint8], subsampling: int) -> bool:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", subsampling=subsampling)
    decoded = _decode(stream.getvalue(), 3)
    return decoded is not None and np.array_equal(decoded, np.asarray(Image.open(stream)))
