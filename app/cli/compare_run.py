"""The runs of a ``winnow compare``, and its report."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from workers.engines.retraining.runs import Work, do_all_runs


def run_comparison(args: argparse.Namespace, make_plan: Callable[[argparse.Namespace], Work]) -> None:
    """Train what is missing, then write the report."""
    work = make_plan(args)
    begun = time.monotonic()

    def tell_run(done: int, total: int) -> None:
        left = (time.monotonic() - begun) / done * (total - done)
        print(f"{done:,} of {total:,} runs done, about {left / 60:.0f} minutes left", file=sys.stderr, flush=True)

    def tell_epoch(name: str, seed: int, row: Mapping[str, Any]) -> None:
        print(
            f"{name}, seed {seed}, epoch {row['epoch']}: loss {row['loss']:.3f}, "
            f"evaluation {row['evaluation_accuracy']:.1%}, {row['images_a_second']:,.0f} images/s",
            file=sys.stderr, flush=True,
        )  # fmt: skip

    do_all_runs(work, jobs=args.jobs, on_epoch=tell_epoch, on_run=tell_run)
