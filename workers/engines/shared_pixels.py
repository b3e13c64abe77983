"""Which pictures may have identical pixels, and their digests.

Fingerprints of large JPEG files are made without decoding them in full, so the digest of their pixels is unknown.
Only those few need it for which another file could hold the same pixels: one with the same width and height, and
nearly the same pHash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workers.engines.children import StopCheck, map_in_children, restart_watchdog, stop_watchdog
from workers.engines.decoding import ImageError, ImageRef, decoded, read_image
from workers.engines.fingerprint_table import DIGEST_BYTES, FingerprintTable
from workers.engines.hash_search import HashIndex
from workers.engines.phash import is_degenerate
from workers.engines.pixel_digests import pixel_md5

Rows = NDArray[np.intp]
Codes = NDArray[np.int64]

DOUBT_BITS = 4
"""Between the pHash of a picture decoded in full and at a fraction of its size. The largest difference that was
found on ImageNet photos."""

_UNREADABLE = bytes(DIGEST_BYTES)


def fill_pixel_digests(
    query: FingerprintTable,
    reference: FingerprintTable,
    query_refs: Sequence[ImageRef],
    reference_refs: Sequence[ImageRef],
    *,
    processes: int | None = None,
    should_stop: StopCheck | None = None,
) -> tuple[FingerprintTable, FingerprintTable]:
    """Both tables with ``pixel_md5s`` that can be compared, for exact search; one table given twice comes back twice.

    Rows that may share their pixels with another file are decoded in full, each file once. The others get a stand-in
    made from the file's own digest, which only the same file has. Raises ``JobCancelled`` when ``should_stop``
    answers true.
    """
    is_same = reference is query
    tables = [query] if is_same else [query, reference]
    refs = [query_refs, reference_refs]
    missing = [_rows_without_digest(table) for table in tables]
    if not any(len(rows) for rows in missing):
        return query, reference
    doubtful = rows_that_may_share_pixels(query, reference)
    first: dict[bytes, ImageRef] = {}
    for table, side, rows, unsure in zip(tables, refs, missing, doubtful, strict=False):
        for row in np.intersect1d(rows, unsure).tolist():
            first.setdefault(table.file_md5s[row].tobytes(), side[row])
    digests = _digest_files(first, processes, should_stop)
    filled = [_filled(table, rows, digests) for table, rows in zip(tables, missing, strict=True)]
    return filled[0], filled[-1]


def _rows_without_digest(table: FingerprintTable) -> Rows:
    rows = table.ok_rows()
    return rows[~table.pixel_md5s[rows].any(axis=1)]


def _filled(table: FingerprintTable, rows: Rows, digests: dict[bytes, bytes]) -> FingerprintTable:
    pixel_md5s = table.pixel_md5s.copy()
    pixel_md5s[rows] = ~table.file_md5s[rows]
    for row in rows.tolist():
        # By the file, not by the row: its other copies must get the same, whether they were in doubt or not.
        if digest := digests.get(table.file_md5s[row].tobytes()):
            pixel_md5s[row] = np.frombuffer(digest, np.uint8)
    return replace(table, pixel_md5s=pixel_md5s)


def _digest_files(
    files: dict[bytes, ImageRef], processes: int | None, should_stop: StopCheck | None
) -> dict[bytes, bytes]:
    """Digests of pixels by those of files, without files that can no longer be read."""
    chunks = map_in_children(
        digest_chunk, list(files.values()), when_crashed=_crashed, processes=processes, should_stop=should_stop
    )
    digests = (digest for chunk in chunks for digest in chunk)
    return {file: digest for file, digest in zip(files, digests, strict=True) if digest != _UNREADABLE}


def digest_chunk(refs: Sequence[ImageRef]) -> list[bytes]:
    """The MD5 of each picture's pixels (``pixel_md5``), zeros where it cannot be read."""
    digests = []
    for ref in refs:
        restart_watchdog()
        try:
            with decoded(read_image(ref)) as image:
                digests.append(bytes.fromhex(pixel_md5(image)))
        except ImageError:
            digests.append(_UNREADABLE)
    stop_watchdog()
    return digests


def _crashed(ref: ImageRef) -> list[bytes]:
    return [_UNREADABLE]


def rows_that_may_share_pixels(query: FingerprintTable, reference: FingerprintTable) -> tuple[Rows, Rows]:
    """Rows of each side for which another file on the other side has the same width and height, and a pHash within 4
    bits. Flat pictures, whose pHash says nothing, need the size alone.

    Memory grows with the number of images, and thousands of equal pictures are one entry of the search.
    """
    sizes = np.union1d(_sizes(query), _sizes(reference))
    left, right = _group(query, sizes), _group(reference, sizes)
    left_marked, right_marked = np.zeros(len(left.codes), bool), np.zeros(len(right.codes), bool)
    for pairs in HashIndex(right.hashes, DOUBT_BITS).iterate(left.hashes):
        groups, others = _of_equal_size(left, right, pairs.query_rows, pairs.reference_rows, len(sizes))
        is_one_file = left.is_one_file[groups] & right.is_one_file[others]
        is_one_file &= (left.files[groups] == right.files[others]).all(axis=1)
        left_marked[groups[~is_one_file]] = True
        right_marked[others[~is_one_file]] = True
    return left.rows[left_marked[left.group_of]], right.rows[right_marked[right.group_of]]


@dataclass(frozen=True, slots=True)
class _Groups:
    """The readable rows of a table, put together where pHash and size are equal: no more entries for thousands of
    equal pictures than for one.

    The groups of the different hash ``hashes[h]`` are ``starts[h]`` to ``starts[h + 1]``; ``codes`` are
    ``h * number of sizes + number of the size`` and ascend.
    """

    rows: Rows
    group_of: Rows
    hashes: NDArray[np.uint64]
    starts: Codes
    codes: Codes
    files: NDArray[np.uint8]
    is_one_file: NDArray[np.bool_]


def _group(table: FingerprintTable, sizes: Codes) -> _Groups:
    rows = table.ok_rows()
    phashes = np.where(is_degenerate(table.phashes[rows]), np.uint64(0), table.phashes[rows])
    hashes, hash_of = np.unique(phashes, return_inverse=True)
    row_codes = hash_of * len(sizes) + np.searchsorted(sizes, _sizes(table)[rows])
    codes, first, group_of = np.unique(row_codes, return_index=True, return_inverse=True)
    starts = np.searchsorted(codes, np.arange(len(hashes) + 1) * len(sizes))
    files = table.file_md5s[rows]
    is_one_file = np.ones(len(codes), bool)
    is_one_file[group_of[(files != files[first[group_of]]).any(axis=1)]] = False
    return _Groups(rows, group_of, hashes, starts, codes, files[first], is_one_file)


def _sizes(table: FingerprintTable) -> Codes:
    return (table.widths.astype(np.int64) << 32) | table.heights


def _of_equal_size(left: _Groups, right: _Groups, hashes: Codes, others: Codes, sizes: int) -> tuple[Codes, Codes]:
    """Groups of each side that have these hashes and one size, pair by pair."""
    counts = left.starts[hashes + 1] - left.starts[hashes]
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    groups = np.repeat(left.starts[hashes], counts) + offsets
    wanted = np.repeat(others, counts) * sizes + left.codes[groups] % max(sizes, 1)
    found = np.minimum(np.searchsorted(right.codes, wanted), max(len(right.codes) - 1, 0))
    is_there = right.codes[found] == wanted
    return groups[is_there], found[is_there]
