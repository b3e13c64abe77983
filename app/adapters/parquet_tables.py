"""Parquet as a table of rows, read batch by batch."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.domain.errors import InvalidFile
from app.domain.formats.csv_lines import MAX_FIELD
from app.domain.formats.flagged.rows import RejectedRow
from app.domain.formats.flagged.tables import MAX_COLUMNS, Table, TableRow

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_ROWS = 2_000_000
_BATCH = 2000
_MAX_BATCH = 1 << 28
"""Bytes of one batch in memory. A few bytes of Parquet can say a value a million times."""


def read_parquet(data: bytes, name: str) -> Table:
    """Open a Parquet file. Columns of pictures are left out; what is not there is never read.

    Raises:
        InvalidFile: it is broken, or larger than any export; reading the rows may raise it, too.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        schema, rows = file.schema_arrow, file.metadata.num_rows
        # As dictionaries, so that a long text which repeats is not written out before its length is known.
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        file = pq.ParquetFile(io.BytesIO(data), read_dictionary=texts)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidFile(f"{name} is broken Parquet, or cut off: {str(error)[:200]}.") from None
    if len(schema.names) > MAX_COLUMNS or rows > MAX_ROWS:
        raise InvalidFile(
            f"{name} has {len(schema.names):,} columns and {rows:,} rows; at most {MAX_COLUMNS:,} and "
            f"{MAX_ROWS:,} are read."
        )
    wanted = [field.name for field in schema if not _is_picture(field.type)]
    lower = tuple(column.strip().lower() for column in wanted)
    if len(set(lower)) < len(lower):
        raise InvalidFile(f"{name} has two columns of one name.")
    return Table(lower, lambda: _rows(file, wanted, lower, name))


def _is_picture(type_: object) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(type_):
        return any(_is_picture(type_.field(index).type) for index in range(type_.num_fields))  # type: ignore[attr-defined]
    return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_))


def _rows(
    file: pq.ParquetFile, wanted: list[str], lower: tuple[str, ...], name: str
) -> Iterator[TableRow | RejectedRow]:
    import pyarrow as pa

    number = 0
    try:
        for batch in file.iter_batches(batch_size=_BATCH, columns=wanted, use_threads=False):
            if batch.nbytes > _MAX_BATCH:
                raise InvalidFile(
                    f"{name} needs {batch.nbytes:,} bytes for {_BATCH:,} rows, from row {number + 1:,} on."
                )
            _check_fields(batch, name, number)
            for values in batch.to_pylist():
                number += 1
                yield TableRow(number, {short: values[long] for long, short in zip(wanted, lower, strict=True)})
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidFile(f"{name} is broken Parquet after row {number:,}: {str(error)[:200]}.") from None


def _check_fields(batch: pa.RecordBatch, name: str, number: int) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
            if longest > MAX_FIELD:
                raise InvalidFile(f"{name} has a field of {longest:,} bytes after row {number:,}; no flag needs one.")
