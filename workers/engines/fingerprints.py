"""Fingerprints of images: the digests of file and pixels, and the perceptual hash, that leaks are found by.

``fingerprint_image`` is the plain way and says what each field means. ``fingerprint_images`` gives the very
same values for many images, in several processes, several times as fast.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.engines.children import (
    StopCheck,
    map_in_children,
    restart_watchdog,
    stop_watchdog,
)
from workers.engines.decoding import (
    CRASHED,
    ImageError,
    ImageRef,
    ImageStatus,
    decoded,
    read_file,
)
from workers.engines.fast_jpeg import decode_plain_jpeg
from workers.engines.fingerprint_table import (
    Fingerprint,
    FingerprintTable,
    concat_tables,
    table_from_rows,
)
from workers.engines.phash import hash_reduced, reduce_for_phash, reduce_pixels

__all__ = [
    "Fingerprint",
    "FingerprintTable",
    "ImageRef",
    "fingerprint_image",
    "fingerprint_images",
    "pixel_md5",
]

_WIDE_MODES = {"I": "<i4", "I;16": "<i4", "I;16B": "<i4", "I;16L": "<i4", "I;16N": "<i4", "F": "<f4"}
"""Modes with more than 8 bits a channel, and the type that holds their values on every machine."""


def fingerprint_image(ref: ImageRef) -> Fingerprint:
    """The plain reference: Pillow decodes, imagehash hashes."""
    try:
        data = read_file(ref.path)
    except ImageError as error:
        return _problem(ref, error)
    try:
        with decoded(data) as image:
            phash = int(str(imagehash.phash(image)), 16)
            return _fingerprint(ref, data, pixel_md5(image), image.size, phash)
    except ImageError as error:
        return _problem(ref, error, data)


def fingerprint_images(
    refs: Sequence[ImageRef],
    *,
    processes: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    should_stop: StopCheck | None = None,
) -> FingerprintTable:
    """Fingerprints in the order of ``refs``; every image comes out, as ``ok`` or with the name of its
    problem.

    ``on_progress`` is told the number of images done. Raises ``JobCancelled`` when ``should_stop`` answers
    true.
    """
    tables: list[FingerprintTable] = []
    done = 0
    for table in map_in_children(
        fingerprint_chunk, refs, when_crashed=_crashed, processes=processes, should_stop=should_stop
    ):
        tables.append(table)
        done += len(table)
        if on_progress:
            on_progress(done)
    return concat_tables(tables)


def fingerprint_chunk(refs: Sequence[ImageRef]) -> FingerprintTable:
    """The fast way, in this process: one pHash transform for all images of the chunk together."""
    measured = []
    for ref in refs:
        restart_watchdog()
        measured.append(_measure(ref))
    stop_watchdog()
    table = table_from_rows([row for row, _ in measured])
    reduced = [grey for _, grey in measured if grey is not None]
    if reduced:
        table.phashes[table.ok_rows()] = hash_reduced(np.stack(reduced))
    return table


def _measure(ref: ImageRef) -> tuple[Fingerprint, NDArray[np.uint8] | None]:
    """All but the pHash, and the reduced image to make it from."""
    try:
        data = read_file(ref.path)
    except ImageError as error:
        return _problem(ref, error), None
    try:
        if (pixels := decode_plain_jpeg(data)) is not None:
            return _measure_pixels(ref, data, pixels)
        with decoded(data) as image:
            return _fingerprint(ref, data, pixel_md5(image), image.size), reduce_for_phash(image)
    except ImageError as error:
        return _problem(ref, error, data), None


def _measure_pixels(ref: ImageRef, data: bytes, pixels: NDArray[np.uint8]) -> tuple[Fingerprint, NDArray[np.uint8]]:
    size = (pixels.shape[1], pixels.shape[0])
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    return _fingerprint(ref, data, _digest("RGB", size, rgb.data), size), reduce_pixels(pixels)


def pixel_md5(image: Image.Image) -> str:
    """Digest of what the picture shows, whatever file format or mode it is kept in.

    The values are RGB, so a grey or palette image equals its RGB copy. Transparency that shows and values
    beyond 8 bits belong to the picture: there the digest covers them too, rather than calling different
    images identical.
    """
    mode, values = _normalised(image)
    return _digest(mode, image.size, values)


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


def _fingerprint(ref: ImageRef, data: bytes, pixels: str, size: tuple[int, int], phash: int = 0) -> Fingerprint:
    return Fingerprint(
        key=ref.key,
        status=ImageStatus.OK,
        file_md5=_file_md5(data),
        pixel_md5=pixels,
        phash=phash,
        width=size[0],
        height=size[1],
        file_bytes=len(data),
    )


def _problem(ref: ImageRef, error: ImageError, data: bytes = b"") -> Fingerprint:
    return Fingerprint(
        key=ref.key,
        status=error.status,
        message=error.message,
        file_md5=_file_md5(data) if data else None,
        file_bytes=len(data) or None,
    )


def _crashed(ref: ImageRef) -> FingerprintTable:
    return table_from_rows([_problem(ref, CRASHED)])


def _file_md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
