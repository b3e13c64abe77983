"""Pictures of one small size, from files: what features are learnt from where there is no trained network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from workers.engines.children import StopCheck, map_in_children
from workers.engines.decoding import CRASHED, ImageProblem, ImageRef
from workers.engines.embeddings import CropResult, Crops, CropSize, load_crops

SMALL, LARGER = 32, 64
"""Pixels a side: the first where most images are hardly larger, the second for photos."""

_HARDLY = 48


def side_for(shorter_sides: Sequence[float]) -> int:
    """The side at which images with these shorter sides in pixels show what they are."""
    return SMALL if not len(shorter_sides) or float(np.median(shorter_sides)) <= _HARDLY else LARGER


def load_small(
    refs: Sequence[ImageRef],
    side: int,
    *,
    processes: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    should_stop: StopCheck | None = None,
) -> tuple[list[str], Crops, list[ImageProblem]]:
    """Keys and pictures (n, side, side, 3) of the images that can be read, in order, and the others' problems.

    The shorter side is resized to ``side`` and the middle cut out. Raises ``JobCancelled`` when ``should_stop`` answers
    true.
    """
    keys: list[str] = []
    problems: list[ImageProblem] = []
    crops: list[Crops] = [np.zeros((0, side, side, 3), np.uint8)]
    parts = map_in_children(
        partial(load_crops, CropSize(side, side)), refs, when_crashed=_crashed, processes=processes,
        should_stop=should_stop,
    )  # fmt: skip
    for found, pictures, troubles in parts:
        keys += found
        problems += troubles
        if pictures:
            crops.append(np.stack(pictures))
        if on_progress:
            on_progress(len(keys) + len(problems))
    return keys, np.concatenate(crops), problems


def _crashed(ref: ImageRef) -> CropResult:
    return [], [], [ImageProblem(ref.key, CRASHED.status, CRASHED.message)]
