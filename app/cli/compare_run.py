"""The runs of a ``winnow compare``, and its report."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.adapters.files import write_atomically
from app.domain.errors import InvalidInput
from workers.engines.retraining.outcome_files import make_files, make_published, make_record
from workers.engines.retraining.runs import Work, do_all_runs


def run_comparison(args: argparse.Namespace, make_plan: Callable[[argparse.Namespace], Work]) -> None:
    """Train what is missing, then write the report."""
    if not 1 <= args.resamples <= 1_000_000 or args.jobs < 1:
        raise InvalidInput("--resamples is from 1 to 1,000,000, and --jobs at least 1.")
    work = make_plan(args)
    results = do_all_runs(work, jobs=args.jobs, on_epoch=_tell_epoch, on_run=_progress())
    record = make_record(work.plan, results, args.resamples)
    files = make_files(record, results)
    write_outcome(args.output, files)
    if args.publish:
        write_outcome(args.publish, make_published(work.plan, record, files))
    print(json.dumps(record) if args.json else "\n".join(describe(record, args.output)))


def write_outcome(folder: Path, files: Mapping[str, bytes]) -> None:
    """
    Raises:
        OutOfSpace: the disk is full; the runs are kept, and the same command again writes the report.
    """
    for name, data in files.items():
        _write(folder / name, data)


def _write(path: Path, data: bytes) -> None:
    write_atomically(path, lambda stream: stream.write(data))


def _progress() -> Callable[[int, int], None]:
    begun = time.monotonic()
    done_before: list[int] = []

    def tell(done: int, total: int) -> None:
        done_before[:] = done_before or [done - 1]  # runs of an earlier try took no time in this one
        left = (time.monotonic() - begun) / (done - done_before[0]) * (total - done)
        print(f"{done:,} of {total:,} runs done, about {left / 60:.0f} minutes left", file=sys.stderr, flush=True)

    return tell


def _tell_epoch(name: str, seed: int, row: Mapping[str, Any]) -> None:
    print(
        f"{name}, seed {seed}, epoch {row['epoch']}: loss {row['loss']:.3f}, evaluation "
        f"{row['evaluation_accuracy']:.1%}, {row['images_a_second']:,.0f} images/s",
        file=sys.stderr, flush=True,
    )  # fmt: skip


def describe(record: Mapping[str, Any], folder: Path) -> list[str]:
    """What follows, a line a condition."""
    lines = [f"{name:<32} {100 * found['mean']:6.2f} %  ({100 * found['low']:.2f} to {100 * found['high']:.2f})"
             for name, found in record["parts"][0]["accuracy"].items()]  # fmt: skip
    lines += [f"{verdict['follows']} {verdict['does_not_follow']}" for verdict in record["verdicts"]]
    return [*lines, *record["leaks"], f"The report is {folder / 'report.html'}."]
