"""A comparison's deck: its figures are the record's, all lies on its slide, the same record gives the same file."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from pptx import Presentation

from app.deliverables.training.slides import make_slides
from app.domain.retraining.conditions import Condition, ConditionKind, Lists, as_given, controls_of
from app.domain.retraining.outcomes import summarise
from app.domain.retraining.plan import EvaluationSet
from tests.domain.retraining.test_outcomes import PLAN, all_outcomes, predictions

LONG = "an-exceedingly-long-name-that-somebody-chose-in-a-hurry-and-nobody-dared-to-change-" * 2


def usual() -> dict:
    return summarise(PLAN, all_outcomes(), ("blur", "noise"), (1, 2, 3), resamples=200)


def many() -> dict:
    """Six conditions with long names, each with controls, and no leaks."""
    asked = [
        Condition(f"{number} {LONG}", ConditionKind.LISTS, LONG, Lists(frozenset({f"train/{number}"})))
        for number in range(6)
    ]
    conditions = (as_given(), *asked, *(control for one in asked for control in controls_of(one)))
    evaluation = EvaluationSet(PLAN.evaluation.ids, PLAN.evaluation.labels)
    plan = replace(PLAN, name=LONG, conditions=conditions, evaluation=evaluation)
    outcomes = {one.name: predictions(0.7, number) for number, one in enumerate(conditions)}
    return summarise(plan, outcomes, ("blur", "noise"), (1, 2, 3), resamples=200)


def told(presentation) -> str:
    shapes = [shape for slide in presentation.slides for shape in slide.shapes]
    return "\n".join(shape.text_frame.text for shape in shapes if shape.has_text_frame)


def test_the_deck_says_what_the_record_says():
    record = usual()
    data = make_slides(record)
    assert make_slides(record) == data
    presentation = Presentation(io.BytesIO(data))
    text = told(presentation)
    assert "reviewed helped, beyond changes at random" in text
    verdict = next(one for one in record["verdicts"] if one["condition"] == "reviewed")
    assert verdict["follows"] in text
    (chart,) = [shape.chart for slide in presentation.slides for shape in slide.shapes if shape.has_chart]
    means = [one["mean"] for one in record["parts"][0]["accuracy"].values()]
    assert list(chart.plots[0].series[0].values) == pytest.approx(means)
    tables = [shape.table for slide in presentation.slides for shape in slide.shapes if shape.has_table]
    assert tables[1].cell(1, 2).text == f"{100 * record['parts'][0]['comparisons'][0]['seeds']['mean']:+.2f}"
    assert "30 evaluation images are in training, too" in text


@pytest.mark.parametrize("make", [usual, many])
def test_everything_lies_on_its_slide(make):
    presentation = Presentation(io.BytesIO(make_slides(make())))
    assert len(presentation.slides) == {"usual": 6, "many": 9}[make.__name__]
    for slide in presentation.slides:
        assert slide.shapes.title.text_frame.text.strip()
        assert slide.notes_slide.notes_text_frame.text.strip()
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left + shape.width <= presentation.slide_width
            assert shape.top + shape.height <= presentation.slide_height
