"""What a comparison hands out, from the results of its runs: the record, and each file that is made of it.

The command line writes the files into a folder, a job on workers into one zip; both get the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.deliverables.training.page import draw_plots, render_page
from app.deliverables.training.publication import make_publication
from app.deliverables.training.slides import make_slides
from app.deliverables.training.tables import make_tables, write_csv, write_latex
from app.domain.retraining.outcomes import ConditionOutcome, summarise
from app.domain.retraining.plan import ComparisonPlan
from workers.engines.retraining.corruptions import KINDS, STRENGTHS
from workers.engines.retraining.run_files import RunResult

Results = Mapping[tuple[str, int], RunResult]
"""By condition and seed."""


def make_record(plan: ComparisonPlan, results: Results, resamples: int) -> dict[str, Any]:
    """The record of a comparison from the results of all its runs."""
    outcomes = {one.name: _collect([results[one.name, seed] for seed in plan.seeds]) for one in plan.conditions}
    return summarise(plan, outcomes, KINDS, STRENGTHS, resamples=resamples)


def _collect(runs: Sequence[RunResult]) -> ConditionOutcome:
    """The runs of one condition, in the order of their seeds."""
    return ConditionOutcome(
        np.stack([run.predicted for run in runs]), np.stack([run.confidence for run in runs]),
        np.stack([run.true_probability for run in runs]), np.stack([run.corrupted for run in runs]),
        tuple(run.curve for run in runs), tuple(run.facts for run in runs),
    )  # fmt: skip


def make_files(record: Mapping[str, Any], results: Results) -> dict[str, bytes]:
    """Files by their path: ``report.html``, ``report.json``, ``slides.pptx``, ``tables/``; times apart in
    ``timing.csv``, for they differ from one try to the next."""
    files = {
        "report.json": encode_record(record), "report.html": render_page(record, draw_plots(record)),
        "slides.pptx": make_slides(record),
    }  # fmt: skip
    for name, table in make_tables(record).items():
        files[f"tables/{name}.csv"] = write_csv(table)
    files["tables/tables.tex"] = write_latex(record).encode()
    columns = ["condition", "seed", "epoch", "seconds", "images_a_second"]
    rows = [
        [name, seed, row["epoch"], row["seconds"], row["images_a_second"]]
        for (name, seed), run in sorted(results.items())
        for row in run.curve
    ]
    files["timing.csv"] = write_csv((columns, rows))
    return files


def make_published(plan: ComparisonPlan, record: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """A folder for the Hugging Face Hub by path: card, lists and report. Nothing is sent anywhere."""
    published = make_publication(plan, record)
    return {**published, "report.json": files["report.json"], "report.html": files["report.html"]}


def encode_record(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()
