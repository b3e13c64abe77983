"""CSV as all formats here read and write it: exact, and line by line so that a broken row costs only itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import _csv

MAX_FIELD = 1 << 20
"""Longest field that is read, in characters. The csv module keeps one limit for all, so all formats share it."""

MAX_ROW_LINES = 200
"""Most lines that one row may span; a quote that is open longer was never meant to be one."""


class _UnixLines:
    """Passes whole CSV lines on to a stream, ending each with ``\\n``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        return self._stream.write(line.removesuffix("\r\n") + "\n")


def exact_writer(stream: TextIO) -> _csv.Writer:
    """A writer of ``\\n`` lines whose cells come back as they were. Open the stream with ``newline=""``."""
    # A writer that ends lines with "\r\n" quotes both characters in a field; one that ends them with "\n"
    # alone would leave a lone "\r" bare, and no reader could tell it from a line end.
    return csv.writer(_UnixLines(stream), lineterminator="\r\n")


def exact_reader(lines: Iterable[str], delimiter: str = ",") -> _csv.Reader:
    """A reader that refuses what is not CSV. Open a stream for it with ``newline=""``."""
    csv.field_size_limit(MAX_FIELD)
    return csv.reader(lines, delimiter=delimiter, strict=True)


@dataclass(frozen=True, slots=True)
class Record:
    """One row. ``line`` is the one it begins on, from 1; ``text`` is the row as it stands in the file."""

    line: int
    fields: list[str]
    text: str


@dataclass(frozen=True, slots=True)
class BrokenRecord:
    """One line that begins no row that can be read."""

    line: int
    text: str
    problem: str


class _Feed:
    """Hands out lines from ``position`` on, and stops a row that spans too many."""

    def __init__(self, lines: Sequence[str], position: int) -> None:
        self._lines, self.position, self.row_start = lines, position, position

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.position == len(self._lines):
            raise StopIteration
        if self.position - self.row_start >= MAX_ROW_LINES:
            raise csv.Error(f"a quote is opened and not closed within {MAX_ROW_LINES} lines")
        self.position += 1
        return self._lines[self.position - 1]


def read_records(text: str, delimiter: str) -> Iterator[Record | BrokenRecord]:
    """Read all rows, blank lines left out. Reading goes on in the line after one that can't be read.

    A quote that is never closed would otherwise swallow the rows after it.
    """
    lines = list(io.StringIO(text, newline=""))
    start = 0
    while start < len(lines):
        feed = _Feed(lines, start)
        try:
            for fields in exact_reader(feed, delimiter):
                if fields:
                    raw = "".join(lines[feed.row_start : feed.position])
                    yield Record(feed.row_start + 1, fields, raw.rstrip("\r\n"))
                feed.row_start = feed.position
            return
        except csv.Error as error:
            start = feed.row_start + 1
            yield BrokenRecord(start, lines[start - 1].rstrip("\r\n"), str(error))
