"""Fingerprints kept from one run to the next, so that only new and changed files are read again.

A folder holds parts: each a table of fingerprints with its thumbnails (``fingerprint_table``), and a list of the files
that it was made from with their sizes and times of change. The list is written last and in one move, and a part
without one does not count. So whoever is killed leaves a cache that is right. Two runs may use one folder at once,
because no part is ever changed.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.adapters.files import replaced_atomically
from app.domain.errors import InvalidFile
from workers.engines.decoding import ImageRef, ImageStatus
from workers.engines.fingerprint_table import (
    FingerprintTable,
    concat_tables,
    read_fingerprints,
    thumbnails_path,
    write_fingerprints,
)

ALGORITHM = 1
"""To be raised with every change to what fingerprints hold: parts of another number do not count."""

ROWS_PER_PART = 4096
MAX_PARTS = 64
"""More than these are put together when a run has ended."""

_SETTLED_AFTER_NS = 2_000_000_000
"""A file changed again within the clock's tick has the same time of change: younger ones are not kept."""

_ABANDONED_AFTER_SECONDS = 24 * 3600.0

_PASSING = frozenset({ImageStatus.MISSING, ImageStatus.UNREADABLE, ImageStatus.DECODER_CRASHED})
"""What may have been the machine's fault is tried again."""

Stamp = tuple[str, int, int]
"""A file's key, which is its path inside the dataset, its size in bytes and its time of change in nanoseconds."""


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    stamps: list[Stamp]
    table: FingerprintTable


class FingerprintCache:
    """What earlier runs left in ``folder``, which is made where it is missing. Keys must mean the same files in
    every run: one folder serves one dataset."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._parts = [part for path in sorted(folder.glob("*.json")) if (part := _read_part(path))]
        self._waiting: list[tuple[list[Stamp | None], FingerprintTable]] = []
        self.table = concat_tables([part.table for part in self._parts])
        """All rows kept, those of changed files included; thumbnails stay in their files."""

        stamps = (stamp for part in self._parts for stamp in part.stamps)
        self.row_of = {stamp: row for row, stamp in enumerate(stamps)}
        """Rows of ``table`` by their file's stamp."""

    def add(self, stamps: Sequence[Stamp | None], table: FingerprintTable) -> None:
        """Keep new rows; ``None`` is the stamp of one that must not be kept. On disk after ``ROWS_PER_PART`` rows, or
        ``flush``."""
        self._waiting.append((list(stamps), table))
        if sum(len(table) for _, table in self._waiting) >= ROWS_PER_PART:
            self.flush()

    def flush(self) -> None:
        stamps = [stamp for some, _ in self._waiting for stamp in some]
        table = concat_tables([table for _, table in self._waiting])
        self._waiting = []
        rows = [row for row, stamp in enumerate(stamps) if stamp and table.statuses[row] not in _PASSING]
        if rows:
            kept = [stamp for row in rows if (stamp := stamps[row])]
            self._parts.append(_write_part(self._folder, kept, table.select(np.array(rows))))

    def compact(self) -> None:
        """Put many parts together, without files that changed since, and clear away what killed runs left."""
        if len(self._parts) > MAX_PARTS:
            stamps = [stamp for part in self._parts for stamp in part.stamps]
            newest = {stamp[0]: row for row, stamp in enumerate(stamps)}
            rows = sorted(newest.values())
            table = concat_tables([part.table for part in self._parts]).select(np.array(rows))
            whole = _write_part(self._folder, [stamps[row] for row in rows], table)
            for part in self._parts:
                _remove(part.path)
            self._parts = [whole]
        for path in self._folder.iterdir():
            if _is_abandoned(path):
                path.unlink(missing_ok=True)


def stamps_of(refs: Iterable[ImageRef]) -> list[Stamp | None]:
    """Stamps of the files as they are now; ``None`` where there is none, or it has only just changed."""
    latest = time.time_ns() - _SETTLED_AFTER_NS
    return [_stamp(ref, latest) for ref in refs]


def _stamp(ref: ImageRef, latest: int) -> Stamp | None:
    try:
        status = ref.path.stat()
    except (OSError, ValueError):
        return None
    return (ref.key, status.st_size, status.st_mtime_ns) if status.st_mtime_ns < latest else None


def _write_part(folder: Path, stamps: list[Stamp], table: FingerprintTable) -> _Part:
    # Parts are read in the order of their names: what was written later holds.
    path = folder / f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}.json"
    data = path.with_suffix(".parquet")
    write_fingerprints(data, table)
    with replaced_atomically(path) as stream:
        # As ASCII, in which file names that are no valid text can be written too.
        stream.write(json.dumps({"algorithm": ALGORITHM, "files": stamps}).encode("ascii"))
    return _Part(path, stamps, read_fingerprints(data))


def _read_part(path: Path) -> _Part | None:
    """The part, unless it is another algorithm's, broken, or was removed this moment."""
    try:
        listed = json.loads(path.read_bytes())
        if listed["algorithm"] != ALGORITHM:
            return None
        stamps = [(str(key), int(size), int(changed)) for key, size, changed in listed["files"]]
        table = read_fingerprints(path.with_suffix(".parquet"))
    except (OSError, ValueError, KeyError, TypeError, InvalidFile):
        return None
    return _Part(path, stamps, table) if table.keys == [key for key, _, _ in stamps] else None


def _remove(path: Path) -> None:
    data = path.with_suffix(".parquet")
    for file in (path, data, thumbnails_path(data)):
        file.unlink(missing_ok=True)


def _is_abandoned(path: Path) -> bool:
    """Whether this belongs to a part whose list was never written, or is a list of another algorithm."""
    try:
        if time.time() - path.stat().st_mtime < _ABANDONED_AFTER_SECONDS:
            return False
        if path.suffix == ".json":
            return _read_part(path) is None
        return path.name.startswith(".") or not (path.parent / f"{path.name.split('.')[0]}.json").exists()
    except OSError:
        return False
