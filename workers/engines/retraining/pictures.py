"""The pictures that models see: decoded once to squares of one size, and kept in a file that all runs share.

A run reads the file by memory mapping, so many processes share one copy of it and it may be larger than the memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.adapters.files import replaced_atomically
from app.domain.errors import InvalidInput
from workers.engines.children import StopCheck, map_in_children
from workers.engines.decoding import CRASHED, ImageProblem, ImageRef
from workers.engines.embeddings import CropResult, CropSize, load_crops

if TYPE_CHECKING:
    import torch

Pixels = NDArray[np.uint8]
"""(images, side, side, 3), RGB."""

_NAMED = 5


class UnreadableImages(InvalidInput):
    """Images that can't be read, by ``keys``. A comparison that left them out quietly would not be of the data that the
    lists are of."""

    def __init__(self, message: str, keys: Sequence[str]) -> None:
        super().__init__(message)
        self.keys = tuple(keys)


class Pictures:
    """One split as a map-style dataset: an item is ``(picture, number of its class)``, the picture (side, side, 3).

    It tells ``targets`` and ``classes``, so that ``CleanedDataset`` can wrap it; its ids are given to that as ``ids=``.
    """

    def __init__(self, pixels: Pixels, targets: Sequence[int], classes: Sequence[str]) -> None:
        import torch

        self._pixels = torch.from_numpy(pixels)
        self.targets = list(targets)
        self.classes = list(classes)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self._pixels[row], self.targets[row]


def keep_pixels(
    path: Path,
    refs: Sequence[ImageRef],
    side: int,
    *,
    processes: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    should_stop: StopCheck | None = None,
) -> None:
    """Decode all images, the shorter side resized to ``side`` and a square cut from the middle, into ``path``.

    Raises:
        UnreadableImages: the message names the first.
        OutOfSpace: the disk is full.
    """
    done = 0
    problems: list[ImageProblem] = []
    with replaced_atomically(path) as stream:
        shape = (len(refs), side, side, 3)
        np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
        found = map_in_children(
            partial(load_crops, CropSize(side, side)), refs, when_crashed=_crashed, processes=processes,
            chunk_size=256, should_stop=should_stop,
        )  # fmt: skip
        for keys, crops, troubles in found:
            problems += troubles
            for crop in crops:
                stream.write(np.ascontiguousarray(crop).data)
            done += len(keys) + len(troubles)
            if on_progress:
                on_progress(done)
        if problems:
            told = "; ".join(f"{problem.key}: {problem.message}" for problem in problems[:_NAMED])
            raise UnreadableImages(
                f"{len(problems):,} of {len(refs):,} images can't be read: {told}. Repair them, or leave them out of "
                "every condition (--leave-out-unreadable).",
                [problem.key for problem in problems],
            )


def _crashed(ref: ImageRef) -> CropResult:
    return [], [], [ImageProblem(ref.key, CRASHED.status, CRASHED.message)]


def open_pixels(path: Path) -> Pixels:
    """The kept pictures, mapped; pages are read as they are looked at. Copy on write, for torch takes no read-only
    memory; nothing writes."""
    found: Pixels = np.load(path, mmap_mode="c")
    return found


def digest_pixels(*paths: Path) -> str:
    """A digest over the files of pictures."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def find_same_pixels(train: Pixels, evaluation: Pixels) -> list[int]:
    """Rows of ``evaluation`` whose picture, at this size, is in ``train`` pixel for pixel."""
    known = {hashlib.sha256(picture.data).digest() for picture in train}
    return [row for row, picture in enumerate(evaluation) if hashlib.sha256(picture.data).digest() in known]
