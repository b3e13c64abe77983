"""One reviewer's answer: worked out from the tree or by hand, and refused where it contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.decision_tree import standard_tree
from app.domain.errors import InvalidInput
from app.domain.reviews import MAX_NOTE, ReviewInput, ReviewStatus, settle, suggested_label
from app.domain.samples import Flag, IssueType
from app.domain.taxonomy import Decision, Taxonomy
from app.domain.tree_walk import GivenAnswer, Outcome

DRAFT, SUBMITTED, SKIPPED = ReviewStatus.DRAFT, ReviewStatus.SUBMITTED, ReviewStatus.SKIPPED
KEEP, REMOVE, RELABEL = Decision.KEEP, Decision.REMOVE, Decision.RELABEL
FLAGS = (Flag(IssueType.MISLABEL, "mislabel", 0.95, "dog", None),)


def settled(given: ReviewInput, flags: tuple[Flag, ...] = FLAGS) -> Outcome:
    return settle(
        given,
        flags=flags,
        given_label="cat",
        classes={"cat", "dog", "bird"},
        tree=standard_tree(),
        taxonomy=Taxonomy(),
    )


def by_hand(**values: Any) -> ReviewInput:
    return ReviewInput(SUBMITTED, manual=True, **values)


def by_tree(answer: str, label: str | None = None, **values: Any) -> ReviewInput:
    return ReviewInput(SUBMITTED, (GivenAnswer("mislabel.verify", answer, label),), **values)


ACCEPTED = {
    "tree": (by_tree("suggested"), Outcome(RELABEL, ("mislabel_confirmed",), "dog")),
    "tree with a tag more": (
        by_tree("right", tags=("ambiguous_class", "keep")),
        Outcome(KEEP, ("ambiguous_class", "keep"), None),
    ),
    "tree, can't say": (by_tree("uncertain"), Outcome(None, ("mislabel_uncertain",), None)),
    "by hand": (by_hand(decision=REMOVE, tags=("duplicate_near",)), Outcome(REMOVE, ("duplicate_near",), None)),
    "relabel by hand": (by_hand(decision=RELABEL, new_label="bird"), Outcome(RELABEL, (), "bird")),
    "discussion by hand": (by_hand(tags=("mislabel_uncertain",)), Outcome(None, ("mislabel_uncertain",), None)),
    "draft": (ReviewInput(DRAFT, decision=KEEP, tags=("keep", "remove")), Outcome(None, ("keep", "remove"), None)),
    "skipped": (ReviewInput(SKIPPED), Outcome(None, (), None)),
    "longest note": (by_hand(decision=KEEP, note="x" * MAX_NOTE), Outcome(KEEP, (), None)),
}


@pytest.mark.parametrize(("given", "outcome"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_valid_answer_has_its_outcome(given: ReviewInput, outcome: Outcome) -> None:
    assert settled(given) == outcome


REFUSED = {
    "decision with tree answers": (by_tree("right", decision=KEEP), "needs manual set"),
    "contradicting tag by hand": (by_hand(decision=KEEP, tags=("remove",)), "means remove"),
    "contradicting tag with the tree": (by_tree("right", tags=("mislabel_confirmed",)), "means relabel"),
    "uncertain and decided": (by_hand(decision=REMOVE, tags=("mislabel_uncertain",)), "cannot go with a decision"),
    "relabel without label": (by_hand(decision=RELABEL), "needs the new label"),
    "relabel to nothing": (by_hand(decision=RELABEL, new_label=""), "needs the new label"),
    "relabel to the given label": (by_hand(decision=RELABEL, new_label="cat"), "that is a keep"),
    "relabel to an unknown class": (by_hand(decision=RELABEL, new_label="Dog"), "'Dog' is not a class"),
    "tree relabel to an unknown class": (by_tree("other", "fish"), "'fish' is not a class"),
    "keep with a label": (by_hand(decision=KEEP, new_label="dog"), "Only a relabel"),
    "discussion with a label": (by_hand(new_label="dog"), "Only a relabel"),
    "unknown tag": (by_hand(decision=KEEP, tags=("fluffy",)), "no tag 'fluffy'"),
    "unknown tag in a draft": (ReviewInput(DRAFT, tags=("fluffy",)), "no tag 'fluffy'"),
    "note too long": (by_hand(decision=KEEP, note="x" * (MAX_NOTE + 1)), "10,001 characters"),
    "note too long in a draft": (ReviewInput(DRAFT, note="x" * (MAX_NOTE + 1)), "10,001 characters"),
    "nothing answered": (ReviewInput(SUBMITTED), "has no answer yet"),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_an_answer_that_contradicts_itself_is_refused(given: ReviewInput, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        settled(given)


def test_a_suggestion_that_is_no_class_yet_may_be_taken() -> None:
    flags = (Flag(IssueType.MISLABEL, "mislabel", 0.95, "axolotl", None),)
    assert settled(by_tree("suggested"), flags).new_label == "axolotl"


def test_a_suggestion_that_is_the_given_label_is_refused() -> None:
    flags = (Flag(IssueType.MISLABEL, "mislabel", 0.95, "cat", None),)
    with pytest.raises(InvalidInput, match="that is a keep"):
        settled(by_tree("suggested"), flags)


def flag(confidence: float | None, suggested: str | None) -> Flag:
    return Flag(IssueType.MISLABEL, "mislabel", confidence, suggested, None)


@pytest.mark.parametrize(
    ("flags", "label"),
    [
        ([], None),
        ([flag(0.9, None)], None),
        ([flag(0.2, "dog"), flag(0.9, None)], "dog"),
        ([flag(0.2, "dog"), flag(0.9, "bird")], "bird"),
        ([flag(None, "dog"), flag(0.1, "bird")], "bird"),
        ([flag(None, "dog")], "dog"),
    ],
)
def test_the_suggestion_is_that_of_the_surest_flag_that_makes_one(flags: list[Flag], label: str | None) -> None:
    assert suggested_label(flags) == label
