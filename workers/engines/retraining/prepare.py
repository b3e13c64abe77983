"""From a plan to what its runs need: the pictures of both sets in one file each, and leaks that only pictures show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.domain.retraining.plan import ComparisonPlan, check_plan, leave_out
from workers.engines.children import StopCheck
from workers.engines.decoding import ImageRef
from workers.engines.retraining.networks import check_model
from workers.engines.retraining.pictures import (
    UnreadableImages,
    digest_pixels,
    find_same_pixels,
    keep_pixels,
    open_pixels,
)
from workers.engines.retraining.runs import Work, digest_of_ids

OnRead = Callable[[str, int, int], None]
"""Told the set's name, how many of its images are read, and how many there are."""


def picture_files(plan: ComparisonPlan, folder: Path) -> tuple[Path, Path]:
    """Where the pictures of the training and of the evaluation set lie."""
    side = plan.config.side
    train, evaluation = (digest_of_ids(ids, side) for ids in (plan.base.ids, plan.evaluation.ids))
    return folder / f"train-{train}.npy", folder / f"test-{evaluation}.npy"


def prepare_work(
    plan: ComparisonPlan, train: Sequence[ImageRef], evaluation: Sequence[ImageRef], pictures: Path, runs: Path, *,
    acknowledge_leaks: bool, leave_out_unreadable: bool = False, on_progress: OnRead | None = None,
    should_stop: StopCheck | None = None, processes: int | None = None,
) -> Work:  # fmt: skip
    """Decode what is not there yet into the folder ``pictures``; ``runs`` is where runs will be kept.

    The plan of the answer knows its pictures, and which images of the evaluation set are in training, too.

    Raises:
        InvalidInput: no such model, leaks that nobody acknowledged, or images that can't be read and are not to be
            left out.
        OutOfSpace: the disk is full.
        JobCancelled: ``should_stop`` answered true.
    """
    check_model(plan.config.model)
    pictures.mkdir(parents=True, exist_ok=True)
    unreadable: set[str] = set()
    reduced = plan
    for place, name in enumerate(("train", "test")):
        while not (path := picture_files(reduced, pictures)[place]).exists():
            refs = [ref for ref in (train, evaluation)[place] if ref.key not in unreadable]
            try:
                _decode(path, refs, plan.config.side, name, on_progress, should_stop, processes)
            except UnreadableImages as error:
                if not leave_out_unreadable:
                    raise
                # Decoded anew without them: how many rows a file has is written before its first.
                unreadable |= set(error.keys)
                reduced = leave_out(plan, unreadable, "they can't be read")
    plan, files = reduced, picture_files(reduced, pictures)
    rows = find_same_pixels(open_pixels(files[0]), open_pixels(files[1]))
    same = frozenset(plan.evaluation.ids[row] for row in rows)
    known = replace(plan.evaluation, leaked=plan.evaluation.leaked | same)
    plan = replace(plan, evaluation=known, pixels=digest_pixels(*files))
    check_plan(plan, acknowledge_leaks=acknowledge_leaks)
    return Work(plan, *files, runs)


def _decode(
    path: Path, refs: Sequence[ImageRef], side: int, name: str, on_progress: OnRead | None,
    should_stop: StopCheck | None, processes: int | None,
) -> None:  # fmt: skip
    keep_pixels(
        path, refs, side, processes=processes, should_stop=should_stop,
        on_progress=(lambda done: on_progress(name, done, len(refs))) if on_progress else None,
    )  # fmt: skip
