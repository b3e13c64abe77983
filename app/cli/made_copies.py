"""Copies made on purpose: photos changed in every known way, in a folder, with their originals known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from app.domain.errors import InvalidInput
from app.domain.samples import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from workers.engines.decoding import ImageRef

SEED = 14
QUALITY = 95
"""Of the JPEG files that copies are written as: none of them has its original's pixels."""


@dataclass(frozen=True, slots=True)
class MadeCopy:
    """A copy, the key of its original and the name of what was changed."""

    ref: ImageRef
    original: str
    change: str


def list_photos(folder: Path) -> list[ImageRef]:
    from workers.engines.decoding import ImageRef

    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise InvalidInput(f"There are no images in {folder}.")
    return [ImageRef(f"train/{path.relative_to(folder).as_posix()}", path) for path in paths]


def make_copies(photos: list[ImageRef], count: int, folder: Path, seed: int = SEED) -> list[MadeCopy]:
    """Each change of ``count`` photos chosen by chance, always the same for the same seed."""
    from PIL import Image

    from app.demo.changes import CHANGES, change
    from workers.engines.decoding import ImageRef

    if count < 1:
        raise InvalidInput(f"--photos must be at least 1, not {count}.")
    random = Random(seed)  # noqa: S311 - chance that can be repeated
    chosen = sorted(random.sample(range(len(photos)), min(count, len(photos))))
    copies = []
    for n in chosen:
        with Image.open(photos[n].path) as opened:
            picture = opened.convert("RGB")
        for name in CHANGES:
            key = f"test/{name}/{n:06d}.jpg"
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            change(picture, name, random).save(path, quality=QUALITY)
            copies.append(MadeCopy(ImageRef(key, path), photos[n].key, name))
    return copies
