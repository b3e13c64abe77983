"""Pictures for the browser: always decoded and written anew, never a dataset's own bytes.

Decoding runs in child processes with a memory limit: a file that kills its decoder costs one request an error, and
the server nothing.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import io
import multiprocessing
import os
import resource
import signal
import struct
import threading
import warnings
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from app.adapters.datasets.image_bytes import open_place, read_place, stamp_of
from app.adapters.files import write_atomically
from app.domain.errors import InvalidFile
from app.domain.sources import Box, ImagePlace

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
SIZES = {"thumb": 256, "full": 2048}
"""Longest side in pixels of each size that is served. Smaller images stay as they are."""

_TIMEOUT = 20
_MEMORY = 2 << 30
_TINY = 256
"""Images up to this many pixels a side go out as PNG, so that every pixel arrives as it is."""


@dataclass(frozen=True)
class Picture:
    """What is sent: the bytes, their type, and the size of the image in the dataset."""

    data: bytes
    media_type: str
    etag: str


class Pictures:
    """Makes pictures and keeps them in a cache folder, keyed by the file's size and time."""

    def __init__(self, cache: Path, *, processes: int, max_pixels: int) -> None:
        self._cache, self._processes, self._max_pixels = cache, processes, max_pixels
        self._pool: concurrent.futures.ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def picture(self, place: ImagePlace, size: str) -> Picture:
        """One image at one of ``SIZES``. An object's thumbnail shows the object, its picture the whole image.

        Raises:
            NotFound: the file is missing.
            InvalidFile: the file is no image that can be decoded; says why.
        """
        with open_place(place) as stream:
            name = _name_of(place, stream, size)
            cached = self._find(name)
            if cached is not None:
                return cached
            data = read_place(place, stream)
        made = self._render(place, data, size)
        path = self._path(name)
        write_atomically(path, lambda out: out.write(made))
        return _as_picture(made, name)

    def find_made(self, place: ImagePlace, size: str) -> Picture | None:
        """As ``picture``, where it was made before; None where it has to be made."""
        with open_place(place) as stream:
            return self._find(_name_of(place, stream, size))

    def _path(self, name: str) -> Path:
        return self._cache / name[:2] / name

    def _find(self, name: str) -> Picture | None:
        try:
            return _as_picture(self._path(name).read_bytes(), name)
        except FileNotFoundError:
            return None

    def _render(self, place: ImagePlace, data: bytes, size: str) -> bytes:
        key, box = place.key, place.box if size == "thumb" else None
        try:
            work = self._executor().submit(render, data, SIZES[size], self._max_pixels, box)
            result = work.result(timeout=_TIMEOUT)
        except concurrent.futures.CancelledError:
            raise InvalidFile(f"{key} was waiting behind an image that could not be decoded. Load it again.") from None
        except BrokenProcessPool:
            self._drop_pool()
            raise InvalidFile(f"{key} made the image decoder crash.") from None
        except concurrent.futures.TimeoutError:
            self._drop_pool()
            raise InvalidFile(f"{key} took longer than {_TIMEOUT} seconds to decode.") from None
        if isinstance(result, str):
            raise InvalidFile(f"{key} {result}")
        return result

    def _executor(self) -> concurrent.futures.ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = concurrent.futures.ProcessPoolExecutor(
                    self._processes,
                    multiprocessing.get_context("forkserver"),
                    initializer=_limit_child,
                    initargs=(self._max_pixels,),
                )
            return self._pool

    def _drop_pool(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            # A child that is stuck in a decoder does not hear that it should end.
            for child in list((pool._processes or {}).values()):
                child.kill()
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        self._drop_pool()


def _name_of(place: ImagePlace, stream: BinaryIO, size: str) -> str:
    part = f"\0{place.locator}\0{place.box}" if place.locator else ""
    return hashlib.sha256(f"{place.root}\0{place.file}\0{stamp_of(stream)}\0{size}{part}".encode()).hexdigest()


def _as_picture(data: bytes, name: str) -> Picture:
    media_type = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    return Picture(data, media_type, f'"{name[:32]}"')


def _limit_child(max_pixels: int) -> None:
    """Ctrl-C is the parent's business; memory has an end, and so has the size that Pillow lets through."""
    Image.MAX_IMAGE_PIXELS = max_pixels
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A server that was killed cannot end its children, and they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def render(data: bytes, longest: int, max_pixels: int, box: Box | None = None) -> bytes | str:
    """Decode ``data`` and encode it anew with its longer side at most ``longest``; a string says what is wrong.

    With ``box`` only that part is shown, with some of what is around it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > max_pixels:
                    return _too_large(max_pixels)
                return _encode(image, longest, box)
    except UnidentifiedImageError:
        return "is not an image that Winnow reads (JPEG, PNG, WebP, BMP, GIF, TIFF)."
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return _too_large(max_pixels)
    except MemoryError:
        return "needs more memory to decode than is allowed."
    except (OSError, ValueError, SyntaxError, IndexError, TypeError, EOFError, struct.error) as error:
        return f"is damaged: {error}."


def _too_large(max_pixels: int) -> str:
    return f"has more than {max_pixels:,} pixels and is not decoded."


def _encode(image: Image.Image, longest: int, box: Box | None) -> bytes:
    if box is None:
        image.draft("RGB", (longest, longest))
    # Boxes are measured on the pixels as they are stored, which is what detection libraries read.
    upright = ImageOps.exif_transpose(image) if box is None else image.crop(_around(box, image.size))
    if upright.mode not in ("RGB", "L"):
        upright = _flatten(upright)
    tiny = max(upright.size) <= min(_TINY, longest)
    if not tiny:
        upright.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=3.0)
    out = io.BytesIO()
    if tiny and max(upright.size) <= 128:
        upright.save(out, "PNG")
    else:
        upright.convert("RGB").save(out, "JPEG", quality=90 if longest > 512 else 84)
    return out.getvalue()


_MARGIN = 0.1
"""Share of an object's sides that is shown around it."""


def _around(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels to cut out: the box with a margin, at least one pixel, inside the image."""
    across, down = max(box.width * _MARGIN, 2.0), max(box.height * _MARGIN, 2.0)
    left, top = max(0, int(box.x - across)), max(0, int(box.y - down))
    right, bottom = min(size[0], int(box.x + box.width + across) + 1), min(size[1], int(box.y + box.height + down) + 1)
    return min(left, size[0] - 1), min(top, size[1] - 1), max(right, left + 1), max(bottom, top + 1)


def _flatten(image: Image.Image) -> Image.Image:
    """Show transparency on neutral grey, and 16-bit values scaled down to 8."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        low, high = (float(value) for value in image.getextrema())  # type: ignore[arg-type]
        scale = 255.0 / (high - low) if high > low else 0.0
        return image.convert("F").point(lambda value: (value - low) * scale).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (128, 128, 128, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


@cache
def crossed_out() -> bytes:
    """A neutral picture for a file of which none can be made."""
    side = 128
    image = Image.new("RGB", (side, side), (128, 128, 128))
    draw = ImageDraw.Draw(image)
    for line in ((40, 40, 88, 88), (88, 40, 40, 88)):
        draw.line(line, fill=(200, 200, 200), width=5)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
