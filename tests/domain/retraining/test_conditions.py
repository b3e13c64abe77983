"""Conditions, their random controls, label noise and flags that nobody looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidInput
from app.domain.retraining.conditions import (
    Condition,
    ConditionKind,
    LabelledSet,
    Lists,
    as_given,
    check_base,
    check_conditions,
    controls_of,
)
from app.domain.retraining.label_noise import NoiseKind, add_noise, clean_share, find_wrong
from app.domain.retraining.plan import ComparisonPlan, EvaluationSet, TrainingConfig, check_plan, spread_rows
from app.domain.retraining.unseen_flags import apply_unseen
from app.domain.samples import Flag, IssueType

CLASSES = ("bird", "deer", "ship", "truck")


@st.composite
def labelled_sets(draw) -> LabelledSet:
    labels = tuple(draw(st.lists(st.sampled_from(CLASSES), min_size=12, max_size=80)))
    return LabelledSet(tuple(f"train/{n:03}.jpg" for n in range(len(labels))), labels, CLASSES)


@st.composite
def sets_with_lists(draw) -> tuple[LabelledSet, Lists]:
    base = draw(labelled_sets())
    touched = draw(st.lists(st.sampled_from(base.ids), min_size=1, max_size=len(base.ids) // 2, unique=True))
    cut = draw(st.integers(0, len(touched)))
    labels = base.by_id()
    relabelled = {id_: draw(st.sampled_from([c for c in CLASSES if c != labels[id_]])) for id_ in touched[cut:]}
    return base, Lists(frozenset(touched[:cut]), relabelled)


def given_labels(base: LabelledSet, ids) -> Counter:
    labels = base.by_id()
    return Counter(labels[id_] for id_ in ids)


@given(sets_with_lists(), st.integers(0, 1000))
def test_controls_touch_as_many_samples_of_each_class_as_what_they_control(made, seed) -> None:
    base, lists = made
    condition = Condition("c", ConditionKind.LISTS, "", lists)
    for control in controls_of(condition):
        drawn = control.draw(base, seed)
        assert given_labels(base, drawn.touched) == given_labels(base, lists.touched)
        assert drawn == control.draw(base, seed)


@given(sets_with_lists(), st.integers(0, 1000))
def test_random_removal_removes_and_random_relabel_never_gives_the_label_back(made, seed) -> None:
    base, lists = made
    removal, relabel = (one.draw(base, seed) for one in controls_of(Condition("c", ConditionKind.LISTS, "", lists)))
    assert not removal.relabelled
    assert not relabel.removed
    labels = base.by_id()
    assert all(labels[id_] != new for id_, new in relabel.relabelled.items())


@given(sets_with_lists(), st.integers(0, 1000))
def test_random_relabel_moves_as_many_samples_from_class_to_class(made, seed) -> None:
    base, lists = made
    lists = Lists(frozenset(), lists.relabelled)
    if not lists.touched:
        return
    drawn = controls_of(Condition("c", ConditionKind.LISTS, "", lists))[1].draw(base, seed)
    labels = base.by_id()
    moves = [Counter((labels[id_], new) for id_, new in each.relabelled.items()) for each in (lists, drawn)]
    assert moves[0] == moves[1]


def test_seeds_draw_other_controls() -> None:
    base = LabelledSet(tuple(map(str, range(100))), CLASSES * 25, CLASSES)
    control = controls_of(Condition("c", ConditionKind.LISTS, "", Lists(frozenset(base.ids[:20]))))[0]
    assert control.draw(base, 1) != control.draw(base, 2)


@given(labelled_sets(), st.sampled_from(NoiseKind), st.sampled_from([0.2, 0.4]), st.integers(0, 99))
def test_noise_makes_the_share_of_each_class_wrong(base, kind, share, seed) -> None:
    noisy = add_noise(base, kind, share, seed)
    wrong = find_wrong(noisy, base.by_id())
    sizes = Counter(base.labels)
    assert given_labels(base, wrong) == Counter({c: round(share * n) for c, n in sizes.items() if round(share * n)})
    assert noisy == add_noise(base, kind, share, seed)
    if kind is NoiseKind.PAIR:
        labels = noisy.by_id()
        after = {c: CLASSES[(n + 1) % 4] for n, c in enumerate(CLASSES)}
        assert all(labels[id_] == after[base.by_id()[id_]] for id_ in wrong)


def test_symmetric_noise_gives_every_other_class_alike() -> None:
    base = LabelledSet(tuple(map(str, range(4000))), ("bird",) * 4000, CLASSES)
    counts = Counter(add_noise(base, NoiseKind.SYMMETRIC, 0.6, 3).labels)
    assert counts["bird"] == 1600
    assert all(700 < counts[name] < 900 for name in CLASSES[1:])


@given(labelled_sets(), st.integers(0, 99))
def test_a_larger_share_cleans_all_that_a_smaller_one_does(base, seed) -> None:
    truth = dict.fromkeys(base.ids, "bird")
    wrong = find_wrong(base, truth)
    shares = [clean_share(base, truth, share, seed).relabelled for share in (0.25, 0.5, 1.0)]
    assert shares[0].items() <= shares[1].items() <= shares[2].items()
    assert set(shares[2]) == set(wrong)


def test_flags_unseen_relabel_where_a_label_is_suggested_and_remove_all_but_one_of_copies() -> None:
    def flag(issue: IssueType, confidence=0.9, suggested=None, group=None) -> Flag:
        return Flag(issue, issue.value, confidence, suggested, None, group)

    lists, left = apply_unseen(
        [
            ("a", flag(IssueType.MISLABEL, 0.6, "deer")), ("a", flag(IssueType.MISLABEL, 0.8, "ship")),
            ("b", flag(IssueType.MISLABEL)), ("c", flag(IssueType.QUALITY)),
            ("c", flag(IssueType.MISLABEL, 0.9, "deer")),
            ("e", flag(IssueType.DUPLICATE, group="g")), ("d", flag(IssueType.DUPLICATE, group="g")),
            ("f", flag(IssueType.OUTLIER, 0.2)), ("g", flag(IssueType.LEAK)), ("h", flag(IssueType.OUTLIER, None)),
        ],
        min_confidence=0.5,
    )  # fmt: skip
    assert lists == Lists(frozenset("bceh"), {"a": "ship"})
    assert left == {"outlier": 1, "leak": 1}


BASE = LabelledSet(("a", "b", "c", "d"), ("bird", "deer", "bird", "deer"), ("bird", "deer"))
TEST = EvaluationSet(("t1", "t2"), ("bird", "deer"))
FIXED = Condition("fixed", ConditionKind.LISTS, "", Lists(frozenset({"a"})))
PLAN = ComparisonPlan("x", BASE, TEST, (as_given(), FIXED), (0, 1), TrainingConfig())


def with_lists(removed=(), **relabelled: str) -> ComparisonPlan:
    return replace(PLAN, conditions=(as_given(), replace(FIXED, lists=Lists(frozenset(removed), relabelled))))


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (replace(PLAN, seeds=(3,)), "One seed can't tell an effect from chance"),
        (replace(PLAN, seeds=(3, 3)), "A seed is given twice"),
        (replace(PLAN, conditions=(as_given(),)), "nothing to compare"),
        (replace(PLAN, conditions=(FIXED, as_given())), "The first condition is 'raw'"),
        (replace(PLAN, conditions=(as_given(), FIXED, FIXED)), "Two conditions are called 'fixed'"),
        (with_lists(), "The condition 'fixed' is empty"),
        (with_lists("z"), "names 1 ids that the training set does not have, such as 'z'"),
        (with_lists(a="cat"), "1 labels outside the classes, such as 'cat' for 'a'"),
        (with_lists("a", a="deer"), "removes and relabels 'a'"),
        (with_lists("ac"), "leaves no sample of the class 'bird'"),
        (with_lists("abcd"), "removes every sample"),
        (replace(PLAN, base=replace(BASE, labels=("bird", "cat", "bird", "deer"))), "labels outside the classes"),
        (replace(PLAN, evaluation=EvaluationSet(("t1", "t2"), ("bird", "cat"))), "labels outside the classes that are"),
        (replace(PLAN, evaluation=EvaluationSet(("a", "t2"), ("bird", "deer"))), "is in the training set and in"),
        (replace(PLAN, evaluation=replace(TEST, leaked=frozenset({"t1"}))), "--acknowledge-leaks"),
        (replace(PLAN, evaluation=replace(TEST, corrected=Lists(frozenset({"t9"})))), "has no 't9'"),
        (replace(PLAN, evaluation=replace(TEST, corrected=Lists(frozenset(TEST.ids)))), "would be empty"),
    ],
)  # fmt: skip
def test_what_can_not_be_compared_is_refused_by_name(plan, told) -> None:
    with pytest.raises(InvalidInput, match=told):
        check_plan(plan, acknowledge_leaks=False)


def test_acknowledged_leaks_pass() -> None:
    check_plan(replace(PLAN, evaluation=replace(TEST, leaked=frozenset({"t1"}))), acknowledge_leaks=True)


def test_a_class_that_only_wrong_labels_name_may_lose_them_all() -> None:
    base = LabelledSet(("a", "b", "c"), ("bird", "deer", "cat"), ("bird", "cat", "deer"))
    mended = replace(FIXED, lists=Lists(frozenset(), {"c": "deer"}))
    check_conditions(base, [mended], ["bird", "deer"])
    with pytest.raises(InvalidInput, match="leaves no sample of the class 'cat'"):
        check_conditions(base, [mended], ["bird", "cat"])


@pytest.mark.parametrize(
    ("base", "told"),
    [
        (LabelledSet((), (), CLASSES), "nothing to train on"),
        (LabelledSet(("a", "a"), ("bird", "deer"), CLASSES), "names 'a' twice"),
        (LabelledSet(("a",), ("bird",), ("bird",)), "two classes at least"),
    ],
)
def test_a_training_set_that_is_none_is_refused(base, told) -> None:
    with pytest.raises(InvalidInput, match=told):
        check_base(base)


def test_settings_outside_their_limits_are_named() -> None:
    with pytest.raises(InvalidInput, match="Epochs is from 1 to"):
        TrainingConfig(epochs=0)


@given(st.integers(1, 500), st.integers(0, 600))
def test_rows_are_spread_over_all(count, wanted) -> None:
    rows = spread_rows(count, wanted)
    assert len(rows) <= (wanted or count)
    assert len(rows) == count if wanted == 0 or wanted >= count else len(rows) > 0
    assert all(0 <= row < count for row in rows)
