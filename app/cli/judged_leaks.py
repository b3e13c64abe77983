"""Leaks that people judged, and how well scores agree with them.

A test image with a duplicate among the train images is to be found. One whose pairs are only ``similar`` or ``unsure``
counts neither way. All others, those that nobody judged too, count as wrong.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import InvalidInput

DUPLICATE, SIMILAR, DIFFERENT, UNSURE = "duplicate", "similar", "different", "unsure"
LABELS = (DUPLICATE, SIMILAR, DIFFERENT, UNSURE)
COLUMNS = ("test_image", "train_image", "label")
TENTHS = 10

Pair = tuple[str, str]
"""A test image and a train image."""

Judged = Mapping[Pair, str]
Scores = NDArray[np.float64]
Marks = NDArray[np.bool_]


def read_judged(path: Path) -> dict[Pair, str]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise InvalidInput(f"{path} has no column {', '.join(missing)}. It needs {', '.join(COLUMNS)}.")
            judged = {(row["test_image"], row["train_image"]): row["label"] for row in reader}
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    if unknown := sorted(set(judged.values()) - set(LABELS)):
        raise InvalidInput(f"{path} has the label {unknown[0]!r}. Labels are {', '.join(LABELS)}.")
    return judged


def best_scores(scored: Mapping[Pair, float], test_images: Sequence[str]) -> Scores:
    """The highest score of each test image, 0 where it is in no pair."""
    best = dict.fromkeys(test_images, 0.0)
    for (test_image, _), score in scored.items():
        best[test_image] = max(best[test_image], score)
    return np.array([best[image] for image in test_images])


@dataclass(frozen=True, slots=True)
class Targets:
    """For each test image whether it has a duplicate, and whether it counts at all."""

    is_positive: Marks
    counts: Marks


def targets(judged: Judged, test_images: Sequence[str]) -> Targets:
    labels: dict[str, set[str]] = {}
    for (test_image, _), label in judged.items():
        labels.setdefault(test_image, set()).add(label)
    is_positive = np.array([DUPLICATE in labels.get(image, ()) for image in test_images], bool)
    is_doubtful = np.array([bool(labels.get(image, set()) & {SIMILAR, UNSURE}) for image in test_images], bool)
    return Targets(is_positive, is_positive | ~is_doubtful)


def measure_ranking(scores: Scores, wanted: Targets, threshold: float | None = None) -> dict[str, float | None]:
    """Average precision, recall at precision 0.9, and precision and recall at the threshold. Equal scores are one
    step, so that their order plays no part."""
    scores, is_positive = scores[wanted.counts], wanted.is_positive[wanted.counts]
    precision, recall = precision_and_recall(scores, is_positive)
    accepted = scores >= threshold if threshold is not None else np.zeros(len(scores), bool)
    hits = float((accepted & is_positive).sum())
    return {
        "average_precision": float((np.diff(recall, prepend=0.0) * precision).sum()),
        "recall_at_precision_0.9": float(max(recall[precision >= 0.9], default=0.0)),
        "threshold": threshold,
        "precision": hits / float(accepted.sum()) if accepted.any() else None,
        "recall": hits / float(max(is_positive.sum(), 1)) if threshold is not None else None,
    }


def precision_and_recall(scores: Scores, is_positive: Marks) -> tuple[Scores, Scores]:
    """Both at each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    last_of_equal = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    hits = np.cumsum(is_positive[order])[last_of_equal]
    return hits / (last_of_equal + 1), hits / max(is_positive.sum(), 1)


class NeverJudged(StrEnum):
    """What becomes of pairs that nobody judged. People looked at the likeliest pairs of an image, so that further
    copies of one with a known duplicate were mostly not looked at: ``OF_OTHERS`` leaves these out."""

    DIFFERENT = "different"
    OF_OTHERS = "different_unless_a_duplicate_is_known"
    LEFT_OUT = "left_out"


def measure_calibration(scored: Mapping[Pair, float], judged: Judged, never_judged: NeverJudged) -> dict[str, Any]:
    """Whether of ten pairs with a score of 0.9 nine are duplicates: a row for each tenth of the score, and the
    expected calibration error."""
    copied = {test_image for (test_image, _), label in judged.items() if label == DUPLICATE}
    used: list[tuple[float, bool]] = []
    for pair, score in scored.items():
        label = judged.get(pair)
        is_used = label in (DUPLICATE, DIFFERENT)
        if label is None:
            is_used = never_judged is NeverJudged.DIFFERENT or (
                never_judged is NeverJudged.OF_OTHERS and pair[0] not in copied
            )
        if is_used:
            used.append((score, label == DUPLICATE))
    scores, is_positive = np.array([s for s, _ in used], float), np.array([p for _, p in used], bool)
    return {"pairs": len(used), **calibration_table(scores, is_positive)}


def calibration_table(scores: Scores, is_positive: Marks) -> dict[str, Any]:
    tenth = np.minimum((scores * TENTHS).astype(int), TENTHS - 1)
    rows = [_tenth(scores, is_positive, tenth == n, n) for n in range(TENTHS)]
    error = sum(row["pairs"] * abs(row["mean_score"] - row["share_duplicate"]) for row in rows if row["pairs"])
    return {"tenths": rows, "expected_calibration_error": error / max(len(scores), 1)}


def _tenth(scores: Scores, is_positive: Marks, inside: Marks, n: int) -> dict[str, Any]:
    some = bool(inside.any())
    return {
        "from": n / TENTHS,
        "pairs": int(inside.sum()),
        "mean_score": float(scores[inside].mean()) if some else None,
        "share_duplicate": float(is_positive[inside].mean()) if some else None,
    }


def check_known(judged: Iterable[Pair], test_images: Sequence[str], train_images: Sequence[str]) -> None:
    """A file about other images would make every score look wrong."""
    pairs = list(judged)
    known = set(test_images), set(train_images)
    if not any(test in known[0] and train in known[1] for test, train in pairs):
        example = f", such as {pairs[0][0]}" if pairs else ""
        raise InvalidInput(
            f"None of the judged pairs is among the images{example}; they have names like {test_images[0]}."
        )
