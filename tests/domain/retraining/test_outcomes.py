"""From predictions to a record, tables and a page."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from app.deliverables.training.page import draw_plots, render_page
from app.deliverables.training.tables import make_tables, write_csv, write_latex
from app.domain.retraining.conditions import Condition, ConditionKind, LabelledSet, Lists, as_given, controls_of
from app.domain.retraining.outcomes import ConditionOutcome, summarise
from app.domain.retraining.plan import ComparisonPlan, EvaluationSet, TrainingConfig

CLASSES = ("bird", "deer", "ship")
BASE = LabelledSet(tuple(f"train/{n}" for n in range(60)), tuple(CLASSES[n % 3] for n in range(60)), CLASSES)
TEST = tuple(f"test/{n}" for n in range(300))
CLEANED = Condition("reviewed", ConditionKind.LISTS, "As reviewed.", Lists(frozenset({"train/0"}), {"train/1": "ship"}))
PLAN = ComparisonPlan(
    "pets", BASE,
    EvaluationSet(
        TEST, tuple(CLASSES[n % 3] for n in range(300)), frozenset(TEST[:30]),
        Lists(frozenset({"test/299"}), {"test/31": "bird"}),
    ),
    (as_given(), CLEANED, *controls_of(CLEANED)), (0, 1, 2, 3), TrainingConfig(robustness_images=100), ("A fact.",),
)  # fmt: skip


def predictions(accuracy: float, number: int) -> ConditionOutcome:
    """Models of this accuracy, but that they are right on all leaked images."""
    chance = np.random.default_rng(number)
    labels = np.arange(300) % 3
    wrong = chance.random((4, 300)) > accuracy
    wrong[:, :30] = False
    predicted = np.where(wrong, (labels + 1) % 3, labels).astype(np.int32)
    corrupted = np.tile(predicted[:, np.newaxis, np.newaxis, ::3], (1, 2, 3, 1))
    curve = tuple({"epoch": n, "loss": 1 / n, "train_accuracy": 0.5, "evaluation_loss": 1.0,
                   "evaluation_accuracy": 0.5, "seconds": chance.random()} for n in (1, 2))  # fmt: skip
    sure = np.full((4, 300), 0.9, np.float32)
    return ConditionOutcome(predicted, sure, sure, corrupted, (curve,) * 4, ({"torch": "2", "seconds": 1.0},) * 4)


def all_outcomes(*accuracies: float) -> dict[str, ConditionOutcome]:
    """By default cleaning helps, random removal does nothing and random relabel hurts."""
    pairs = zip(PLAN.conditions, accuracies or (0.6, 0.9, 0.6, 0.4), strict=True)
    return {one.name: predictions(accuracy, number) for number, (one, accuracy) in enumerate(pairs)}


@pytest.fixture(scope="module")
def record() -> dict:
    return summarise(PLAN, all_outcomes(), ("blur", "noise"), (1, 2, 3), resamples=500)


def test_a_gain_over_raw_and_over_both_controls_is_told_as_help(record) -> None:
    by_name = {verdict["condition"]: verdict for verdict in record["verdicts"]}
    assert by_name["reviewed"]["finding"] == "helped"
    assert by_name["reviewed: random removal"]["finding"] == "not_shown"
    assert "does not follow that there is none" in by_name["reviewed: random removal"]["does_not_follow"]
    assert by_name["reviewed: random relabel"]["finding"] == "worse"


def test_a_gain_that_random_removal_gives_too_is_not_told_as_help() -> None:
    verdict = summarise(PLAN, all_outcomes(0.6, 0.9, 0.9, 0.9), ("blur", "noise"), (1, 2, 3), resamples=500)[
        "verdicts"
    ][0]
    assert verdict["finding"] == "better"
    assert "'reviewed: random removal' and 'reviewed: random relabel'" in verdict["follows"]


def test_leaks_are_told_apart_with_the_direction_in_which_they_bend_accuracy(record) -> None:
    parts = {part["name"]: part for part in record["parts"]}
    assert [part["images"] for part in record["parts"]] == [300, 270, 30, 299]
    assert parts["only leaks"]["accuracy"]["raw"]["mean"] == 1.0
    assert parts["without leaks"]["accuracy"]["raw"]["mean"] < parts["all"]["accuracy"]["raw"]["mean"]
    assert "Taking the 30 leaked images out of the evaluation lowers the accuracy of 'raw'" in record["leaks"][0]


def test_the_corrected_evaluation_set_moves_only_its_own_figures(record) -> None:
    plan = replace(PLAN, evaluation=replace(PLAN.evaluation, corrected=Lists()))
    outcomes = {
        one.name: predictions(a, n)
        for n, (one, a) in enumerate(zip(plan.conditions, (0.6, 0.9, 0.6, 0.4), strict=True))
    }
    without = summarise(plan, outcomes, ("blur", "noise"), (1, 2, 3), resamples=500)
    assert record["parts"][:3] == without["parts"]
    assert record["parts"][3]["accuracy"] != record["parts"][0]["accuracy"]


def test_the_same_runs_give_the_same_bytes(record) -> None:
    again = {
        one.name: predictions(a, n)
        for n, (one, a) in enumerate(zip(PLAN.conditions, (0.6, 0.9, 0.6, 0.4), strict=True))
    }
    other = summarise(PLAN, again, ("blur", "noise"), (1, 2, 3), resamples=500)
    assert json.dumps(other) == json.dumps(record)
    assert render_page(other, draw_plots(other)) == render_page(record, draw_plots(record))


def test_the_page_loads_nothing_and_has_every_condition(record) -> None:
    page = render_page(record, draw_plots(record)).decode()
    for one in record["conditions"]:
        assert one["name"] in page
    assert page.count("<svg") == 5
    assert "//" not in page.replace("http://www.w3.org/", "")
    assert "<script" not in page


def test_names_of_conditions_are_text_wherever_they_stand(record) -> None:
    name = "50 % <b>& cheap_</b>"
    told = json.loads(json.dumps(record).replace('"reviewed"', json.dumps(name)))
    page = render_page(told, draw_plots(told)).decode()
    assert "<b>" not in page
    assert r"50 \% <b>\& cheap\_</b>" in write_latex(told)


def test_tables_hold_what_the_record_holds(record) -> None:
    tables = {
        name: list(csv.DictReader(io.StringIO(write_csv(table).decode())))
        for name, table in make_tables(record).items()
    }
    assert len(tables["accuracy"]) == 4 * 4
    assert float(tables["accuracy"][1]["accuracy"]) == record["parts"][0]["accuracy"]["reviewed"]["mean"]
    assert len(tables["comparisons"]) == 4 * 5
    assert len(tables["robustness"]) == 4 * 2 * 3
    assert {"\\toprule", "\\bottomrule"} <= set(write_latex(record).split())
