"""Walking the decision tree: a reviewer's answers become a decision with tags, or are refused.

A sample with several flags is asked one branch after the other. Removing ends the walk; otherwise a relabel in one
branch outweighs a keep in another, and any "can't say" sends the sample to discussion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.decision_tree import DecisionTree
from app.domain.errors import InvalidInput
from app.domain.samples import Flag
from app.domain.taxonomy import Decision
from app.domain.tree_questions import MANUAL, Answer, LabelSource


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """What a reviewer answered: the question, the answer, and the label where one was chosen."""

    node: str
    answer: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a walk ends. ``decision`` is None when the sample needs discussion."""

    decision: Decision | None
    tags: tuple[str, ...]
    new_label: str | None


def walk(tree: DecisionTree, flags: Sequence[Flag], answers: Sequence[GivenAnswer], suggested: str | None) -> Outcome:
    """Follow ``answers`` through the branches that apply to ``flags``.

    Raises:
        InvalidInput: an answer does not belong to the question asked, or the walk is not finished.
    """
    waiting = list(answers)
    outcomes: list[tuple[Answer, str | None]] = []
    for start in tree.branches(flags):
        answer, label = _walk_branch(tree, start, waiting, suggested)
        outcomes.append((answer, label))
        if answer.ends:
            break
    if waiting:
        raise InvalidInput(f"The answer to {waiting[0].node!r} comes after the end of the decision tree.")
    return _combine(outcomes)


def _walk_branch(
    tree: DecisionTree, start: str, waiting: list[GivenAnswer], suggested: str | None
) -> tuple[Answer, str | None]:
    node = start
    while True:
        answer, given = _take_answer(tree, node, waiting)
        if answer.next is None:
            return answer, _label_of(answer, given, suggested)
        node = answer.next


def _take_answer(tree: DecisionTree, node: str, waiting: list[GivenAnswer]) -> tuple[Answer, GivenAnswer]:
    if node == MANUAL:
        raise InvalidInput("This sample is decided by hand: send a decision with manual set.")
    if not waiting:
        raise InvalidInput(f"The question {node!r} has no answer yet.")
    given = waiting.pop(0)
    answer = tree.answer(node, given.answer) if given.node == node else None
    if answer is None:
        raise InvalidInput(f"{given.answer!r} to {given.node!r} is no answer to the question {node!r}.")
    return answer, given


def _label_of(answer: Answer, given: GivenAnswer, suggested: str | None) -> str | None:
    if answer.label is LabelSource.SUGGESTED:
        if suggested is None:
            raise InvalidInput("No label was suggested for this sample: choose one.")
        return suggested
    if answer.label is LabelSource.CHOOSE:
        if not given.label:
            raise InvalidInput("Choose the class that the image shows.")
        return given.label
    return None


def _combine(outcomes: Sequence[tuple[Answer, str | None]]) -> Outcome:
    decisions = [answer.decision for answer, _ in outcomes]
    decision = _strongest(decisions)
    # Tags of an outweighed branch stand for another decision and would contradict this one.
    chosen = [(answer, label) for answer, label in outcomes if answer.decision is decision]
    tags = sorted({tag for answer, _ in chosen for tag in answer.tags})
    label = next((label for answer, label in chosen if label), None) if decision is Decision.RELABEL else None
    return Outcome(decision, tuple(tags), label)


def _strongest(decisions: Sequence[Decision | None]) -> Decision | None:
    if Decision.REMOVE in decisions:
        return Decision.REMOVE
    if None in decisions:
        return None
    return Decision.RELABEL if Decision.RELABEL in decisions else Decision.KEEP
