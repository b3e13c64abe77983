"""Images inside Parquet and Arrow files, as Hugging Face writes them: one image by its row, without reading the rest.

A Parquet file is read by row group, and the groups that were read last stay in memory, because who looks at one image
mostly looks at its neighbours next. An Arrow file is mapped into memory and read where it lies; a file that was changed
since is mapped anew, because what lies beyond the end of a file that got shorter must not be touched.
"""

from __future__ import annotations

import mmap
import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from app.domain.errors import InvalidFile

MOST_OPEN = 64
"""Files that stay open at once."""

MOST_BYTES = 256 << 20
"""Bytes of row groups that stay in memory; the newest one always does."""

LARGEST_GROUP = 1 << 30
"""Bytes of images in one row group, which has to be read as a whole."""


DAMAGED = (pa.ArrowException, OSError, KeyError, IndexError, ValueError, OverflowError)
"""What pyarrow raises over damaged files: besides its own, errors of names and numbers that it could not decode."""


@dataclass
class _Table:
    """An open file: its batches or row groups begin at ``starts``, the last of which is the number of rows."""

    starts: list[int]
    parquet: pq.ParquetFile | None = None
    batches: list[pa.RecordBatch] | None = None


_Key = tuple[int, int, int, int]
_lock = threading.RLock()
_tables: OrderedDict[_Key, _Table] = OrderedDict()
_groups: OrderedDict[tuple[_Key, int, str], pa.ChunkedArray] = OrderedDict()


def read_row(stream: BinaryIO, name: str, row: int, column: str) -> bytes:
    """The image's bytes in one row of an opened file; ``name`` is the file's, for messages.

    Raises:
        InvalidFile: the file is damaged or another one by now, or there are no bytes in that row.
    """
    with _explained(name), _lock:
        key = _key_of(stream)
        table = _table(stream, key)
        if not 0 <= row < table.starts[-1]:
            raise InvalidFile(f"{name} has no row {row:,}: it was changed. Read the dataset again.")
        part = bisect_right(table.starts, row) - 1
        cell = _column(table, key, part, column)[row - table.starts[part]]
        data = image_bytes(cell)
    if data is None:
        raise InvalidFile(f"Row {row:,} of {name} holds no image.")
    return data


def image_bytes(cell: pa.Scalar) -> bytes | None:
    """The bytes of an image cell: of the struct of ``bytes`` and ``path`` that Hugging Face writes, or plain ones."""
    if not cell.is_valid:
        return None
    held = cell["bytes"] if pa.types.is_struct(cell.type) else cell
    return held.as_py() if held.is_valid else None


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise InvalidFile(f"{name} can't be read: {str(error).splitlines()[0] if str(error) else error!r}.") from None


def _key_of(stream: BinaryIO) -> _Key:
    found = os.fstat(stream.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _table(stream: BinaryIO, key: _Key) -> _Table:
    table = _tables.get(key)
    if table is None:
        table = _tables[key] = open_table(stream)
        while len(_tables) > MOST_OPEN:
            old, evicted = _tables.popitem(last=False)
            if evicted.parquet is not None:
                evicted.parquet.close(force=True)
            for group in [group for group in _groups if group[0] == old]:
                del _groups[group]
    _tables.move_to_end(key)
    return table


def open_table(stream: BinaryIO) -> _Table:
    """Open a Parquet or Arrow file by what it begins with. It stays open after ``stream`` was closed."""
    stream.seek(0)
    magic = stream.read(8)
    if magic.startswith(b"PAR1"):
        own = os.fdopen(os.dup(stream.fileno()), "rb")
        try:
            parquet = pq.ParquetFile(own)
        except BaseException:
            own.close()
            raise
        sizes = [parquet.metadata.row_group(n).num_rows for n in range(parquet.metadata.num_row_groups)]
        return _Table([0, *accumulate(sizes)], parquet=parquet)
    mapped = pa.BufferReader(pa.py_buffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)))
    reader = pa.ipc.open_file(mapped) if magic.startswith(b"ARROW1") else pa.ipc.open_stream(mapped)
    whole = reader.read_all()
    whole.validate(full=True)  # an Arrow file says where its values are: taken on trust, that may be anywhere in memory
    batches = whole.to_batches()
    return _Table([0, *accumulate(batch.num_rows for batch in batches)], batches=batches)


def _column(table: _Table, key: _Key, part: int, column: str) -> Any:
    if table.batches is not None:
        return table.batches[part].column(column)
    assert table.parquet is not None  # noqa: S101 - it is one or the other
    name = (key, part, column)
    found = _groups.get(name)
    if found is None:
        _refuse_large(table.parquet, part, column)
        found = _groups[name] = table.parquet.read_row_group(part, columns=[column]).column(column)
        while len(_groups) > 1 and sum(group.nbytes for group in _groups.values()) > MOST_BYTES:
            _groups.popitem(last=False)
    _groups.move_to_end(name)
    return found


def _refuse_large(parquet: pq.ParquetFile, part: int, column: str) -> None:
    group = parquet.metadata.row_group(part)
    columns = [group.column(n) for n in range(group.num_columns)]
    size = sum(c.total_uncompressed_size for c in columns if c.path_in_schema.split(".")[0] == column)
    if size > LARGEST_GROUP:
        raise InvalidFile(
            f"a row group holds {size:,} bytes of images, over {LARGEST_GROUP:,}. Write the file again with smaller "
            "row groups, such as 1,000 rows"
        )
