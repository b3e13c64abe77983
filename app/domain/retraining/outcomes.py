"""What came out of a comparison, as one record: every figure of the report is read from here, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.domain.retraining.conditions import Condition, ConditionKind
from app.domain.retraining.plan import ComparisonPlan, describe_lists, spread_rows
from app.domain.retraining.statistics import (
    Comparison,
    compare,
    correct_for_several,
    expected_calibration_error,
    majority,
    mean_interval,
)
from app.domain.retraining.verdicts import judge

Predictions = NDArray[np.int32]
CONTROL_KINDS = (ConditionKind.RANDOM_REMOVAL, ConditionKind.RANDOM_RELABEL)


@dataclass(frozen=True, slots=True, eq=False)
class ConditionOutcome:
    """All runs of one condition, in the order of the plan's seeds.

    Args:
        predicted: classes (seeds, images).
        confidence: probability of the predicted class (seeds, images).
        true_probability: probability of the label (seeds, images).
        corrupted: classes (seeds, corruptions, strengths, images of ``robustness_images``).
        curves: a list of rows, one an epoch, for each seed.
        facts: what each run tells of itself: seconds, device, versions.
    """

    predicted: Predictions
    confidence: NDArray[np.float32]
    true_probability: NDArray[np.float32]
    corrupted: Predictions
    curves: tuple[tuple[Mapping[str, Any], ...], ...]
    facts: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of the evaluation images, with the labels that count there."""

    name: str
    about: str
    rows: NDArray[np.intp]
    labels: NDArray[np.int64]


def summarise(
    plan: ComparisonPlan, outcomes: Mapping[str, ConditionOutcome], corruptions: Sequence[str],
    strengths: Sequence[int], *, resamples: int,
) -> dict[str, Any]:  # fmt: skip
    """The record of a comparison, ready to be written as JSON. The same runs give the same record."""
    place = {name: number for number, name in enumerate(plan.base.classes)}
    labels = np.array([place[label] for label in plan.evaluation.labels], np.int64)
    parts = evaluation_parts(plan, labels)
    measured = [name for name in plan.base.classes if name in set(plan.evaluation.labels)]
    numbers = np.array([place[name] for name in measured])
    by_part = {part.name: _compare_all(plan, outcomes, part, resamples) for part in parts}
    primary = by_part[parts[0].name]
    return {
        "name": plan.name, "facts": list(plan.facts), "seeds": list(plan.seeds), "config": asdict(plan.config),
        "classes": list(plan.base.classes), "measured_classes": measured, "training_images": len(plan.base.ids),
        "evaluation_images": len(plan.evaluation.ids), "leaked_images": len(plan.evaluation.leaked),
        "parts": [
            {
                "name": part.name, "about": part.about, "images": len(part.rows),
                "accuracy": {
                    name: _interval((one.predicted[:, part.rows] == part.labels).mean(axis=1))
                    for name, one in outcomes.items()
                },
                "comparisons": [asdict(one) for one in by_part[part.name]],
            }
            for part in parts
        ],
        "conditions": [
            _describe(plan, condition, outcomes, labels, numbers) for condition in plan.conditions
        ],
        "robustness": {
            "corruptions": list(corruptions), "strengths": list(strengths),
            "images": len(spread_rows(len(labels), plan.config.robustness_images)),
            "accuracy": {name: _robustness(plan, one, labels) for name, one in outcomes.items()},
        },
        "verdicts": [asdict(verdict) for verdict in _verdicts(plan, primary)],
        "leaks": _tell_leaks(plan, parts, outcomes),
        "resamples": resamples, "environment": _environment(outcomes),
    }  # fmt: skip


def evaluation_parts(plan: ComparisonPlan, labels: NDArray[np.int64]) -> list[_Part]:
    """The whole evaluation set first; without and only with leaked images where there are any, and as corrected."""
    ids = plan.evaluation.ids
    everything = np.arange(len(ids))
    parts = [_Part("all", "the evaluation set as it is", everything, labels)]
    leaked = np.array([id_ in plan.evaluation.leaked for id_ in ids], bool)
    if 0 < leaked.sum() < len(ids):
        for name, word, rows in (("without leaks", "without the", ~leaked), ("only leaks", "only the", leaked)):
            parts.append(_Part(name, f"{word} images that are in training, too", everything[rows], labels[rows]))
    corrected = plan.evaluation.corrected
    if corrected.touched:
        place = {name: number for number, name in enumerate(plan.base.classes)}
        kept = np.array([id_ not in corrected.removed for id_ in ids], bool)
        new = np.array([
            place[corrected.relabelled[id_]] if id_ in corrected.relabelled else label
            for id_, label in zip(ids, labels.tolist(), strict=True)
        ], np.int64)  # fmt: skip
        about = f"{len(corrected.relabelled):,} labels corrected, {len(corrected.removed):,} images left out"
        parts.append(_Part("corrected", about, everything[kept], new[kept]))
    return parts


def _compare_all(
    plan: ComparisonPlan, outcomes: Mapping[str, ConditionOutcome], part: _Part, resamples: int
) -> list[Comparison]:
    """Every condition with the raw data, and every condition with its controls: one family for Holm's correction."""
    raw = plan.conditions[0].name
    pairs = [(one.name, raw) for one in plan.conditions[1:]]
    pairs += [(one.control_of, one.name) for one in plan.conditions if one.control_of]
    found = [
        compare(
            pair, outcomes[pair[0]].predicted[:, part.rows], outcomes[pair[1]].predicted[:, part.rows], part.labels,
            resamples=resamples,
        )
        for pair in pairs
    ]  # fmt: skip
    corrected = correct_for_several([one.p for one in found])
    return [replace(one, p_holm=p) for one, p in zip(found, corrected, strict=True)]


def _verdicts(plan: ComparisonPlan, comparisons: Sequence[Comparison]) -> list[Any]:
    raw = plan.conditions[0].name
    return [
        judge(one, [c for c in comparisons if c.first == one.first and c.second != raw])
        for one in comparisons
        if one.second == raw
    ]


def _describe(
    plan: ComparisonPlan, condition: Condition, outcomes: Mapping[str, ConditionOutcome], labels: NDArray[np.int64],
    measured: NDArray[np.int64],
) -> dict[str, Any]:  # fmt: skip
    one, raw = outcomes[condition.name], outcomes[plan.conditions[0].name]
    hits = one.predicted == labels
    gains = hits.astype(np.int64) - (raw.predicted == labels)
    lists = condition.draw(plan.base, plan.seeds[0])
    confusion = np.zeros((len(plan.base.classes),) * 2)
    np.add.at(confusion, (np.tile(labels, len(hits)), one.predicted.ravel()), 1.0 / len(hits))
    return {
        "name": condition.name, "kind": condition.kind.value, "about": condition.about, "share": condition.share,
        "control_of": condition.control_of, "training": describe_lists(plan.base, lists),
        "by_class": {
            plan.base.classes[number]: _interval(hits[:, labels == number].mean(axis=1)) for number in measured.tolist()
        },
        "change_by_class": {
            plan.base.classes[number]: _interval(gains[:, labels == number].mean(axis=1))
            for number in measured.tolist()
        },
        "calibration_error": _interval([
            expected_calibration_error(sure, right) for sure, right in zip(one.confidence, hits, strict=True)
        ]),
        "log_loss": _interval(-np.log(np.maximum(one.true_probability, 1e-12)).mean(axis=1)),
        "majority_accuracy": float((majority(one.predicted) == labels).mean()),
        "confusion": [[round(x, 4) for x in confusion[number].tolist()] for number in measured.tolist()],
        "accuracy_by_seed": hits.mean(axis=1).tolist(),
        "curves": [[_without_timing(row) for row in curve] for curve in one.curves],
    }  # fmt: skip


def _without_timing(row: Mapping[str, Any]) -> dict[str, Any]:
    """Times differ from run to run; the record doesn't."""
    return {name: value for name, value in row.items() if name not in ("seconds", "images_a_second")}


def _robustness(plan: ComparisonPlan, one: ConditionOutcome, labels: NDArray[np.int64]) -> list[list[dict[str, float]]]:
    rows = spread_rows(len(labels), plan.config.robustness_images)
    hits = (one.corrupted == labels[rows]).mean(axis=3)
    return [[_interval(hits[:, i, j]) for j in range(hits.shape[2])] for i in range(hits.shape[1])]


def _interval(values: Sequence[float] | NDArray[np.float64]) -> dict[str, float]:
    return asdict(mean_interval(values))


def _tell_leaks(plan: ComparisonPlan, parts: Sequence[_Part], outcomes: Mapping[str, ConditionOutcome]) -> list[str]:
    """Whether taking the leaked images out raises or lowers accuracy; both happen, so it is said of each condition."""
    by_name = {part.name: part for part in parts}
    if "without leaks" not in by_name:
        return []
    out = by_name["without leaks"]
    told = []
    for condition in plan.conditions:
        if condition.kind in CONTROL_KINDS:
            continue
        one = outcomes[condition.name]
        hits = one.predicted == by_name["all"].labels
        change = mean_interval(hits[:, out.rows].mean(axis=1) - hits.mean(axis=1))
        word = "lowers" if change.mean < 0 else "raises"
        sure = "" if (change.low > 0 or change.high < 0) else " (the interval holds 0: not shown)"
        told.append(
            f"Taking the {len(plan.evaluation.leaked):,} leaked images out of the evaluation {word} the accuracy of "
            f"{condition.name!r} by {abs(100 * change.mean):.2f} points, 95 % over seeds {100 * change.low:+.2f} to "
            f"{100 * change.high:+.2f}{sure}."
        )
    return told


def _environment(outcomes: Mapping[str, ConditionOutcome]) -> list[str]:
    """Every device and set of versions that runs were done with; more than one is worth a doubt."""
    found = {
        ", ".join(f"{name} {value}" for name, value in sorted(facts.items()) if isinstance(value, str))
        for one in outcomes.values()
        for facts in one.facts
    }
    return sorted(found)
