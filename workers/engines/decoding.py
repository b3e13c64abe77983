"""Reading one image file, or saying by name why it cannot be read.

Everything that opens a picture of the dataset goes through here, so that one list of formats, one size limit
and one vocabulary of problems hold for fingerprints, embeddings and reports alike. Files come from strangers:
each is taken to be cut off, mislabelled, enormous or hostile until it has been decoded in full.
"""

from __future__ import annotations

import errno
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from app.adapters.datasets.folder import open_image
from app.adapters.datasets.image_bytes import read_part
from app.domain.errors import InvalidFile, NotFound
from app.domain.sources import ImagePlace, Locator, parse_locator

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Pillow's other decoders are never tried: each is one more way in for a hostile file."""

MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 512 * 1024 * 1024

MIN_REDUCED_SIDE = 92
"""Pixels that the shorter side keeps when a JPEG file is decoded at a fraction of its size. Of 500 ImageNet photos, the
pHash of 0.6 % is then more than two bits off, and of none more than four; at 64 it is 4 %, and up to eight bits."""


class ImageStatus(StrEnum):
    """``ok``, or the name of what is wrong with the file."""

    OK = "ok"
    MISSING = "missing"
    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    DECODER_CRASHED = "decoder_crashed"


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image to look at: ``key`` names it in results, ``path`` is where its bytes are.

    ``part`` says which of the file's bytes they are, where they are not all of them.
    """

    key: str
    path: Path
    part: Locator | None = None


def ref_of(place: ImagePlace) -> ImageRef:
    """The image of a sample of a project."""
    part = None if place.locator is None else parse_locator(place.locator)
    return ImageRef(place.key, place.root / place.file, part if part and part.part != "file" else None)


@dataclass(frozen=True, slots=True)
class ImageProblem:
    """An image that could not be read, for the list that goes with a report."""

    key: str
    status: ImageStatus
    message: str


class ImageError(Exception):
    """One image cannot be used. Always caught here in the engines: one bad file never ends a run."""

    def __init__(self, status: ImageStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        # Messages may quote file content or names that are no valid Unicode; reports must still be writable.
        self.message = message.encode("utf-8", "backslashreplace").decode()


CRASHED = ImageError(ImageStatus.DECODER_CRASHED, "the decoder crashed or used up its time on this file")


def read_image(ref: ImageRef) -> bytes:
    """The image's bytes. Never waits on a pipe or device, and never reads without bound."""
    if ref.part is None:
        return read_file(ref.path)
    try:
        with open_image(ref.path.parent, ref.path.name) as stream:
            return read_part(stream, ref.part, ref.key)
    except NotFound as error:
        raise ImageError(ImageStatus.MISSING, "no such file") from error
    except InvalidFile as error:
        raise ImageError(ImageStatus.UNREADABLE, error.message) from error


def read_file(path: Path) -> bytes:
    """The file's bytes. Never waits on a pipe or device, and never reads without bound."""
    try:
        # Without O_NONBLOCK, opening a FIFO waits for a writer that may never come.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise _explain_open_error(error) from error
    try:
        return _read_regular_file(descriptor)
    except OSError as error:
        raise ImageError(ImageStatus.UNREADABLE, f"reading failed: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _read_regular_file(descriptor: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ImageError(ImageStatus.UNREADABLE, "not a regular file")
    if status.st_size > MAX_FILE_BYTES:
        raise ImageError(ImageStatus.TOO_LARGE, f"the file has {status.st_size} bytes, over {MAX_FILE_BYTES}")
    data = os.read(descriptor, status.st_size + 1)
    # One call is enough on local disks; network file systems may hand out less.
    while len(data) < status.st_size and (more := os.read(descriptor, status.st_size - len(data))):
        data += more
    if not data:
        raise ImageError(ImageStatus.EMPTY, "the file has no bytes")
    return data


def _explain_open_error(error: OSError | ValueError) -> ImageError:
    if isinstance(error, ValueError):
        return ImageError(ImageStatus.UNREADABLE, f"not a usable path: {error}")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ImageError(ImageStatus.MISSING, "no such file")
    return ImageError(ImageStatus.UNREADABLE, f"cannot be opened: {error.strerror}")


@contextmanager
def decoded(data: bytes) -> Iterator[Image.Image]:
    """The first frame, decoded in full and turned as its EXIF orientation says; whatever fails is an
    ``ImageError``.

    The body of the ``with`` counts as decoding too: conversions of odd modes fail in the same ways.
    """
    with _opened(data) as image:
        image.load()
        yield upright(image)


@dataclass(frozen=True, slots=True)
class Reduced:
    """An upright picture decoded at a fraction of its size, and the full width and height that it stands for."""

    image: Image.Image
    full_size: tuple[int, int]
    is_full: bool


@contextmanager
def decoded_small(data: bytes, min_side: int = MIN_REDUCED_SIDE) -> Iterator[Reduced]:
    """The same, where a JPEG file is decoded at the smallest size that still serves (``jpeg_divisor``).

    Its coded data is read to the end all the same, so what is broken is noticed alike.
    """
    with _opened(data) as image:
        size = image.size
        # Files of several pictures are left alone: their first frame is found by seeking.
        if image.format == "JPEG" and (divisor := jpeg_divisor(*size, min_side)) > 1:
            image.draft(None, (size[0] // divisor, size[1] // divisor))
        image.load()
        shown = upright(image)
        is_turned = shown.size != image.size
        yield Reduced(shown, (size[1], size[0]) if is_turned else size, image.size == size)


def jpeg_divisor(width: int, height: int, min_side: int = MIN_REDUCED_SIDE) -> int:
    """By how much a JPEG picture may be reduced while it is decoded: 8, 4, 2 or not at all (1). Its shorter side keeps
    ``min_side`` pixels."""
    shorter = min(width, height)
    return next((d for d in (8, 4, 2) if shorter >= d * min_side), 1)


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=FORMATS) as image:
                check_size(*image.size)
                yield image
    except ImageError:
        raise
    except Exception as error:
        # Decoders raise whatever they like on broken input.
        raise _explain_decode_error(error, data) from error


def check_size(width: int, height: int) -> None:
    """Refuse by the header alone: decoding is what costs the memory."""
    if width * height > MAX_PIXELS:
        raise ImageError(ImageStatus.TOO_LARGE, f"{width} x {height} pixels, over {MAX_PIXELS}")


def upright(image: Image.Image) -> Image.Image:
    """The image as viewers show it; one with broken EXIF data stays as it is."""
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - EXIF parsing fails in many ways, none of which spoils the pixels
        return image


def _explain_decode_error(error: Exception, data: bytes) -> ImageError:
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return ImageError(ImageStatus.TOO_LARGE, str(error))
    if isinstance(error, MemoryError):
        return ImageError(ImageStatus.TOO_LARGE, "decoding it needs more memory than there is")
    if isinstance(error, UnidentifiedImageError):
        return _explain_unidentified(data)
    message = f"{type(error).__name__}: {error}"
    if isinstance(error, EOFError) or "truncated" in message.lower() or _ends_early(data):
        return ImageError(ImageStatus.TRUNCATED, message)
    return ImageError(ImageStatus.UNREADABLE, message)


_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"RIFF": "WEBP",
    b"BM": "BMP",
    b"GIF8": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}

_OTHER_SIGNATURES = {
    b"8BPS": "Photoshop",
    b"<svg": "SVG",
    b"\x00\x00\x01\x00": "icon",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"%PDF": "PDF",
    b"DDS ": "DDS",
    b"P4\n": "Netpbm",
    b"P5\n": "Netpbm",
    b"P6\n": "Netpbm",
    b"v/1\x01": "OpenEXR",
    b"qoif": "QOI",
}


def _explain_unidentified(data: bytes) -> ImageError:
    """Pillow knows no decoder for it: tell a broken photo from another format and from no image at all."""
    if other := _other_format(data):
        return ImageError(ImageStatus.UNSUPPORTED_FORMAT, f"{other} is not read; convert it to JPEG or PNG")
    for signature, name in _SIGNATURES.items():
        if data.startswith(signature):
            status = ImageStatus.TRUNCATED if _ends_early(data) else ImageStatus.UNREADABLE
            return ImageError(status, f"begins like {name}, but its header cannot be read")
    return ImageError(ImageStatus.NOT_AN_IMAGE, "no image format begins like this file")


def _other_format(data: bytes) -> str | None:
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis", b"heic", b"heix", b"mif1"):
        return "HEIF/AVIF"
    if data.startswith(b"RIFF") and data[8:12] != b"WEBP":
        return "RIFF other than WebP"
    head = data[:256].lstrip().lower()
    if head.startswith(b"<?xml") and b"<svg" in head:
        return "SVG"
    return next((name for mark, name in _OTHER_SIGNATURES.items() if data.startswith(mark)), None)


def _ends_early(data: bytes) -> bool:
    """Whether the format's own end mark or length says that bytes are missing."""
    if data.startswith(b"\xff\xd8"):
        return b"\xff\xd9" not in data[-1024:]
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-1024:]
    if data.startswith(b"RIFF"):
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if data.startswith(b"BM"):
        return int.from_bytes(data[2:6], "little") > len(data)
    return data.startswith(b"GIF8") and not data.rstrip(b"\x00").endswith(b";")
