"""The runs of a comparison: each trained, measured and kept, or found done already."""

from __future__ import annotations

import hashlib
import multiprocessing
import platform
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.cleaned_dataset import CleanedDataset
from app.domain.errors import WinnowError
from app.domain.retraining.conditions import Condition, Lists
from app.domain.retraining.plan import ComparisonPlan, digest_of_base, digest_of_run, spread_rows
from workers.engines.embeddings import choose_device
from workers.engines.retraining.measuring import (
    measure_each_epoch,
    predict,
    predict_corrupted,
    summarise_prediction,
)
from workers.engines.retraining.pictures import Pictures, open_pixels
from workers.engines.retraining.run_files import RunResult, drop_checkpoint, find_result, write_result
from workers.engines.retraining.training import deterministic, train

OnEpoch = Callable[[str, int, Mapping[str, Any]], None]
"""Told condition, seed and the row of the curve."""


class TrainingDied(WinnowError):
    """A training process was killed; what was done is kept."""

    code = "training_died"


@dataclass(frozen=True, slots=True)
class Work:
    """A plan, the files of pictures of both its sets, and the folder where runs are kept."""

    plan: ComparisonPlan
    train_pixels: Path
    evaluation_pixels: Path
    folder: Path

    def run_folder(self, condition: Condition, seed: int, digest: str) -> Path:
        """A folder's name may not hold all that a condition's may."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", condition.name)[:60].strip("-.") or "condition"
        return self.folder / "runs" / f"{name}-{digest[:12]}" / f"seed-{seed}"


def cleaned(pictures: Pictures, plan: ComparisonPlan, lists: Lists) -> CleanedDataset | Pictures:
    """The training set of one run."""
    if not lists.touched:
        return pictures
    return CleanedDataset.from_lists(pictures, sorted(lists.removed), dict(lists.relabelled), ids=plan.base.ids)


def do_run(
    work: Work, condition: Condition, seed: int, base_digest: str, *, on_epoch: OnEpoch | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[RunResult, bool]:  # fmt: skip
    """The run's result, and whether it was there already.

    Raises:
        InvalidInput: no such model or device, or training diverged.
        OutOfSpace: the disk is full; the last checkpoint is kept.
        JobCancelled: ``should_stop`` answered true.
    """
    plan = work.plan
    lists = condition.draw(plan.base, seed)
    digest = digest_of_run(plan, base_digest, lists, seed)
    folder = work.run_folder(condition, seed, digest)
    if kept := find_result(folder, digest):
        return kept, True
    begun = time.perf_counter()
    place = {name: number for number, name in enumerate(plan.base.classes)}
    pictures = Pictures(open_pixels(work.train_pixels), [place[x] for x in plan.base.labels], plan.base.classes)
    pixels = open_pixels(work.evaluation_pixels)
    labels = np.array([place[label] for label in plan.evaluation.labels], np.int64)
    device = choose_device(plan.config.device)
    seen = spread_rows(len(labels), plan.config.curve_images)
    with deterministic(plan.config):
        trained = train(
            cleaned(pictures, plan, lists), len(place), plan.config, seed, folder, digest,  # type: ignore[arg-type]
            measure=measure_each_epoch(pixels[seen], labels[seen], device),
            on_epoch=(lambda row: on_epoch(condition.name, seed, row)) if on_epoch else None, should_stop=should_stop,
        )  # fmt: skip
        predicted, confidence, true = summarise_prediction(predict(trained.network, pixels, device), labels)
        rows = spread_rows(len(labels), plan.config.robustness_images)
        corrupted = predict_corrupted(trained.network, pixels[rows], device, should_stop)
    facts = {**_versions(), "device": _device_name(device), "seconds_since_start": time.perf_counter() - begun}
    result = RunResult(predicted, confidence, true, corrupted, tuple(trained.curve), facts)
    write_result(folder, digest, result)
    drop_checkpoint(folder)
    return result, False


def _versions() -> dict[str, str]:
    import torch
    import torchvision

    return {
        "python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__,
        "numpy": np.__version__,
    }  # fmt: skip


def _device_name(device: Any) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {platform.machine()}"


def do_all_runs(
    work: Work, *, jobs: int = 1, on_epoch: OnEpoch | None = None, on_run: Callable[[int, int], None]
) -> dict[tuple[str, int], RunResult]:
    """Every run of the plan by condition and seed. ``on_run`` is told how many are done of how many.

    Raises:
        TrainingDied: a process was killed, by the system for want of memory, say. What is done is kept.
        WinnowError: what ``do_run`` raises.
    """
    base_digest = digest_of_base(work.plan)
    runs = work.plan.runs()
    found: dict[tuple[str, int], RunResult] = {}
    missing: list[tuple[Condition, int]] = []
    for condition, seed in runs:
        if kept := find_run(work, condition, seed, base_digest):
            found[condition.name, seed] = kept
        else:
            missing.append((condition, seed))
    if jobs > 1 and missing:
        _do_in_processes(work, missing, base_digest, min(jobs, len(missing)), found, on_run)
        return found
    for condition, seed in missing:
        found[condition.name, seed], _ = do_run(work, condition, seed, base_digest, on_epoch=on_epoch)
        on_run(len(found), len(runs))
    return found


def folder_of_run(work: Work, condition: Condition, seed: int, base_digest: str) -> Path:
    """Where a run keeps its checkpoint, curve and result; it may not be there yet."""
    digest = digest_of_run(work.plan, base_digest, condition.draw(work.plan.base, seed), seed)
    return work.run_folder(condition, seed, digest)


def find_run(work: Work, condition: Condition, seed: int, base_digest: str) -> RunResult | None:
    """The result of a run that was done before.

    Raises:
        InvalidFile: its file is broken.
    """
    digest = digest_of_run(work.plan, base_digest, condition.draw(work.plan.base, seed), seed)
    return find_result(work.run_folder(condition, seed, digest), digest)


def _do_in_processes(
    work: Work, missing: Sequence[tuple[Condition, int]], base_digest: str, jobs: int,
    found: dict[tuple[str, int], RunResult], on_run: Callable[[int, int], None],
) -> None:  # fmt: skip
    """Do the missing runs and put them among the found ones."""
    total = len(found) + len(missing)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_process, initargs=(stop,)) as pool:
        tasks = {pool.submit(_do_in_process, work, one, seed, base_digest): (one.name, seed) for one, seed in missing}
        try:
            for task in as_completed(tasks):
                found[tasks[task]] = task.result()
                on_run(len(found), total)
        except BrokenProcessPool as error:
            raise TrainingDied(
                "A training process was killed, perhaps because memory ran out. Finished runs and the last epoch of "
                "the others are kept: run the same command again, with a lower --jobs."
            ) from error
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_STOP: list[Any] = []
"""In a training process: the event that its parent sets to end it."""


def _begin_process(stop: Any) -> None:
    import signal

    # Ctrl-C reaches every process of the terminal; the parent tells these to stop after the step at hand.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _STOP.append(stop)


def _do_in_process(work: Work, condition: Condition, seed: int, base_digest: str) -> RunResult:
    parent = multiprocessing.parent_process()

    def should_stop() -> bool:
        return bool(_STOP[0].is_set()) or parent is None or not parent.is_alive()

    return do_run(work, condition, seed, base_digest, should_stop=should_stop)[0]


def digest_of_ids(ids: tuple[str, ...], side: int) -> str:
    """Names the file of pictures of a set."""
    return hashlib.sha256("\n".join([str(side), *ids]).encode("utf-8", "surrogateescape")).hexdigest()[:16]
