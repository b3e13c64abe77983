"""Datasets that lie in a folder tree ``split/class/file``: listing them, and opening one image safely.

Links are not followed, so nothing outside the root can be reached.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from app.adapters.datasets.contract import (
    LONGEST_SPLIT,
    Listed,
    Reading,
    SkippedFile,
    is_image_name,
    name_problem,
)
from app.domain.errors import InvalidFile, NotFound
from app.domain.samples import PassedOver, SampleRef
from app.domain.sources import SourceSpec, whole_file


def read_folder(spec: SourceSpec, _classes: Mapping[str, int]) -> Reading:
    """List every image as a sample, in order of path. With the option ``split`` the folder is that split's alone.

    Raises:
        InvalidFile: the folder itself can't be opened; raised when the first sample is asked for.
    """
    split = spec.text("split")
    return Reading(_one_split(spec.root, split) if split else _splits(spec.root))


def _opened(root: Path) -> list[os.DirEntry[str]]:
    try:
        return _entries(root)
    except OSError as error:
        raise InvalidFile(f"The dataset's folder {root} can't be opened: {error.strerror}.") from None


def _one_split(root: Path, split: str) -> Iterator[Listed]:
    for label in _opened(root):
        problem = _folder_problem(label, PassedOver.BESIDE_CLASSES)
        if problem is None:
            yield from _class_samples(split, label, inside=True)
        else:
            yield SkippedFile(label.name, problem)


def _splits(root: Path) -> Iterator[Listed]:
    for split in _opened(root):
        problem = _folder_problem(split, PassedOver.BESIDE_SPLITS)
        if problem is None and len(split.name) > LONGEST_SPLIT:
            problem = PassedOver.LONG_NAME
        if problem is None:
            yield from _split_samples(split)
        else:
            yield SkippedFile(split.name, problem)


def _split_samples(split: os.DirEntry[str]) -> Iterator[Listed]:
    try:
        labels = _entries(split.path)
    except OSError:
        yield SkippedFile(split.name, PassedOver.UNREADABLE)
        return
    for label in labels:
        problem = _folder_problem(label, PassedOver.BESIDE_CLASSES)
        if problem is None:
            yield from _class_samples(split.name, label)
        else:
            yield SkippedFile(f"{split.name}/{label.name}", problem)


def _class_samples(split: str, label: os.DirEntry[str], *, inside: bool = False) -> Iterator[Listed]:
    try:
        entries = _entries(label.path)
    except OSError:
        yield SkippedFile(f"{split}/{label.name}", PassedOver.UNREADABLE)
        return
    for entry in entries:
        key = f"{split}/{label.name}/{entry.name}"
        problem = _file_problem(key, entry)
        locator = whole_file(f"{label.name}/{entry.name}") if inside and problem is None else None
        size = None if problem else _size(entry)
        yield (SkippedFile(key, problem) if problem else SampleRef(split, key, label.name, locator=locator, bytes=size))


def _size(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return None  # gone this moment; whoever reads it says so


def _folder_problem(entry: os.DirEntry[str], no_folder: PassedOver) -> PassedOver | None:
    if entry.name.startswith("."):
        return PassedOver.HIDDEN
    if entry.is_symlink():
        return PassedOver.LINK
    return None if entry.is_dir(follow_symlinks=False) else no_folder


def _file_problem(key: str, entry: os.DirEntry[str]) -> PassedOver | None:
    if entry.name.startswith("."):
        return PassedOver.HIDDEN
    if name_problem(key) is PassedOver.BAD_NAME:
        return PassedOver.BAD_NAME
    if entry.is_symlink():
        return PassedOver.LINK
    if not entry.is_file(follow_symlinks=False):
        return PassedOver.INSIDE_CLASS
    return name_problem(key) if is_image_name(entry.name) else PassedOver.NOT_AN_IMAGE


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)


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


def find_missing(root: Path, keys: Iterable[str]) -> list[str]:
    """Those of these samples whose file is gone. What can't be looked at for another reason is not called gone."""
    return [key for key in keys if _is_gone(f"{root}/{key}")]


def _is_gone(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


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


def normalise_key(path: str, *roots: Path) -> str | None:
    """Turn a path from an export into a sample key; None when it leads outside the dataset.

    Backslashes count as slashes, a leading ``./`` is dropped, an absolute path must lie below one of
    ``roots``.
    """
    clean = path.replace("\\", "/")
    if clean.startswith("/"):
        prefix = next((f"{root}/" for root in roots if clean.startswith(f"{root}/")), None)
        if prefix is None:
            return None
        clean = clean[len(prefix) :]
    parts = [part for part in clean.split("/") if part not in ("", ".")]
    return None if ".." in parts or not parts else "/".join(parts)
