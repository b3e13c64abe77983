"""Walking the tree: every row of the specification's tree, several flags on a sample, and what is refused."""

from __future__ import annotations

import pytest

from app.domain.decision_tree import standard_tree
from app.domain.errors import InvalidInput
from app.domain.samples import Flag, IssueType
from app.domain.taxonomy import Decision, Taxonomy
from app.domain.tree_walk import GivenAnswer, Outcome, walk

TREE = standard_tree()
MISLABEL = Flag(IssueType.MISLABEL, "mislabel", 0.95, "dog", None)
UNSURE_MISLABEL = Flag(IssueType.MISLABEL, "mislabel", 0.9, "dog", None)
OUTLIER = Flag(IssueType.OUTLIER, "outlier", 0.5, None, None)
DUPLICATE = Flag(IssueType.DUPLICATE, "duplicate", 0.5, None, None)
QUALITY = Flag(IssueType.QUALITY, "blur", 0.5, None, None)
LEAK = Flag(IssueType.LEAK, "leak", 0.5, None, None)


def answers(text: str) -> list[GivenAnswer]:
    """``question answer [label]``, with commas between them."""
    return [GivenAnswer(*part.split()) for part in text.split(",") if part.strip()]


def walked(flags: list[Flag], text: str, suggested: str | None = "dog") -> Outcome:
    return walk(TREE, flags, answers(text), suggested)


NOT_EXACT, USABLE = "duplicate.exact not_exact", "quality.unusable usable"
BLURRED = f"{USABLE}, quality.blurred blurred"
ROWS = [
    (MISLABEL, "mislabel.verify suggested", Decision.RELABEL, "mislabel_confirmed", "dog"),
    (MISLABEL, "mislabel.verify other cat", Decision.RELABEL, "mislabel_confirmed", "cat"),
    (MISLABEL, "mislabel.verify uncertain", None, "mislabel_uncertain", None),
    (MISLABEL, "mislabel.verify right", Decision.KEEP, "", None),
    (OUTLIER, "outlier.label right", Decision.KEEP, "outlier_valid", None),
    (OUTLIER, "outlier.label wrong", Decision.REMOVE, "outlier_invalid", None),
    (OUTLIER, "outlier.label uncertain", None, "", None),
    (DUPLICATE, "duplicate.exact exact", Decision.REMOVE, "duplicate_exact", None),
    (DUPLICATE, f"{NOT_EXACT}, duplicate.near near", Decision.REMOVE, "duplicate_near", None),
    (DUPLICATE, "duplicate.exact uncertain", None, "", None),
    (QUALITY, "quality.unusable unusable", Decision.REMOVE, "low_quality_corrupt", None),
    (QUALITY, f"{BLURRED}, quality.blur_decision keep", Decision.KEEP, "low_quality_blur", None),
    (QUALITY, f"{BLURRED}, quality.blur_decision remove", Decision.REMOVE, "low_quality_blur", None),
    (QUALITY, f"{BLURRED}, quality.blur_decision uncertain", None, "low_quality_blur", None),
    (LEAK, "leak.same same", Decision.REMOVE, "train_test_leak", None),
    (LEAK, "leak.same different", Decision.KEEP, "", None),
]


@pytest.mark.parametrize(("flag", "text", "decision", "tags", "label"), ROWS, ids=[row[1] for row in ROWS])
def test_each_way_through_the_tree_has_its_outcome(
    flag: Flag, text: str, decision: Decision | None, tags: str, label: str | None
) -> None:
    assert walked([flag], text) == Outcome(decision, (tags,) if tags else (), label)


def every_way(node: str, trail: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    ways = []
    for answer in TREE.questions[node].answers:
        step = (*trail, f"{node} {answer.id} cat")
        ways += every_way(answer.next, step) if answer.next else [step]
    return ways or [(*trail, "")]


@pytest.mark.parametrize("flag", [MISLABEL, OUTLIER, DUPLICATE, QUALITY, LEAK], ids=lambda flag: flag.raw_issue_type)
def test_every_way_ends_in_an_outcome_or_by_hand(flag: Flag) -> None:
    ways = every_way(TREE.start_of(flag))
    assert len(ways) >= 4
    for way in ways:
        if way[-1]:
            outcome = walked([flag], ",".join(way))
            assert Taxonomy().check(outcome.tags, outcome.decision) == outcome.tags
            assert (outcome.decision is Decision.RELABEL) == (outcome.new_label is not None)
        else:
            with pytest.raises(InvalidInput, match="decided by hand"):
                walked([flag], ",".join(way))


def test_removing_ends_the_walk() -> None:
    outcome = walked([OUTLIER, QUALITY], "outlier.label wrong")
    assert outcome == Outcome(Decision.REMOVE, ("outlier_invalid",), None)


def test_a_later_remove_beats_an_earlier_keep_and_takes_its_tags_along() -> None:
    outcome = walked([MISLABEL, OUTLIER], "mislabel.verify right, outlier.label wrong")
    assert outcome == Outcome(Decision.REMOVE, ("outlier_invalid",), None)


def test_relabel_beats_keep_and_the_tags_of_keep_are_dropped() -> None:
    outcome = walked([MISLABEL, OUTLIER], "mislabel.verify other cat, outlier.label right")
    assert outcome == Outcome(Decision.RELABEL, ("mislabel_confirmed",), "cat")


def test_two_keeps_join_their_tags() -> None:
    text = f"outlier.label right, {BLURRED}, quality.blur_decision keep"
    assert walked([OUTLIER, QUALITY], text) == Outcome(Decision.KEEP, ("low_quality_blur", "outlier_valid"), None)


@pytest.mark.parametrize("before", ["mislabel.verify right", "mislabel.verify suggested"])
def test_one_uncertain_answer_sends_the_sample_to_discussion(before: str) -> None:
    assert walked([MISLABEL, OUTLIER], f"{before}, outlier.label uncertain") == Outcome(None, (), None)


def test_an_uncertain_answer_ends_the_walk() -> None:
    assert walked([MISLABEL, QUALITY], "mislabel.verify uncertain").tags == ("mislabel_uncertain",)


REFUSED = {
    "wrong node": ([OUTLIER], "leak.same same", "no answer to the question 'outlier.label'"),
    "unknown answer": ([OUTLIER], "outlier.label perhaps", "no answer to the question"),
    "nothing answered": ([OUTLIER], "", "'outlier.label' has no answer yet"),
    "unfinished branch": ([DUPLICATE], NOT_EXACT, "'duplicate.near' has no answer yet"),
    "second branch missing": ([OUTLIER, QUALITY], "outlier.label right", "'quality.unusable' has no answer"),
    "branches in another order": ([OUTLIER, DUPLICATE], "duplicate.exact exact", "no answer to the question"),
    "answers after the end": ([OUTLIER], "outlier.label right, outlier.label wrong", "comes after the end"),
    "answers after a removal": ([OUTLIER, QUALITY], f"outlier.label wrong, {USABLE}", "comes after the end"),
    "left for manual": ([OUTLIER], "outlier.label manual", "decided by hand"),
    "mislabel below the threshold": ([UNSURE_MISLABEL], "mislabel.verify right", "decided by hand"),
    "no flag at all": ([], "outlier.label right", "decided by hand"),
    "manual as an answer": ([UNSURE_MISLABEL], "manual keep", "decided by hand"),
    "no class chosen": ([MISLABEL], "mislabel.verify other", "Choose the class"),
}


@pytest.mark.parametrize(("flags", "text", "message"), REFUSED.values(), ids=REFUSED)
def test_answers_that_do_not_fit_are_refused(flags: list[Flag], text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        walked(flags, text)


def test_taking_the_suggestion_needs_one() -> None:
    with pytest.raises(InvalidInput, match="No label was suggested"):
        walked([MISLABEL], "mislabel.verify suggested", suggested=None)


def test_the_given_answers_are_left_alone() -> None:
    given = answers("outlier.label right")
    walk(TREE, [OUTLIER], given, None)
    assert given == answers("outlier.label right")
