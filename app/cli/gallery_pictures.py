"""Small pictures for the gallery of ``winnow tag``, read from a folder of images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.adapters.datasets.folder import normalise_key, open_image
from app.domain.errors import InvalidFile, NotFound
from app.domain.formats.review_gallery import Thumbnail

LONGEST_SIDE = 192
"""In pixels; a page of 2,000 photos stays near 20 MB."""

_MAX_PIXELS = 100_000_000


def pictures_below(folder: Path, report: Callable[[int], None]) -> Thumbnail:
    """Make pictures of the images below ``folder``. ``report`` hears how many were asked for."""
    from app.adapters.thumbnails import render  # Pillow loads only where pictures are made

    asked = 0

    def picture(name: str) -> bytes | str:
        nonlocal asked
        asked += 1
        report(asked)
        data = _read(folder, name)
        made = data if isinstance(data, str) else render(data, LONGEST_SIDE, _MAX_PIXELS)
        return f"The file {made}" if isinstance(made, str) and not isinstance(data, str) else made

    return picture


def _read(folder: Path, name: str) -> bytes | str:
    key = normalise_key(name, folder)
    if key is None:
        return "The path leads outside the image folder."
    try:
        with open_image(folder, key) as stream:
            return stream.read() or "The file is empty (0 bytes)."
    except NotFound:
        return "There is no such file below the image folder."
    except InvalidFile as error:
        return error.message
