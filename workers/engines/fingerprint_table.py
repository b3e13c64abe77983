"""Fingerprints of many images side by side, in memory and on disk.

A run over a million images keeps them as arrays rather than objects, and writes them shard by shard, so that
a killed worker goes on where it was. Thumbnails, which are nearly all of the bytes, lie in a file of their own that
is mapped into memory rather than read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from app.adapters.files import replaced_atomically
from app.domain.errors import InvalidFile
from workers.engines.decoding import ImageProblem, ImageStatus
from workers.engines.phash import FORMS
from workers.engines.thumbnail import CHROMA_SIDE, THUMBNAIL_SIDE
from workers.engines.thumbnail_stack import Thumbnails, stack_thumbnails, view_thumbnails

DIGEST_BYTES = 16
_THUMBNAIL_SHAPE = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
_CHROMA_SHAPE = (2, CHROMA_SIDE, CHROMA_SIDE)
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known of one image's file and pixels.

    ``file_md5`` is set whenever the file could be read, the fields of the picture only when it could be
    decoded. ``pixel_md5`` needs the picture decoded at its full size; where a smaller one did, it is not set.
    ``width`` and ``height`` are those of the full picture, upright, in pixels.
    """

    key: str
    status: ImageStatus
    message: str = ""
    file_md5: str | None = None
    pixel_md5: str | None = None
    phash: int | None = None
    width: int | None = None
    height: int | None = None
    file_bytes: int | None = None
    phash_forms: tuple[int, ...] | None = field(default=None, repr=False)
    """The pHash of all mirrored and turned forms, in the order of ``phash.hash_forms``."""

    thumbnail: bytes | None = field(default=None, repr=False)
    """64 x 64 grey levels, row by row: the whole upright picture, squashed to a square."""

    chroma: bytes | None = field(default=None, repr=False)
    """8 x 8 means of Cb, then of Cr (ITU-R 601, 128 is grey)."""


@dataclass(frozen=True, slots=True, eq=False)
class FingerprintTable:
    """Columns of equal length ``n``. Digests are (n, 16) bytes, ``phash_forms`` (n, 8), ``thumbnails`` (n, 64, 64),
    ``chromas`` (n, 2, 8, 8).

    What is unknown is zero, as ``status`` tells. Thumbnails may be a mapped file or a ``StackedThumbnails``; index
    them with the rows that are needed rather than as a whole.
    """

    keys: list[str]
    statuses: list[ImageStatus]
    messages: list[str]
    file_md5s: NDArray[np.uint8]
    pixel_md5s: NDArray[np.uint8]
    phashes: NDArray[np.uint64]
    widths: NDArray[np.int32]
    heights: NDArray[np.int32]
    file_bytes: NDArray[np.int64]
    phash_forms: NDArray[np.uint64]
    thumbnails: Thumbnails
    chromas: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Fingerprint]:
        return (self.row(i) for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FingerprintTable) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def row(self, i: int) -> Fingerprint:
        is_ok = self.statuses[i] is ImageStatus.OK
        return Fingerprint(
            key=self.keys[i],
            status=self.statuses[i],
            message=self.messages[i],
            file_md5=self.file_md5s[i].tobytes().hex() if self.file_md5s[i].any() else None,
            pixel_md5=self.pixel_md5s[i].tobytes().hex() if is_ok and self.pixel_md5s[i].any() else None,
            phash=int(self.phashes[i]) if is_ok else None,
            width=int(self.widths[i]) if is_ok else None,
            height=int(self.heights[i]) if is_ok else None,
            file_bytes=int(self.file_bytes[i]) if self.file_bytes[i] else None,
            phash_forms=tuple(self.phash_forms[i].tolist()) if is_ok else None,
            thumbnail=self.thumbnails[i].tobytes() if is_ok else None,
            chroma=self.chromas[i].tobytes() if is_ok else None,
        )

    def part(self, start: int, stop: int) -> FingerprintTable:
        """Rows ``start`` to ``stop``, without copying the arrays."""
        rows = slice(start, stop)
        return FingerprintTable(*(getattr(self, name)[rows] for name in self.__slots__))

    def select(self, rows: NDArray[np.intp]) -> FingerprintTable:
        """These rows, in this order. Thumbnails are not copied."""
        return FingerprintTable(*(_choose(getattr(self, name), rows) for name in self.__slots__))

    def ok_rows(self) -> NDArray[np.intp]:
        """Numbers of the rows whose image could be decoded."""
        return np.flatnonzero(np.fromiter((s is ImageStatus.OK for s in self.statuses), bool, len(self)))

    def problems(self) -> list[ImageProblem]:
        rows = zip(self.keys, self.statuses, self.messages, strict=True)
        return [ImageProblem(*row) for row in rows if row[1] is not ImageStatus.OK]


def table_from_rows(rows: Sequence[Fingerprint]) -> FingerprintTable:
    return FingerprintTable(
        keys=[row.key for row in rows],
        statuses=[row.status for row in rows],
        messages=[row.message for row in rows],
        file_md5s=_digest_column(row.file_md5 for row in rows),
        pixel_md5s=_digest_column(row.pixel_md5 for row in rows),
        phashes=np.array([row.phash or 0 for row in rows], np.uint64),
        widths=np.array([row.width or 0 for row in rows], np.int32),
        heights=np.array([row.height or 0 for row in rows], np.int32),
        file_bytes=np.array([row.file_bytes or 0 for row in rows], np.int64),
        phash_forms=np.array([row.phash_forms or (0,) * FORMS for row in rows], np.uint64).reshape(-1, FORMS),
        thumbnails=_pixel_column((row.thumbnail for row in rows), _THUMBNAIL_SHAPE),
        chromas=_pixel_column((row.chroma for row in rows), _CHROMA_SHAPE),
    )


def _digest_column(digests: Iterable[str | None]) -> NDArray[np.uint8]:
    joined = b"".join(bytes.fromhex(digest) if digest else bytes(DIGEST_BYTES) for digest in digests)
    return np.frombuffer(joined, np.uint8).reshape(-1, DIGEST_BYTES)


def _pixel_column(values: Iterable[bytes | None], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    nothing = bytes(math.prod(shape))
    return np.frombuffer(b"".join(value or nothing for value in values), np.uint8).reshape(-1, *shape)


def _choose(column: Any, rows: NDArray[np.intp]) -> Any:
    if isinstance(column, list):
        return [column[row] for row in rows.tolist()]
    is_thumbnails = column.shape[1:] == _THUMBNAIL_SHAPE
    return view_thumbnails(column).select(rows) if is_thumbnails else column[rows]


def concat_tables(tables: Sequence[FingerprintTable]) -> FingerprintTable:
    """The rows of all tables, in their order. Thumbnails are not copied but stay where they are."""
    if not tables:
        return table_from_rows([])
    columns = ([getattr(table, name) for table in tables] for name in FingerprintTable.__slots__)
    return FingerprintTable(*(_concat(some) for some in columns))


def _concat(columns: list[Any]) -> Any:
    if isinstance(columns[0], list):
        return [value for column in columns for value in column]
    is_thumbnails = columns[0].shape[1:] == _THUMBNAIL_SHAPE
    return stack_thumbnails(columns) if is_thumbnails else np.concatenate(columns)


def write_fingerprints(path: Path, table: FingerprintTable) -> None:
    """Write the table as Parquet, and its thumbnails beside it as ``<stem>.thumbs.npy``; equal tables give equal
    bytes.

    Each file comes whole or not at all, the thumbnails first: where the table is, they are too.
    """
    import pyarrow.parquet as pq

    with replaced_atomically(thumbnails_path(path)) as stream:
        _write_thumbnails(stream, table.thumbnails)
    with replaced_atomically(path) as stream:
        pq.write_table(_table_to_arrow(table), stream, compression="zstd")


def thumbnails_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.thumbs.npy")


def _write_thumbnails(stream: BinaryIO, thumbnails: Thumbnails) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(thumbnails), *_THUMBNAIL_SHAPE)}
    np.lib.format.write_array_header_1_0(stream, header)
    for start in range(0, len(thumbnails), _ROWS_AT_ONCE):
        stream.write(np.ascontiguousarray(thumbnails[start : start + _ROWS_AT_ONCE]).data)


def read_fingerprints(path: Path, *, thumbnails: bool = True) -> FingerprintTable:
    """Read what ``write_fingerprints`` wrote. Thumbnails are a read-only map of their file, from which single rows
    can be had without loading the rest; without ``thumbnails`` they are zeros that take no memory.

    Raises:
        InvalidFile: a file is missing its thumbnails, or is something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as stream:
        try:
            # Not ``read_table``: that takes folder names like ``run=3`` for columns.
            content = pq.ParquetFile(stream)
            if not content.schema_arrow.equals(_schema()):
                raise InvalidFile(f"{path.name} is not a file of fingerprints: its columns are others.")
            columns = content.read()
            return _table_from_arrow(columns, _open_thumbnails(path, len(columns), thumbnails))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InvalidFile(f"{path.name} is not a file of fingerprints: {error}") from error


def _open_thumbnails(path: Path, rows: int, wanted: bool) -> NDArray[np.uint8]:
    if not wanted or not rows:
        return np.broadcast_to(np.uint8(0), (rows, *_THUMBNAIL_SHAPE))
    mapped: NDArray[np.uint8] = np.load(thumbnails_path(path), mmap_mode="r", allow_pickle=False)
    if mapped.shape != (rows, *_THUMBNAIL_SHAPE) or mapped.dtype != np.uint8:
        raise InvalidFile(f"{thumbnails_path(path).name} does not hold the {rows} thumbnails of {path.name}.")
    return mapped


def _schema() -> Any:
    import pyarrow as pa

    return pa.schema(
        {
            # File names are bytes: as text, one that is no valid UTF-8 could not be written at all.
            "key": pa.binary(),
            "status": pa.string(),
            "message": pa.string(),
            "file_md5": pa.binary(DIGEST_BYTES),
            "pixel_md5": pa.binary(DIGEST_BYTES),
            "phash": pa.uint64(),
            "width": pa.int32(),
            "height": pa.int32(),
            "file_bytes": pa.int64(),
            "phash_forms": pa.binary(8 * FORMS),
            "chroma": pa.binary(math.prod(_CHROMA_SHAPE)),
        }
    )


def _table_to_arrow(table: FingerprintTable) -> Any:
    import pyarrow as pa

    def fixed(values: NDArray[Any], width: int) -> Any:
        content = pa.py_buffer(np.ascontiguousarray(values).tobytes())
        return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(table), [None, content])

    columns = {
        "key": [key.encode("utf-8", "surrogateescape") for key in table.keys],
        "status": [status.value for status in table.statuses],
        "message": table.messages,
        "file_md5": fixed(table.file_md5s, DIGEST_BYTES),
        "pixel_md5": fixed(table.pixel_md5s, DIGEST_BYTES),
        "phash": table.phashes,
        "width": table.widths,
        "height": table.heights,
        "file_bytes": table.file_bytes,
        "phash_forms": fixed(table.phash_forms.astype("<u8"), 8 * FORMS),
        "chroma": fixed(table.chromas, math.prod(_CHROMA_SHAPE)),
    }
    return pa.table(columns, schema=_schema())


def _table_from_arrow(columns: Any, thumbnails: NDArray[np.uint8]) -> FingerprintTable:
    def values(name: str) -> list[Any]:
        return cast("list[Any]", columns.column(name).to_pylist())

    def numbers(name: str) -> NDArray[Any]:
        return cast("NDArray[Any]", columns.column(name).to_numpy())

    def fixed(name: str) -> NDArray[np.uint8]:
        return np.frombuffer(b"".join(values(name)), np.uint8)

    return FingerprintTable(
        keys=[key.decode("utf-8", "surrogateescape") for key in values("key")],
        statuses=[ImageStatus(status) for status in values("status")],
        messages=values("message"),
        file_md5s=fixed("file_md5").reshape(-1, DIGEST_BYTES),
        pixel_md5s=fixed("pixel_md5").reshape(-1, DIGEST_BYTES),
        phashes=numbers("phash"),
        widths=numbers("width"),
        heights=numbers("height"),
        file_bytes=numbers("file_bytes"),
        phash_forms=fixed("phash_forms").view("<u8").astype(np.uint64).reshape(-1, FORMS),
        thumbnails=thumbnails,
        chromas=fixed("chroma").reshape(-1, *_CHROMA_SHAPE),
    )
