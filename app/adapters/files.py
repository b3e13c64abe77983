"""Files that are whole or not there: written beside their place, flushed to disk, then moved."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, cast

from app.domain.errors import InvalidFile, OutOfSpace

LEFT_OVER_SECONDS = 3600


@contextmanager
def replaced_atomically(path: Path) -> Iterator[BinaryIO]:
    """A binary stream whose content takes the place of ``path`` when the block ends well.

    Nobody ever sees half of it; when the block does not end well, an earlier file stays, and nothing else is left.

    Raises:
        OutOfSpace: the disk is full; nothing changed.
    """
    temporary = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}.part")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpace(f"The disk is full: {path.name} was not written. Make room, then try again.") from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def text_replaced_atomically(path: Path) -> Iterator[TextIOWrapper]:
    """The same for text: UTF-8, line ends as written, file names that are no valid UTF-8 kept byte for byte."""
    with replaced_atomically(path) as stream:
        text = TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
        yield text
        text.flush()
        text.detach()


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file with ``replaced_atomically``, making its folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(path) as stream:
        write(stream)


def clear_leftovers(folder: Path) -> None:
    """Delete what writers that were killed left of files in this folder, so long ago that none can be at it still."""
    for path in folder.glob(".*.part"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFT_OVER_SECONDS:
                path.unlink()


class _Digested(io.BufferedIOBase):
    """Passes bytes on and keeps count and digest of them. It can't seek: what was written stays."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._stream.write(data)


def write_digested(path: Path, write: Callable[[BinaryIO], int | None]) -> tuple[int | None, str, int]:
    """Write a file with ``write_atomically``, then read it back; (what ``write`` returned, sha-256, bytes).

    Raises:
        OutOfSpace: the disk is full; nothing changed.
        InvalidFile: the disk did not give back what was written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(path) as stream:
        digested = _Digested(stream)
        returned = write(cast(BinaryIO, digested))
    digest = digested.digest.hexdigest()
    if sha256_of(path) != digest:
        raise InvalidFile(f"{path.name} did not read back from the disk as it was written. Check the disk.")
    return returned, digest, digested.size


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, after a move."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
