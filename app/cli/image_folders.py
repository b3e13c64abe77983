"""Folders of images as a leak search takes them: which files count, how reports name them, which class
they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.domain.errors import InvalidInput
from app.domain.samples import IMAGE_SUFFIXES


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """One split on disk. Keys begin with ``name``, which is the folder's own where that tells the splits
    apart."""

    name: str
    path: Path

    def list_images(self) -> list[tuple[str, Path]]:
        """Keys and paths of all images below the folder, sorted by key."""
        found = [(f"{self.name}/{path.relative_to(self.path).as_posix()}", path) for path in _walk(self.path)]
        if not found:
            endings = ", ".join(sorted(IMAGE_SUFFIXES))
            raise InvalidInput(f"There are no images in {self.path}. Files ending in {endings} count as images.")
        return sorted(found)

    def label_of(self, key: str) -> str | None:
        """The class: the folder that the image is in, unless that is the split itself."""
        parent = PurePosixPath(key).parent
        return None if str(parent) == self.name else parent.name


def open_folders(train: Path, test: Path | None) -> tuple[ImageFolder, ImageFolder | None]:
    train_path = _existing(train, "--train_dir")
    if test is None:
        return ImageFolder(train_path.name, train_path), None
    test_path = _existing(test, "--test_dir")
    if train_path.is_relative_to(test_path) or test_path.is_relative_to(train_path):
        raise InvalidInput(
            f"--train_dir {train} and --test_dir {test} are the same folder or one lies inside the other: "
            "every image would match itself. To look for duplicates inside one folder, leave --test_dir out."
        )
    train_name, test_name = _distinct_names(train_path, test_path)
    return ImageFolder(train_name, train_path), ImageFolder(test_name, test_path)


def _existing(path: Path, option: str) -> Path:
    if not path.is_dir():
        raise InvalidInput(f"{option} {path} is not a folder." if path.exists() else f"{option} {path} does not exist.")
    return path.resolve()


def _distinct_names(first: Path, second: Path) -> tuple[str, str]:
    """The shortest ends of the two paths that differ: ``train`` and ``test``, or ``a/images`` and
    ``b/images``."""
    deepest = max(len(first.parts), len(second.parts))
    for length in range(1, deepest + 1):
        names = "/".join(first.parts[1:][-length:]), "/".join(second.parts[1:][-length:])
        if names[0] != names[1]:
            break
    return names


def _walk(root: Path) -> Iterator[Path]:
    """Image files below ``root``. Linked folders are followed, as class folders often are links, but never
    in a loop."""
    seen: set[tuple[int, int]] = set()
    for folder, subfolders, files in os.walk(root, followlinks=True, onerror=_refuse):
        status = os.stat(folder)  # noqa: PTH116 - one call for each of a million folders
        if (status.st_dev, status.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        subfolders.sort()
        yield from (Path(folder, name) for name in files if _is_image_name(name))


def _is_image_name(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - ten times as fast as Path


def _refuse(error: OSError) -> None:
    """A folder that cannot be listed must not look like an empty one: its leaks would go unseen."""
    raise InvalidInput(f"The folder {error.filename} cannot be listed: {error.strerror}.") from error
