"""Vectors on disk, of which a few rows at a time are in memory: a million of ResNet50's take ten gigabytes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import InvalidInput

Vectors = NDArray[np.float32]

_BYTES_AT_ONCE = 16 << 20


@dataclass(frozen=True, slots=True)
class VectorFile:
    """``count`` rows of ``size`` float32 numbers in a file of nothing else, from row ``first`` on. A slice is read
    from the file each time, and is an array of its own."""

    path: Path
    size: int
    count: int
    first: int = 0

    def __len__(self) -> int:
        return self.count

    @property
    def shape(self) -> tuple[int, int]:
        return (self.count, self.size)

    def __getitem__(self, rows: slice) -> Vectors:
        start, stop, _ = rows.indices(self.count)
        count, offset = max(stop - start, 0) * self.size, (self.first + start) * self.size * 4
        return np.fromfile(self.path, np.float32, count, offset=offset).reshape(-1, self.size)

    def part(self, start: int, stop: int) -> VectorFile:
        return VectorFile(self.path, self.size, max(stop - start, 0), self.first + start)


VectorRows = Vectors | VectorFile
"""Rows that are fetched by slices."""


class VectorWriter:
    """Writes a ``VectorFile`` block by block."""

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size, self._count = path, size, 0
        self._stream = path.open("wb")

    def append(self, vectors: Vectors) -> None:
        self._stream.write(np.ascontiguousarray(vectors, np.float32).data)
        self._count += len(vectors)

    def finish(self) -> VectorFile:
        self._stream.close()
        return VectorFile(self._path, self._size, self._count)


def read_vectors(path: Path, keys: Sequence[str], into: Path) -> VectorFile:
    """Vectors of ``keys``, in their order, from an ``.npz`` file that holds ``keys`` (n,) and ``vectors`` (n, d):
    embeddings from any network. They pass block by block into the file ``into``, where their lengths are others.

    Raises ``InvalidInput`` for a file that is not like that or lacks an image.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _copy_vectors(path, archive, keys, into)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput(
            f"{path} cannot be read as a file of vectors ({error}). Write it with numpy.savez(path, keys=..., "
            "vectors=...): the images' names as the report gives them, and a row of numbers for each."
        ) from error


def _copy_vectors(path: Path, archive: zipfile.ZipFile, keys: Sequence[str], into: Path) -> VectorFile:
    with archive.open("keys.npy") as stream:
        known = [str(key) for key in np.lib.format.read_array(cast("BinaryIO", stream), allow_pickle=False)]
    place = {key: i for i, key in enumerate(keys)}
    if missing := sorted(set(place) - set(known), key=place.__getitem__):
        raise InvalidInput(f"{path} has no vector for {len(missing)} images, the first of them {missing[0]}.")
    refusal = InvalidInput(f"{path} must hold one row of finite numbers for each of its {len(known)} keys.")
    with archive.open("vectors.npy") as stream, into.open("wb") as copy:
        shape, dtype = _header(cast("BinaryIO", stream))
        if len(shape) != 2 or shape[0] != len(known):
            raise refusal
        copy.truncate(len(keys) * shape[1] * 4)
        row = 0
        for block in _blocks(cast("BinaryIO", stream), shape, dtype):
            if not np.isfinite(block).all():
                raise refusal
            for key, vector in zip(known[row : row + len(block)], _of_usual_size(block), strict=True):
                if key in place:
                    copy.seek(place[key] * shape[1] * 4)
                    copy.write(vector.data)
            row += len(block)
    return VectorFile(into, shape[1], len(keys))


def _header(stream: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Raises ``ValueError`` for what is no plain array of numbers, row after row."""
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version not in read:
        raise ValueError("the array's format is unknown")
    shape, is_by_column, dtype = read[version](stream)
    if dtype.kind not in "fiu":
        raise ValueError(f"vectors of {dtype} are no numbers")
    if is_by_column and len(shape) > 1 and min(shape) > 1:
        raise ValueError("the vectors lie column by column; write numpy.ascontiguousarray(vectors)")
    return shape, dtype


def _blocks(stream: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    width = max(shape[1] * dtype.itemsize, 1)
    at_once = max(_BYTES_AT_ONCE // width, 1)
    for start in range(0, shape[0], at_once):
        rows = min(at_once, shape[0] - start)
        content = stream.read(rows * width)
        if len(content) < rows * width:
            raise EOFError("it ends too early")
        yield np.frombuffer(content, dtype).reshape(rows, shape[1])


def _of_usual_size(block: NDArray[Any]) -> Vectors:
    """Each row scaled so that its largest number is 1: squares of very large or small ones are no float32."""
    largest = np.abs(block).max(axis=1, keepdims=True, initial=0)
    scaled: Vectors = (block / np.where(largest > 0, largest, 1)).astype(np.float32)
    return scaled
