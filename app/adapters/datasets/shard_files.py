"""The files that a sharded dataset consists of, in the order that numbers their rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import InvalidFile

_DEEPEST = 3
MOST_SHARDS = 100_000


@dataclass(frozen=True, slots=True)
class Shard:
    """One file: its path below the source's folder, with slashes, and its size in bytes."""

    path: str
    size: int


def find_shards(root: Path, endings: tuple[str, ...]) -> list[Shard]:
    """Plain files with one of these endings, at most three folders deep, in order of path. Links are not followed.

    Raises:
        InvalidFile: the folder can't be opened, or there are no such files.
    """
    found: list[Shard] = []
    try:
        _walk(root, "", endings, found, _DEEPEST)
    except OSError as error:
        raise InvalidFile(f"The dataset's folder {root} can't be opened: {error.strerror}.") from None
    if not found:
        raise InvalidFile(f"There are no files ending in {' or '.join(endings)} in {root}.")
    if len(found) > MOST_SHARDS:
        raise InvalidFile(f"{root} has {len(found):,} shards; at most {MOST_SHARDS:,} are read.")
    return sorted(found, key=lambda shard: shard.path)


def _walk(root: Path, below: str, endings: tuple[str, ...], found: list[Shard], depth: int) -> None:
    with os.scandir(root / below) as entries:
        for entry in entries:
            path = f"{below}{entry.name}"
            if entry.name.startswith((".", "_")):
                continue
            if entry.is_dir(follow_symlinks=False) and depth:
                _walk(root, f"{path}/", endings, found, depth - 1)
            elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(endings):
                found.append(Shard(path, entry.stat(follow_symlinks=False).st_size))
