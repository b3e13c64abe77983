"""Fingerprints and measures of many images, of one decoding each.

The fingerprints are those that leak runs make (``fingerprints``), and share their cache, so that each of the two finds
what the other has read. Large JPEG files are decoded at a size at which sharpness can be told; that may change a pHash
by a few bits, as ``fingerprints`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workers.engines.children import StopCheck, map_in_children, restart_watchdog, stop_watchdog
from workers.engines.decoding import CRASHED, ImageError, ImageRef, decoded_small, jpeg_divisor, read_image
from workers.engines.fast_jpeg import decode_plain_jpeg
from workers.engines.fingerprint_cache import FingerprintCache, Stamp, stamps_of
from workers.engines.fingerprint_table import Fingerprint, FingerprintTable, concat_tables, table_from_rows
from workers.engines.fingerprints import make_row, problem_row, with_pictures
from workers.engines.image_measures import MIN_SIDE, NAMES, Measures, measure_image, measure_pixels
from workers.engines.measure_cache import MeasureCache
from workers.engines.pixel_digests import pixel_md5, pixel_md5_of_array
from workers.engines.thumbnail import Reduced, reduce_picture


@dataclass(frozen=True, slots=True, eq=False)
class ReadImages:
    """Fingerprints and measures (n, columns) of the same images; what could not be read has measures of zero."""

    table: FingerprintTable
    measures: Measures


def read_images(
    refs: Sequence[ImageRef],
    *,
    processes: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    should_stop: StopCheck | None = None,
    fingerprints: Path | None = None,
    measures: Path | None = None,
) -> ReadImages:
    """Both in the order of ``refs``; every image comes out, as ``ok`` or with the name of its problem.

    ``fingerprints`` is the folder of a ``FingerprintCache``, ``measures`` the file of a ``MeasureCache``: files that
    both know and that did not change are not read. Raises ``JobCancelled`` when ``should_stop`` answers true.
    """
    if fingerprints is None or measures is None:
        return _join(list(_read(refs, 0, processes, on_progress, should_stop)))
    cache, kept, stamps = FingerprintCache(fingerprints), MeasureCache(measures), stamps_of(refs)
    known = [bool(stamp) and stamp in cache.row_of and stamp in kept.row_of for stamp in stamps]
    missing = [i for i, is_known in enumerate(known) if not is_known]
    read = _join(list(_read([refs[i] for i in missing], len(refs) - len(missing), processes, on_progress, should_stop)))
    new = [stamps[i] for i in missing]
    old: list[tuple[int, Stamp]] = [(i, stamp) for i, stamp in enumerate(stamps) if stamp and known[i]]
    places = np.empty(len(refs), np.intp)
    places[missing] = np.arange(len(missing))
    places[[i for i, _ in old]] = len(missing) + np.arange(len(old))
    old_rows = np.array([cache.row_of[stamp] for _, stamp in old], np.intp)
    table = concat_tables([read.table, cache.table.select(old_rows)]).select(places)
    old_measures = kept.measures[[kept.row_of[stamp] for _, stamp in old]]
    found = ReadImages(table, np.concatenate([read.measures, old_measures])[places])
    cache.add(new, read.table)
    cache.flush()
    cache.compact()
    kept.keep([stamp if table.statuses[i] == "ok" else None for i, stamp in enumerate(stamps)], found.measures)
    return found


def _read(
    refs: Sequence[ImageRef],
    done: int,
    processes: int | None,
    on_progress: Callable[[int], None] | None,
    should_stop: StopCheck | None,
) -> list[ReadImages]:
    parts = []
    for part in map_in_children(read_chunk, refs, when_crashed=_crashed, processes=processes, should_stop=should_stop):
        parts.append(part)
        done += len(part.table)
        if on_progress:
            on_progress(done)
    return parts


def _join(parts: Sequence[ReadImages]) -> ReadImages:
    nothing = np.zeros((0, len(NAMES)), np.float32)
    return ReadImages(
        concat_tables([part.table for part in parts]), np.concatenate([nothing, *(part.measures for part in parts)])
    )


def read_chunk(refs: Sequence[ImageRef]) -> ReadImages:
    """The same in this process."""
    rows: list[Fingerprint] = []
    pictures: list[Reduced] = []
    measures = np.zeros((len(refs), len(NAMES)), np.float32)
    for i, ref in enumerate(refs):
        restart_watchdog()
        row, picture = _read_one(ref, measures[i])
        rows.append(row)
        if picture is not None:
            pictures.append(picture)
    stop_watchdog()
    return ReadImages(with_pictures(table_from_rows(rows), pictures), measures)


def _read_one(ref: ImageRef, measures: Measures) -> tuple[Fingerprint, Reduced | None]:
    try:
        data = read_image(ref)
    except ImageError as error:
        return problem_row(ref, error), None
    try:
        if plain := decode_plain_jpeg(data, MIN_SIDE):
            # As leak runs do it, where they would decode the file in full as well.
            is_full = jpeg_divisor(*plain.full_size) == 1
            digest = pixel_md5_of_array(plain.pixels) if is_full else None
            measures[:] = measure_pixels(plain.pixels, plain.full_size)
            return make_row(ref, data, plain.full_size, digest), reduce_picture(plain.pixels, is_full=is_full)
        with decoded_small(data, MIN_SIDE) as small:
            measures[:] = measure_image(small.image, small.full_size)
            digest = pixel_md5(small.image) if small.is_full else None
            picture = reduce_picture(small.image, is_full=small.is_full)
            return make_row(ref, data, small.full_size, digest), picture
    except ImageError as error:
        measures[:] = 0
        return problem_row(ref, error, data), None


def _crashed(ref: ImageRef) -> ReadImages:
    return ReadImages(table_from_rows([problem_row(ref, CRASHED)]), np.zeros((1, len(NAMES)), np.float32))
