"""Plans as files, and plans without some of their images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.errors import InvalidFile, InvalidInput
from app.domain.retraining.conditions import Condition, ConditionKind, LabelledSet, Lists, as_given, controls_of
from app.domain.retraining.plan import ComparisonPlan, EvaluationSet, TrainingConfig, check_plan, leave_out
from app.domain.retraining.plan_file import read_plan, write_plan

FIXED = Condition("fixed", ConditionKind.LISTS, "By hand.", Lists(frozenset({"a", "b"}), {"c\udce9": "dog"}))
PLAN = ComparisonPlan(
    "pets", LabelledSet(("a", "b", "c\udce9", "d", "e"), ("cat", "cat", "cat", "dog", "dog"), ("cat", "dog")),
    EvaluationSet(("t1", "t2", "t3"), ("cat", "dog", "dog"), frozenset({"t1"}), Lists(frozenset({"t2"}))),
    (as_given(), FIXED, *controls_of(FIXED)), (0, 7), TrainingConfig("small", side=16), ("A fact.",), "pixels",
)  # fmt: skip


def test_a_plan_comes_back_from_its_file_as_it_was() -> None:
    data = write_plan(PLAN)
    assert read_plan(data, "plan.json") == PLAN
    assert write_plan(read_plan(data, "plan.json")) == data


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": 1}', write_plan(PLAN)[:-5]])
def test_what_is_no_plan_is_told_by_its_name(data: bytes) -> None:
    with pytest.raises(InvalidFile, match=r"^plan-7 can't be read as a plan"):
        read_plan(data, "plan-7")


def test_a_plan_of_another_release_is_refused() -> None:
    with pytest.raises(InvalidFile, match="another release"):
        read_plan(write_plan(PLAN).replace(b'"format": 1', b'"format": 2'), "plan.json")


def test_a_plan_without_some_images_names_them_nowhere() -> None:
    less = leave_out(PLAN, {"b", "c\udce9", "t1", "t2"}, "they can't be read")
    assert less.base == LabelledSet(("a", "d", "e"), ("cat", "dog", "dog"), ("cat", "dog"))
    assert less.evaluation == EvaluationSet(("t3",), ("dog",))
    assert [one.lists for one in less.conditions[1:]] == [Lists(frozenset({"a"}))] * 3
    assert less.facts[1] == "2 training and 2 evaluation images were left out of every condition: they can't be read."
    rest = replace(less, evaluation=replace(PLAN.evaluation, leaked=frozenset(), corrected=Lists()))
    with pytest.raises(InvalidInput, match="'fixed' is empty"):
        check_plan(leave_out(rest, {"a"}, "x"), acknowledge_leaks=False)
