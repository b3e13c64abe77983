"""How large and how sharp an image is, for choosing which of several copies to keep."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from app.adapters.datasets.image_bytes import FileStamp, open_place, read_place, stamp_of
from app.adapters.thumbnails import Pictures
from app.domain.errors import WinnowError
from app.domain.sources import ImagePlace


@dataclass(frozen=True)
class Measures:
    """Width and height in pixels, file size in bytes, and sharpness; zeros where the file could not be read."""

    width: int = 0
    height: int = 0
    bytes: int = 0
    sharpness: float = 0.0


def measure(pictures: Pictures, place: ImagePlace) -> Measures:
    """Measure one image. The pixels come from its thumbnail, which was decoded in a child process.

    Sharpness is the variance of the Laplacian (Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy,
    ICPR 2000) at the thumbnail's size, so that copies of different sizes can be compared.
    """
    try:
        with open_place(place) as stream:
            stamp = stamp_of(stream)
            whole = place.locator is None
            data = b"" if whole else read_place(place, stream)
            size, length = _size_of(stream if whole else io.BytesIO(data)), stamp.size if whole else len(data)
        return _measured(pictures, place, size, length, stamp)
    except (WinnowError, OSError):
        return Measures()


def _size_of(stream: BinaryIO) -> tuple[int, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a bomb is refused by who decodes it; here only its header is read
        try:
            with Image.open(stream) as image:
                return image.size
        except (UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError):
            return 0, 0


@lru_cache(maxsize=20_000)
def _measured(pictures: Pictures, place: ImagePlace, size: tuple[int, int], length: int, _stamp: FileStamp) -> Measures:
    data = pictures.picture(place, "thumb").data
    with Image.open(io.BytesIO(data)) as image:
        grey = np.asarray(image.convert("L"), dtype=np.float32)
    return Measures(*size, length, _variance_of_laplacian(grey))


def _variance_of_laplacian(grey: np.ndarray[Any, np.dtype[np.float32]]) -> float:
    if min(grey.shape) < 3:
        return 0.0
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var())
