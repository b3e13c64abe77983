"""Fingerprints of many images side by side, in memory and on disk.

A run over a million images keeps them as arrays rather than objects, and writes them shard by shard, so that
a killed worker goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from app.adapters.files import replaced_atomically
from app.domain.errors import InvalidFile
from workers.engines.decoding import ImageProblem, ImageStatus

DIGEST_BYTES = 16
_NO_DIGEST = bytes(DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is known of one image's file and pixels.

    ``file_md5`` is set whenever the file could be read, the fields of the picture only when it could be
    decoded.
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


@dataclass(frozen=True, slots=True, eq=False)
class FingerprintTable:
    """Columns of equal length. Digests are rows of 16 bytes; what is unknown is zero, as ``status`` tells."""

    keys: list[str]
    statuses: list[ImageStatus]
    messages: list[str]
    file_md5s: NDArray[np.uint8]
    pixel_md5s: NDArray[np.uint8]
    phashes: NDArray[np.uint64]
    widths: NDArray[np.int32]
    heights: NDArray[np.int32]
    file_bytes: NDArray[np.int64]

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
            pixel_md5=self.pixel_md5s[i].tobytes().hex() if is_ok else None,
            phash=int(self.phashes[i]) if is_ok else None,
            width=int(self.widths[i]) if is_ok else None,
            height=int(self.heights[i]) if is_ok else None,
            file_bytes=int(self.file_bytes[i]) if self.file_bytes[i] else None,
        )

    def part(self, start: int, stop: int) -> FingerprintTable:
        """Rows ``start`` to ``stop``, without copying the arrays."""
        rows = slice(start, stop)
        return FingerprintTable(*(getattr(self, name)[rows] for name in self.__slots__))

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
    )


def _digest_column(digests: Iterable[str | None]) -> NDArray[np.uint8]:
    joined = b"".join(bytes.fromhex(digest) if digest else _NO_DIGEST for digest in digests)
    return np.frombuffer(joined, np.uint8).reshape(-1, DIGEST_BYTES)


def concat_tables(tables: Sequence[FingerprintTable]) -> FingerprintTable:
    """The rows of all tables, in their order."""
    if not tables:
        return table_from_rows([])
    return FingerprintTable(
        keys=[key for table in tables for key in table.keys],
        statuses=[status for table in tables for status in table.statuses],
        messages=[message for table in tables for message in table.messages],
        file_md5s=np.concatenate([table.file_md5s for table in tables]),
        pixel_md5s=np.concatenate([table.pixel_md5s for table in tables]),
        phashes=np.concatenate([table.phashes for table in tables]),
        widths=np.concatenate([table.widths for table in tables]),
        heights=np.concatenate([table.heights for table in tables]),
        file_bytes=np.concatenate([table.file_bytes for table in tables]),
    )


def write_fingerprints(path: Path, table: FingerprintTable) -> None:
    """Write the table as Parquet, whole or not at all; equal tables give equal bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "key": [key.encode("utf-8", "surrogateescape") for key in table.keys],
        "status": [status.value for status in table.statuses],
        "message": table.messages,
        "file_md5": [row.tobytes() for row in table.file_md5s],
        "pixel_md5": [row.tobytes() for row in table.pixel_md5s],
        "phash": table.phashes,
        "width": table.widths,
        "height": table.heights,
        "file_bytes": table.file_bytes,
    }
    with replaced_atomically(path) as stream:
        pq.write_table(pa.table(columns, schema=_schema()), stream, compression="zstd")


def read_fingerprints(path: Path) -> FingerprintTable:
    """Read what ``write_fingerprints`` wrote; ``InvalidFile`` for anything else."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("rb") as stream:
        try:
            # Not ``read_table``: that takes folder names like ``run=3`` for columns.
            content = pq.ParquetFile(stream)
            if not content.schema_arrow.equals(_schema()):
                raise InvalidFile(f"{path.name} is not a file of fingerprints: its columns are others.")
            return _table_from_arrow(content.read())
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InvalidFile(f"{path.name} is not a file of fingerprints: {error}") from error


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
        }
    )


def _table_from_arrow(columns: Any) -> FingerprintTable:
    def values(name: str) -> list[Any]:
        return cast("list[Any]", columns.column(name).to_pylist())

    def numbers(name: str) -> NDArray[Any]:
        return cast("NDArray[Any]", columns.column(name).to_numpy())

    return FingerprintTable(
        keys=[key.decode("utf-8", "surrogateescape") for key in values("key")],
        statuses=[ImageStatus(status) for status in values("status")],
        messages=values("message"),
        file_md5s=_digests_from(values("file_md5")),
        pixel_md5s=_digests_from(values("pixel_md5")),
        phashes=numbers("phash"),
        widths=numbers("width"),
        heights=numbers("height"),
        file_bytes=numbers("file_bytes"),
    )


def _digests_from(values: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(values), np.uint8).reshape(-1, DIGEST_BYTES)
