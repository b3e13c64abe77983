"""An export on this machine's disk: a file, or the folder that a detector wrote, packed as if it had been uploaded."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from app.domain.errors import InvalidInput
from app.domain.formats.flagged.bundle import DATA_SUFFIXES, MAX_MEMBERS, MAX_READ


def read_export(path: Path) -> bytes:
    """Read a file, or a folder's CSV, JSON, text and Parquet files as a zip; the same folder gives the same bytes.

    Links are not followed, and files with other endings are left out.

    Raises:
        InvalidInput: it can't be read, or holds nothing, or too much.
    """
    try:
        return _pack(path) if path.is_dir() else path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.") from None


def _pack(folder: Path) -> bytes:
    files = _list(folder)
    if not files:
        raise InvalidInput(f"The folder {folder} holds no CSV, JSON or Parquet file.")
    if len(files) > MAX_MEMBERS or sum(file.stat().st_size for file in files) > MAX_READ:
        raise InvalidInput(f"The folder {folder} holds too much to be one export; name the file in it that you mean.")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.relative_to(folder).as_posix()), file.read_bytes())
    return packed.getvalue()


def _list(folder: Path) -> list[Path]:
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files = (Path(root, name) for name in sorted(names) if not name.startswith("."))
        found += [file for file in files if file.suffix.lower() in DATA_SUFFIXES and not file.is_symlink()]
    return found
