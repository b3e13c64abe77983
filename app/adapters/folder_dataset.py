"""Datasets that lie in a folder tree ``split/class/file``: listing them, and opening one image safely.

Nothing is written there. Links are not followed, so nothing outside the root can be reached.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.domain.errors import InvalidFile, NotFound
from app.domain.samples import IMAGE_SUFFIXES, SampleRef


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that was not taken as a sample, and why."""

    key: str
    reason: str


def list_samples(root: Path) -> Iterator[SampleRef | SkippedFile]:
    """List every image as a sample, in order of path; what is passed over comes as ``SkippedFile``."""
    for split in _entries(root):
        if not split.is_dir(follow_symlinks=False):
            yield SkippedFile(_shown(split.name), "a file beside the split folders")
            continue
        for label in _entries(split.path):
            if not label.is_dir(follow_symlinks=False):
                yield SkippedFile(_shown(f"{split.name}/{label.name}"), "a file beside the class folders")
                continue
            yield from _class_samples(split.name, label)


def _class_samples(split: str, label: os.DirEntry[str]) -> Iterator[SampleRef | SkippedFile]:
    for entry in _entries(label.path):
        key = f"{split}/{label.name}/{entry.name}"
        problem = _problem(key, entry)
        yield SkippedFile(_shown(key), problem) if problem else SampleRef(split, key, label.name)


def _problem(key: str, entry: os.DirEntry[str]) -> str | None:
    if not key.isprintable() or key != _shown(key):
        return "a name that can't be written in a list (control characters or not UTF-8)"
    if entry.is_symlink():
        return "a link; links are not followed"
    if not entry.is_file(follow_symlinks=False):
        return "a folder or special file inside a class folder"
    if Path(entry.name).suffix.lower() not in IMAGE_SUFFIXES:
        return "not an image by its name"
    return "a path longer than 1,024 characters" if len(key) > 1024 else None


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted((e for e in found if not e.name.startswith(".")), key=lambda entry: entry.name)


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def open_image(root: Path, key: str) -> BinaryIO:
    """Open one sample's file for reading.

    Every part of the path is opened by itself and links are refused, so a link that appears after the dataset was
    listed leads nowhere.

    Raises:
        NotFound: the file is missing, or is no plain file below ``root``.
        InvalidFile: it can't be read (permissions, disk).
    """
    parts = key.split("/")
    if not all(parts) or any(part in (".", "..") for part in parts):
        raise NotFound(f"{key!r} is no path inside the dataset.")
    try:
        return os.fdopen(_open_below(root, parts), "rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotFound(f"The file {key} is missing from the dataset's folder.") from None
    except OSError as error:
        raise InvalidFile(f"The file {key} can't be read: {error.strerror}.") from None


def _open_below(root: Path, parts: list[str]) -> int:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        # Without O_NONBLOCK a pipe that lies there would hold the request for ever.
        file = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise IsADirectoryError
    return file


def file_size(root: Path, key: str) -> int | None:
    """Bytes of one sample's file; None where there is no plain file."""
    try:
        found = os.lstat(root / key)
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def normalise_key(path: str, root: Path) -> str | None:
    """Turn a path from an export into a sample key; None when it leads outside the dataset.

    Backslashes count as slashes, a leading ``./`` is dropped, an absolute path must lie below ``root``.
    """
    clean = path.replace("\\", "/")
    if clean.startswith("/"):
        prefix = f"{root}/"
        if not clean.startswith(prefix):
            return None
        clean = clean[len(prefix) :]
    parts = [part for part in clean.split("/") if part not in ("", ".")]
    return None if ".." in parts or not parts else "/".join(parts)
