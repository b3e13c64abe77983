"""The pictures of a version's report, slides and gallery, made from the dataset as it lies there today."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.adapters.thumbnails import SIZES
from app.adapters.thumbnails import Pictures as PictureCache
from app.domain.errors import InvalidFile, NotFound
from app.domain.sources import ImagePlace
from app.settings import Settings

_QUALITIES = (84, 70, 55, 40)
_BYTES_PER_PIXEL = 0.35
"""A noisy picture is encoded harder until it is no larger than this: 2,000 of them must fit on a page."""


class VersionPictures:
    """Pictures of a project's samples by key, from the cache that the web pages use too.

    Files of strangers are decoded in child processes by the cache; what comes back is Winnow's own JPEG or PNG. Tiny
    images are enlarged by whole steps, so that each of their pixels stays a sharp square in whatever shows them.
    """

    def __init__(self, cache: PictureCache, find: Callable[[str], ImagePlace | None]) -> None:
        self._cache, self._find = cache, find

    def jpeg(self, key: str, side: int) -> bytes | None:
        """One sample's picture of at most ``side`` pixels a side; None where it is gone or no image any more."""
        size = "thumb" if side <= SIZES["thumb"] else "full"
        place = self._find(key)
        if place is None:
            return None
        try:
            picture = self._cache.picture(place, size)
        except (NotFound, InvalidFile):
            return None
        return _fit(picture.data, side)


@contextmanager
def picture_cache(settings: Settings) -> Iterator[PictureCache]:
    """The cache that the web pages use too; its child processes end with the block."""
    folder = settings.folder("pictures")
    cache = PictureCache(folder, processes=1, max_pixels=settings.max_pixels)
    try:
        yield cache
    finally:
        cache.close()


def _fit(data: bytes, side: int) -> bytes:
    from PIL import Image  # loads only where pictures are made

    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        shown = image.convert("RGB")
    times = side // max(shown.size)
    if times >= 2:
        shown = shown.resize((shown.width * times, shown.height * times), Image.Resampling.NEAREST)
    else:
        shown.thumbnail((side, side), Image.Resampling.LANCZOS)
    for quality in _QUALITIES:
        out = io.BytesIO()
        shown.save(out, "JPEG", quality=quality)
        if out.tell() <= _BYTES_PER_PIXEL * side * side:
            break
    return out.getvalue()
