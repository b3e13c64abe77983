"""Which folders could be a dataset: what an admin is offered when making a project."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_MOST_FOLDERS = 30
_MOST_ENTRIES = 5000


@dataclass(frozen=True)
class SplitView:
    name: str
    classes: int
    images: int | None


@dataclass(frozen=True)
class FolderView:
    path: str
    splits: list[SplitView]


def find_folders(roots: list[Path]) -> list[FolderView]:
    """Folders, at or one or two levels below the allowed roots, that are laid out as ``split/class/file``."""
    found: list[FolderView] = []
    for root in roots:
        for folder in _candidates(root):
            splits = _splits(folder)
            if splits:
                found.append(FolderView(str(folder), splits))
            if len(found) >= _MOST_FOLDERS:
                return found
    return found


def _candidates(root: Path) -> list[Path]:
    below = _folders(root)
    return [root, *below, *(inner for folder in below[:50] for inner in _folders(folder)[:50])]


def _splits(folder: Path) -> list[SplitView]:
    names = ("train", "test", "val", "valid", "validation", "dev")
    splits = [inner for inner in _folders(folder) if inner.name.lower() in names]
    return [SplitView(split.name, len(_folders(split)), _images(split)) for split in splits]


def _images(split: Path) -> int | None:
    """Count files in the class folders, as far as that is quick; None for more."""
    count = 0
    for label in _folders(split):
        with os.scandir(label) as entries:
            for _ in entries:
                count += 1
                if count > _MOST_ENTRIES:
                    return None
    return count


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith("."))
    except OSError:
        return []  # a root that is not there yet, or may not be read, offers nothing
    return [folder / name for name in names]
