"""One server per data folder: two would share one SQLite file and one broker folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.domain.errors import InvalidInput


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold ``folder`` while the block runs; the system lets go of it even when the process is killed.

    Raises:
        InvalidInput: another server holds it.
    """
    handle = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInput(f"Another Winnow server uses {folder}. Stop it, or choose another --data-dir.") from None
        yield
    finally:
        os.close(handle)
