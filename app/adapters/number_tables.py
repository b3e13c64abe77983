"""Tables of numbers by image from elsewhere: vectors or probabilities as NPY, NPZ, CSV or Parquet.

One row an image. CSV and Parquet name the image in a column; NPZ in an array of texts; NPY names none.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import InvalidFile

if TYPE_CHECKING:
    import pyarrow as pa

ID_NAMES = (
    "image_path",
    "path",
    "image",
    "key",
    "keys",
    "image_id",
    "id",
    "ids",
    "paths",
    "images",
    "filename",
    "file",
)
"""What a column or array that names the images may be called, the likeliest first."""

CLASS_NAMES = ("classes", "class_names", "labels")
"""What an array of an NPZ file that names the columns may be called."""

MAX_ROWS, MAX_COLUMNS = 5_000_000, 100_000

_MAGIC_NPY, _MAGIC_ZIP, _MAGIC_PARQUET = b"\x93NUMPY", b"PK", b"PAR1"


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """``values`` (n, d); ``ids`` names the rows and ``columns`` the columns, each None where the file does not."""

    values: NDArray[np.float32]
    ids: list[str] | None
    columns: list[str] | None


def read_numbers(data: bytes, name: str) -> NumberTable:
    """Read a file of any of the four formats, told by its first bytes.

    Raises:
        InvalidFile: it is none of them, is broken, or holds something else than a table of finite numbers.
    """
    if data.startswith(_MAGIC_NPY):
        table = NumberTable(_matrix(_load(data, name), name), None, None)
    elif data.startswith(_MAGIC_ZIP):
        table = _from_npz(data, name)
    else:
        table = _from_columns(_read_columns(data, name), name)
    _check(table, name)
    return table


def _load(data: bytes, name: str) -> Any:
    try:
        return np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidFile(_broken(name, error)) from None


def _broken(name: str, error: Exception) -> str:
    if "pickle" in str(error):
        return f"{name} holds Python objects, which are not read. Save names as text: numpy.array(names, dtype=str)."
    return f"{name} can't be read: {str(error)[:200]}. It should be NPY, NPZ, CSV or Parquet."


def _from_npz(data: bytes, name: str) -> NumberTable:
    with _load(data, name) as stored:
        try:
            arrays = {key.lower(): stored[key] for key in stored.files}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError) as error:
            raise InvalidFile(_broken(name, error)) from None
    ids = next((arrays[key] for key in ID_NAMES if key in arrays), None)
    columns = next((arrays[key] for key in CLASS_NAMES if key in arrays), None)
    tables = [array for array in arrays.values() if array.ndim == 2]
    if ids is None or ids.ndim != 1 or len(tables) != 1:
        raise InvalidFile(
            f"{name} needs an array 'keys' with the images' names and one array of numbers with a row each; it has "
            f"{', '.join(f'{key} {array.shape}' for key, array in arrays.items()) or 'nothing'}."
        )
    return NumberTable(
        _matrix(tables[0], name), [str(one) for one in ids.tolist()],
        None if columns is None else [str(one) for one in columns.tolist()],
    )  # fmt: skip


def _matrix(array: Any, name: str) -> NDArray[np.float32]:
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise InvalidFile(f"{name} holds {array.dtype} of shape {array.shape}, not numbers with a row for each image.")
    return np.ascontiguousarray(array, dtype=np.float32)


def _read_columns(data: bytes, name: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    try:
        if data.startswith(_MAGIC_PARQUET):
            return pa.parquet.read_table(io.BytesIO(data))
        return pa.csv.read_csv(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidFile(_broken(name, error)) from None


def _from_columns(table: pa.Table, name: str) -> NumberTable:
    import pyarrow as pa

    by_name = {column.strip().lower(): column for column in table.column_names}
    named = next((by_name[key] for key in ID_NAMES if key in by_name), None)
    texts = [field.name for field in table.schema if _is_text(field.type)]
    named = named or (texts[0] if texts else None)
    if named is None:
        raise InvalidFile(f"{name} names no images: none of its columns is called image_path, key or id.")
    ids = [str(one) for one in table.column(named).to_pylist()]
    rest = [field for field in table.schema if field.name != named]
    lists = [f for f in rest if pa.types.is_list(f.type) or pa.types.is_fixed_size_list(f.type)]
    if len(lists) == 1:
        return NumberTable(_from_lists(table.column(lists[0].name).to_pylist(), name), ids, None)
    numbers = [f.name for f in rest if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]
    others = [f.name for f in rest if f.name not in numbers]
    if others or not numbers:
        raise InvalidFile(
            f"{name} should have a column that names the image ({named!r} was taken for it) and numbers besides; "
            f"{', '.join(map(repr, others[:5])) or 'nothing else'} is no column of numbers."
        )
    values = np.stack([table.column(one).to_numpy() for one in numbers], axis=1)
    return NumberTable(np.asarray(values, np.float32), ids, numbers)


def _is_text(type_: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _from_lists(rows: Sequence[Any], name: str) -> NDArray[np.float32]:
    lengths = {len(row) if row is not None else 0 for row in rows}
    if len(lengths) > 1:
        raise InvalidFile(
            f"{name} has rows of {min(lengths):,} to {max(lengths):,} numbers; all must have equally many."
        )
    return np.asarray(rows, np.float32)


def _check(table: NumberTable, name: str) -> None:
    count, width = table.values.shape
    if not count or not width or count > MAX_ROWS or width > MAX_COLUMNS:
        raise InvalidFile(f"{name} has {count:,} rows of {width:,} numbers; at most {MAX_ROWS:,} of {MAX_COLUMNS:,}.")
    if table.ids is not None and len(table.ids) != count:
        raise InvalidFile(f"{name} names {len(table.ids):,} images, and has numbers for {count:,}.")
    if table.columns is not None and len(table.columns) != width:
        raise InvalidFile(f"{name} names {len(table.columns):,} columns, and has {width:,}.")
    bad = np.flatnonzero(~np.isfinite(table.values).all(axis=1))
    if len(bad):
        raise InvalidFile(f"{name} has a value that is missing or infinite in row {int(bad[0]) + 1:,}.")
