"""An upload as its files: one file, or a zip's members. Members are read in memory and nothing is unpacked to disk."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.json_items import JsonItem, JsonItems
from app.domain.formats.flagged.tables import ParquetReader, Table, header_of, open_csv
from app.domain.formats.flagged.text import decode_text, refuse_other_kinds

MAX_MEMBERS = 100_000
MAX_READ = 1 << 29
"""Bytes that one member, and all members together, may have once unpacked."""

DATA_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".json", ".parquet", ".pq"})
"""Members with other endings (images, pickles, arrays) are not opened."""

_HEAD = 1 << 17
_PEEKED = 5
_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError, ValueError,
    struct.error, OverflowError, IndexError, KeyError,
)  # fmt: skip


@dataclass
class Member:
    """One file. What ``columns`` and ``keys`` tell is read from its first part only."""

    name: str
    load: Callable[[], bytes]
    parquet: ParquetReader

    @cached_property
    def data(self) -> bytes:
        return self.load()

    @property
    def base(self) -> str:
        return PurePosixPath(self.name).name.lower()

    @cached_property
    def kind(self) -> str:
        """``parquet``, ``json``, ``csv``, or ``other`` for what is no text at all."""
        if self.data.startswith(b"PAR1"):
            return "parquet"
        start = self.data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
        if start[:1] in (b"{", b"["):
            return "json"
        return "csv" if start and b"\x00" not in start else "other"

    @cached_property
    def columns(self) -> frozenset[str]:
        """Names of a table's columns in lower case; empty where it has no header."""
        if self.kind == "parquet":
            return frozenset(self.table.columns)
        if self.kind != "csv":
            return frozenset()
        try:
            return frozenset(header_of(self._head)[0])
        except InvalidFile:
            return frozenset()  # recognised as nothing; whoever opens it says what is wrong

    @cached_property
    def first_items(self) -> list[JsonItem]:
        """The first few items of each list, and other members, as far as the beginning of the file goes."""
        found: list[JsonItem] = []
        if self.kind == "json":
            try:
                for item in JsonItems(self._head, self.name, None):
                    if item.number <= _PEEKED:
                        found.append(item)
            except InvalidFile:
                return found  # the beginning of a longer file ends in the middle of something
        return found

    @property
    def keys(self) -> frozenset[str | None]:
        return frozenset(item.key for item in self.first_items)

    def first_of(self, key: str | None) -> list[Any]:
        return [item.value for item in self.first_items if item.key == key and item.number]

    @cached_property
    def _head(self) -> str:
        return self.data[:_HEAD].decode("utf-8-sig", "replace")

    @cached_property
    def table(self) -> Table:
        if self.kind == "parquet":
            return self.parquet(self.data, self.name)
        return open_csv(self.data, self.name)

    def items(self, *lists: str) -> Iterator[JsonItem]:
        """JSON by member; the lists under these keys, and a file that is one list, come item by item."""
        yield from JsonItems(decode_text(self.data, self.name), self.name, frozenset(lists))


@dataclass
class Bundle:
    """The files of one upload that may hold something, and the names of those that were left alone."""

    members: list[Member]
    passed_over: list[str] = field(default_factory=list)
    is_zip: bool = False

    def find(self, test: Callable[[Member], bool]) -> list[Member]:
        return [member for member in self.members if test(member)]


def open_bundle(data: bytes, name: str, parquet: ParquetReader) -> Bundle:
    """Look into an upload.

    Raises:
        InvalidFile: it is a pickle or picture, or a zip that is broken, encrypted, too large or has names that lead
            out of it.
    """
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        refuse_other_kinds(data, name)
        return Bundle([Member(name, lambda: data, parquet)])
    try:
        return _open_zip(data, name, parquet)
    except _ZIP_ERRORS as error:
        raise InvalidFile(f"{name} is a broken zip: {error}. Pack it again.") from None


def _listed(data: bytes) -> int:
    """How many files a zip's directory lists, at most; reading it makes an object of each."""
    end = data.rfind(b"PK\x05\x06")
    (size,) = struct.unpack_from("<L", data, end + 12)  # where it is written elsewhere, it is the largest number
    return data.count(b"PK\x01\x02", max(0, end - size) if end >= 0 else 0)


def _open_zip(data: bytes, name: str, parquet: ParquetReader) -> Bundle:
    if (listed := _listed(data)) > MAX_MEMBERS:
        raise InvalidFile(f"{name} holds {listed:,} files; at most {MAX_MEMBERS:,} are looked at.")
    archive = zipfile.ZipFile(io.BytesIO(data))
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    bundle = Bundle([], is_zip=True)
    budget = _Budget(name)
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if ".." in path.parts or path.is_absolute() or ":" in path.parts[0]:
            raise InvalidFile(f"{name} holds a file whose name leads out of it: {entry.filename[:200]!r}.")
        hidden = path.name.startswith(".") or "__MACOSX" in path.parts
        if hidden or path.suffix.lower() not in DATA_SUFFIXES:
            bundle.passed_over.append(entry.filename)
            continue
        if entry.flag_bits & 1:
            raise InvalidFile(f"{name} is encrypted. Pack it without a password.")
        bundle.members.append(Member(str(path), budget.reader(archive, entry), parquet))
    if not bundle.members:
        raise InvalidFile(f"{name} holds no CSV, JSON or Parquet file. Pickles and arrays are never opened.")
    return bundle


class _Budget:
    """Counts what was unpacked: a few kilobytes can hold gigabytes."""

    def __init__(self, name: str) -> None:
        self._name, self._left = name, MAX_READ

    def reader(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
        return lambda: self._read(archive, entry)

    def _read(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        try:
            with archive.open(entry) as stream:
                data = stream.read(self._left + 1)
        except _ZIP_ERRORS as error:
            raise InvalidFile(f"{entry.filename} in {self._name} can't be unpacked: {error}.") from None
        if len(data) > self._left:
            raise InvalidFile(f"{self._name} holds more than {MAX_READ:,} bytes once unpacked. Split it.")
        self._left -= len(data)
        return data
