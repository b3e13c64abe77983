"""The runs of a ``winnow compare``, and its report."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.adapters.files import write_atomically
from app.deliverables.training.page import draw_plots, render_page
from app.deliverables.training.publication import make_publication
from app.deliverables.training.tables import make_tables, write_csv, write_latex
from app.domain.errors import InvalidInput
from app.domain.retraining.outcomes import ConditionOutcome, summarise
from app.domain.retraining.plan import ComparisonPlan
from workers.engines.retraining.corruptions import KINDS, STRENGTHS
from workers.engines.retraining.run_files import RunResult
from workers.engines.retraining.runs import Work, do_all_runs

Results = Mapping[tuple[str, int], RunResult]


def run_comparison(args: argparse.Namespace, make_plan: Callable[[argparse.Namespace], Work]) -> None:
    """Train what is missing, then write the report."""
    if not 1 <= args.resamples <= 1_000_000 or args.jobs < 1:
        raise InvalidInput("--resamples is from 1 to 1,000,000, and --jobs at least 1.")
    work = make_plan(args)
    results = do_all_runs(work, jobs=args.jobs, on_epoch=_tell_epoch, on_run=_progress())
    record = make_record(work.plan, results, args.resamples)
    write_outcome(args.output, record, results)
    if args.publish:
        publish(args.publish, work.plan, record)
    print(json.dumps(record) if args.json else "\n".join(describe(record, args.output)))


def make_record(plan: ComparisonPlan, results: Results, resamples: int) -> dict[str, Any]:
    """The record of a comparison from the results of all its runs."""
    outcomes = {one.name: collect([results[one.name, seed] for seed in plan.seeds]) for one in plan.conditions}
    return summarise(plan, outcomes, KINDS, STRENGTHS, resamples=resamples)


def collect(runs: Sequence[RunResult]) -> ConditionOutcome:
    """The runs of one condition, in the order of their seeds."""
    return ConditionOutcome(
        np.stack([run.predicted for run in runs]), np.stack([run.confidence for run in runs]),
        np.stack([run.true_probability for run in runs]), np.stack([run.corrupted for run in runs]),
        tuple(run.curve for run in runs), tuple(run.facts for run in runs),
    )  # fmt: skip


def write_outcome(folder: Path, record: Mapping[str, Any], results: Results) -> None:
    """``report.json``, ``report.html``, ``tables/``, ``figures/``; times apart in ``timing.csv``, for they differ.

    Raises:
        OutOfSpace: the disk is full; the runs are kept, and the same command again writes the report.
    """
    plots = draw_plots(record)
    _write(folder / "report.json", _as_json(record))
    _write(folder / "report.html", render_page(record, plots))
    for name, table in make_tables(record).items():
        _write(folder / "tables" / f"{name}.csv", write_csv(table))
    _write(folder / "tables" / "tables.tex", write_latex(record).encode())
    columns = ["condition", "seed", "epoch", "seconds", "images_a_second"]
    rows = [
        [name, seed, row["epoch"], row["seconds"], row["images_a_second"]]
        for (name, seed), run in sorted(results.items())
        for row in run.curve
    ]
    _write(folder / "timing.csv", write_csv((columns, rows)))


def publish(folder: Path, plan: ComparisonPlan, record: Mapping[str, Any]) -> None:
    """A folder for the Hugging Face Hub: card, lists and report. Nothing is sent anywhere."""
    for name, data in make_publication(plan, record).items():
        _write(folder / name, data)
    _write(folder / "report.json", _as_json(record))
    _write(folder / "report.html", render_page(record, draw_plots(record)))


def _as_json(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()


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
