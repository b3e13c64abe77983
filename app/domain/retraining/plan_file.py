"""A plan as a file: what a comparison's workers are given, and what its report is made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.domain.errors import InvalidFile
from app.domain.retraining.conditions import Condition, ConditionKind, LabelledSet, Lists
from app.domain.retraining.plan import ComparisonPlan, EvaluationSet, TrainingConfig

FORMAT = 1


def write_plan(plan: ComparisonPlan) -> bytes:
    """The same plan gives the same bytes. Names that are no valid UTF-8 come back as they were."""
    told = {
        "format": FORMAT, "name": plan.name, "ids": plan.base.ids, "labels": plan.base.labels,
        "classes": plan.base.classes, "seeds": plan.seeds, "config": asdict(plan.config), "facts": plan.facts,
        "pixels": plan.pixels,
        "evaluation": {
            "ids": plan.evaluation.ids, "labels": plan.evaluation.labels, "leaked": sorted(plan.evaluation.leaked),
            "corrected": _from_lists(plan.evaluation.corrected),
        },
        "conditions": [
            {
                "name": one.name, "kind": one.kind.value, "about": one.about, "lists": _from_lists(one.lists),
                "control_of": one.control_of, "share": one.share,
            }
            for one in plan.conditions
        ],
    }  # fmt: skip
    return json.dumps(told, sort_keys=True).encode("ascii")


def read_plan(data: bytes, where: str) -> ComparisonPlan:
    """
    Raises:
        InvalidFile: it is no plan that ``write_plan`` wrote; the message begins with ``where``.
        InvalidInput: a setting is out of its limits.
    """
    try:
        told = json.loads(data)
        if told["format"] != FORMAT:
            raise InvalidFile(f"{where} is a plan of another release of Winnow. Start the comparison again.")
        evaluation = told["evaluation"]
        return ComparisonPlan(
            told["name"], LabelledSet(tuple(told["ids"]), tuple(told["labels"]), tuple(told["classes"])),
            EvaluationSet(
                tuple(evaluation["ids"]), tuple(evaluation["labels"]), frozenset(evaluation["leaked"]),
                _as_lists(evaluation["corrected"]),
            ),
            tuple(_as_condition(one) for one in told["conditions"]), tuple(told["seeds"]),
            TrainingConfig(**told["config"]), tuple(told["facts"]), told["pixels"],
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidFile(f"{where} can't be read as a plan: {error!r}. Start the comparison again.") from error


def _from_lists(lists: Lists) -> dict[str, Any]:
    return {"removed": sorted(lists.removed), "relabelled": dict(lists.relabelled)}


def _as_lists(told: Mapping[str, Any]) -> Lists:
    return Lists(frozenset(told["removed"]), dict(told["relabelled"]))


def _as_condition(told: Mapping[str, Any]) -> Condition:
    return Condition(
        told["name"], ConditionKind(told["kind"]), told["about"], _as_lists(told["lists"]), told["control_of"],
        told["share"],
    )  # fmt: skip
