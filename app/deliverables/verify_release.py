"""Checking what was handed out, with no database: every file's digest, and the lists against the history."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.deliverables.release_manifest import NAME
from app.deliverables.verify import check_history, read_lists
from app.domain.errors import InvalidFile, NotFound

MAX_BYTES = 4 << 30
"""Most that a zip may unpack to."""


def verify_release(release: Path) -> dict[str, Any]:
    """Check the zip or the folder of a version; return what it is and how much was checked.

    Raises:
        NotFound: there is no such file or folder.
        InvalidFile: it is no version, a file is missing or was changed, or the history leads to other lists.
    """
    if not release.exists():
        raise NotFound(f"There is no {release}.")
    with _unpacked(release) as folder:
        manifest = _read_manifest(folder, release)
        try:
            for file in manifest["files"]:
                _check_file(folder, file["name"], file["sha256"])
            events = check_history(folder, manifest)
            lists = read_lists(folder, manifest)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidFile(f"{NAME} of {release} is not one of Winnow's: {error}.") from None
        return {
            "dataset": manifest["dataset"], "version": manifest["version"], "digest": manifest["digest"],
            "files": len(manifest["files"]), "events": events,
            "removed": len(lists.removed), "relabelled": len(lists.relabelled),
        }  # fmt: skip


@contextmanager
def _unpacked(release: Path) -> Iterator[Path]:
    if release.is_dir():
        yield release
        return
    with tempfile.TemporaryDirectory(prefix="winnow-verify-") as folder:
        try:
            with zipfile.ZipFile(release) as archive:
                _unpack(archive, Path(folder), release)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise InvalidFile(f"{release} is no whole zip: {error}. Fetch it again.") from None
        yield Path(folder)


def _unpack(archive: zipfile.ZipFile, folder: Path, release: Path) -> None:
    """Flat names only, and no more bytes than a version can have: a zip may come from anywhere."""
    entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise InvalidFile(f"{release} would unpack to more than {MAX_BYTES >> 30} GiB; no version is that large.")
    for entry in entries:
        if Path(entry.filename).name != entry.filename or entry.is_dir():
            raise InvalidFile(f"{release} holds {entry.filename!r}; a version's files lie side by side.")
        with archive.open(entry) as source, (folder / entry.filename).open("wb") as target:
            shutil.copyfileobj(source, target)


def _read_manifest(folder: Path, release: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InvalidFile(f"{release} has no {NAME} that can be read: it is no version, or not all of it.") from None
    if not isinstance(manifest, dict):
        raise InvalidFile(f"{NAME} of {release} is no JSON object.")
    return manifest


def _check_file(folder: Path, name: str, digest: str) -> None:
    path = folder / name
    if path.name != name or not path.is_file():
        raise InvalidFile(f"{name!r} is missing. Fetch the version again.")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != digest:
        raise InvalidFile(f"{name} was changed since it was written: its SHA-256 is {found}, expected {digest}.")
