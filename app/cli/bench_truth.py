"""``bench leaks --truth``: what leak search finds, against what people judged, beside other ways in the same run.

Test images are ranked by the score of their best pair. The others are a pHash, a plain correlation of small grey
pictures, and fastdup where its output is at hand.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.image_folders import open_folders
from app.domain.errors import InvalidInput
from app.domain.leaks import DEFAULT_MAX_DISTANCE, DEFAULT_METHODS, MIN_SCORE, LeakCandidate

if TYPE_CHECKING:
    from app.cli.judged_leaks import Pair, Scores

FASTDUP_THRESHOLD = 0.96
"""What fastdup calls a near duplicate unless told otherwise."""

PHASH_THRESHOLD = 1 - DEFAULT_MAX_DISTANCE / 64


def bench_truth(images: Path, truth: Path, fastdup: Path | None = None, *, processes: int = 2) -> dict[str, Any]:
    """Figures of the ranking for each way, and the calibration of the scores."""
    from app.cli import judged_leaks, plain_searches
    from workers.engines.decoding import ImageRef
    from workers.engines.leak_run import run_leaks

    train_folder, test_folder = open_folders(images / "train", images / "test")
    if not test_folder:
        raise InvalidInput(f"{images} needs a folder train and a folder test.")
    train, test = ([ImageRef(*row) for row in folder.list_images()] for folder in (train_folder, test_folder))
    test_keys, train_keys = [ref.key for ref in test], [ref.key for ref in train]
    judged = judged_leaks.read_judged(truth)
    judged_leaks.check_known(judged, test_keys, train_keys)
    wanted = judged_leaks.targets(judged, test_keys)
    rows: list[dict[str, Any]] = []

    def add(name: str, threshold: float | None, search: Callable[[], Scores]) -> None:
        begun = time.perf_counter()
        scores = search()
        seconds = time.perf_counter() - begun
        rows.append({"name": name, **judged_leaks.measure_ranking(scores, wanted, threshold), "seconds": seconds})

    scored: dict[Pair, float] = {}

    def search_here() -> Scores:
        found = run_leaks(train, test, DEFAULT_METHODS, processes=processes, include_rejected=True)
        scored.update(pair_scores(found.candidates))
        return judged_leaks.best_scores(scored, test_keys)

    paths = [ref.path for ref in train], [ref.path for ref in test]
    add("winnow", MIN_SCORE, search_here)
    add("pHash", PHASH_THRESHOLD, lambda: plain_searches.search_by_phash(*paths, processes))
    add("correlation", None, lambda: plain_searches.search_by_correlation(*paths, processes))
    if fastdup:
        add("fastdup", FASTDUP_THRESHOLD, lambda: plain_searches.read_fastdup(fastdup, test_keys, train_keys))
    return {
        "train_images": len(train),
        "test_images": len(test),
        "test_images_with_duplicate": int(wanted.is_positive.sum()),
        "test_images_left_out": int((~wanted.counts).sum()),
        "methods": rows,
        "calibration": {
            never_judged.value: judged_leaks.measure_calibration(scored, judged, never_judged)
            for never_judged in judged_leaks.NeverJudged
        },
    }


def pair_scores(candidates: Iterable[LeakCandidate]) -> dict[Pair, float]:
    """The score of each pair, by its test and its train image."""
    scored: dict[Pair, float] = {}
    for candidate in candidates:
        pair = (candidate.test_image, candidate.train_image)
        scored[pair] = max(scored.get(pair, 0.0), candidate.score or 0.0)
    return scored


def describe(figures: dict[str, Any]) -> str:
    heading = f"{'':<12}{'average':>10}{'recall at':>11}{'at its':>10}{'':>11}{'':>8}{'':>10}"
    names = f"{'':<12}{'precision':>10}{'prec. 0.9':>11}{'threshold':>10}{'precision':>11}{'recall':>8}{'seconds':>10}"
    rows = [
        f"{row['name']:<12}{row['average_precision']:>10.3f}{row['recall_at_precision_0.9']:>11.3f}"
        f"{_number(row['threshold']):>10}{_number(row['precision']):>11}{_number(row['recall']):>8}{row['seconds']:>10.1f}"
        for row in figures["methods"]
    ]
    return "\n".join(
        [
            f"{figures['test_images']:,} test images and {figures['train_images']:,} train images; "
            f"{figures['test_images_with_duplicate']:,} test images have a duplicate, "
            f"{figures['test_images_left_out']:,} are left out",
            "",
            heading.rstrip(),
            names,
            *rows,
            "",
            *_calibration_lines(list(figures["calibration"].values())),
        ]
    )


def _calibration_lines(tables: list[dict[str, Any]]) -> list[str]:
    titles = ("never judged = different", "unless a duplicate is known", "judged pairs alone")
    lines = [
        " " * 12 + "".join(f"{title:>30}" for title in titles),
        "score".ljust(12) + f"{'pairs':>10}{'mean':>8}{'duplicate':>12}" * len(tables),
    ]
    for rows in zip(*(table["tenths"] for table in tables), strict=True):
        cells = "".join(
            f"{row['pairs']:>10,}{_number(row['mean_score']):>8}{_number(row['share_duplicate']):>12}" for row in rows
        )
        lines.append(f"{rows[0]['from']:.1f} to {rows[0]['from'] + 0.1:.1f}  {cells}")
    errors = "".join(f"{table['expected_calibration_error']:>30.4f}" for table in tables)
    return [*lines, "error".ljust(12) + errors]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
