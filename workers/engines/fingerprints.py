"""Fingerprints of images: the digests of file and pixels, and the perceptual hash, that leaks are found by.

``fingerprint_image`` is the plain way and says what each field means. ``fingerprint_images`` does many images in
several processes, several times as fast. It gives the very same values, but for JPEG files of which a fraction of
the pixels is enough: their pHash may differ by a few bits, and their pixels have no digest yet
(``shared_pixels.fill_pixel_digests``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import imagehash
import numpy as np

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
    decoded_small,
    read_image,
)
from workers.engines.fast_jpeg import decode_plain_jpeg
from workers.engines.fingerprint_cache import FingerprintCache, stamps_of
from workers.engines.fingerprint_table import (
    Fingerprint,
    FingerprintTable,
    concat_tables,
    table_from_rows,
)
from workers.engines.phash import hash_forms
from workers.engines.pixel_digests import pixel_md5, pixel_md5_of_array
from workers.engines.thumbnail import Reduced, reduce_picture, reduce_together

__all__ = [
    "Fingerprint",
    "FingerprintTable",
    "ImageRef",
    "fingerprint_image",
    "fingerprint_images",
    "pixel_md5",
]


def fingerprint_image(ref: ImageRef) -> Fingerprint:
    """The plain reference: Pillow decodes in full, imagehash hashes."""
    try:
        data = read_image(ref)
    except ImageError as error:
        return problem_row(ref, error)
    try:
        with decoded(data) as image:
            row = make_row(ref, data, image.size, pixel_md5(image))
            copies = reduce_together([reduce_picture(image)])
            return replace(
                row,
                phash=int(str(imagehash.phash(image)), 16),
                phash_forms=tuple(hash_forms(copies.greys)[0].tolist()),
                thumbnail=copies.thumbnails.tobytes(),
                chroma=copies.chromas.tobytes(),
            )
    except ImageError as error:
        return problem_row(ref, error, data)


def fingerprint_images(
    refs: Sequence[ImageRef],
    *,
    processes: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    should_stop: StopCheck | None = None,
    cache: Path | None = None,
) -> FingerprintTable:
    """Fingerprints in the order of ``refs``; every image comes out, as ``ok`` or with the name of its
    problem.

    ``on_progress`` is told the number of images done. Raises ``JobCancelled`` when ``should_stop`` answers
    true. With ``cache``, a folder for this dataset alone, only files are read that are not in there or changed since;
    what was read by a run that stopped is not read again.
    """
    if cache is not None:
        return _fingerprint_with_cache(refs, FingerprintCache(cache), processes, on_progress, should_stop)
    return concat_tables(list(_fingerprint_all(refs, 0, processes, on_progress, should_stop)))


def _fingerprint_all(
    refs: Sequence[ImageRef],
    done: int,
    processes: int | None,
    on_progress: Callable[[int], None] | None,
    should_stop: StopCheck | None,
) -> Iterator[FingerprintTable]:
    for table in map_in_children(
        fingerprint_chunk, refs, when_crashed=_crashed, processes=processes, should_stop=should_stop
    ):
        done += len(table)
        yield table
        if on_progress:
            on_progress(done)


def _fingerprint_with_cache(
    refs: Sequence[ImageRef],
    cache: FingerprintCache,
    processes: int | None,
    on_progress: Callable[[int], None] | None,
    should_stop: StopCheck | None,
) -> FingerprintTable:
    stamps = stamps_of(refs)
    rows = np.array([cache.row_of.get(stamp, -1) if stamp else -1 for stamp in stamps], np.intp)
    missing = np.flatnonzero(rows < 0)
    done = len(refs) - len(missing)
    rows[missing] = len(cache.table) + np.arange(len(missing))
    tables = [cache.table]
    wanted = [refs[i] for i in missing.tolist()]
    left = iter([stamps[i] for i in missing.tolist()])
    try:
        for table in _fingerprint_all(wanted, done, processes, on_progress, should_stop):
            tables.append(table)
            cache.add(list(islice(left, len(table))), table)
    finally:
        cache.flush()
    cache.compact()
    return concat_tables(tables).select(rows)


def fingerprint_chunk(refs: Sequence[ImageRef]) -> FingerprintTable:
    """The fast way, in this process: one pHash transform for all images of the chunk together."""
    measured = []
    for ref in refs:
        restart_watchdog()
        measured.append(_measure(ref))
    stop_watchdog()
    return with_pictures(table_from_rows([row for row, _ in measured]), [one for _, one in measured if one is not None])


def with_pictures(table: FingerprintTable, pictures: list[Reduced]) -> FingerprintTable:
    """The table with all that is made from the reduced pictures of its ``ok`` rows."""
    rows, copies = table.ok_rows(), reduce_together(pictures)
    thumbnails = np.zeros((len(table), *copies.thumbnails.shape[1:]), np.uint8)
    chromas = np.zeros((len(table), *copies.chromas.shape[1:]), np.uint8)
    table.phash_forms[rows] = hash_forms(copies.greys)
    table.phashes[rows] = table.phash_forms[rows, 0]
    thumbnails[rows], chromas[rows] = copies.thumbnails, copies.chromas
    return replace(table, thumbnails=thumbnails, chromas=chromas)


def _measure(ref: ImageRef) -> tuple[Fingerprint, Reduced | None]:
    """All but what many pictures share the work for, and the reduced picture to make that from."""
    try:
        data = read_image(ref)
    except ImageError as error:
        return problem_row(ref, error), None
    try:
        if plain := decode_plain_jpeg(data):
            digest = pixel_md5_of_array(plain.pixels) if plain.is_full else None
            return make_row(ref, data, plain.full_size, digest), reduce_picture(plain.pixels, is_full=plain.is_full)
        with decoded_small(data) as small:
            digest = pixel_md5(small.image) if small.is_full else None
            return make_row(ref, data, small.full_size, digest), reduce_picture(small.image, is_full=small.is_full)
    except ImageError as error:
        return problem_row(ref, error, data), None


def make_row(ref: ImageRef, data: bytes, size: tuple[int, int], pixels: str | None) -> Fingerprint:
    return Fingerprint(
        key=ref.key,
        status=ImageStatus.OK,
        file_md5=_file_md5(data),
        pixel_md5=pixels,
        width=size[0],
        height=size[1],
        file_bytes=len(data),
    )


def problem_row(ref: ImageRef, error: ImageError, data: bytes = b"") -> Fingerprint:
    return Fingerprint(
        key=ref.key,
        status=error.status,
        message=error.message,
        file_md5=_file_md5(data) if data else None,
        file_bytes=len(data) or None,
    )


def _crashed(ref: ImageRef) -> FingerprintTable:
    return table_from_rows([problem_row(ref, CRASHED)])


def _file_md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
