"""One reviewer's answer on one sample, and what makes it a valid one."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.decision_tree import DecisionTree
from app.domain.errors import InvalidInput
from app.domain.samples import Flag
from app.domain.taxonomy import Decision, Taxonomy
from app.domain.tree_walk import GivenAnswer, Outcome, walk

MAX_NOTE = 10_000
"""Longest note, in characters."""


class ReviewStatus(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Review:
    """What one reviewer said of one sample. A submitted review without a decision asks for discussion."""

    reviewer: str
    status: ReviewStatus
    decision: Decision | None
    new_label: str | None
    tags: tuple[str, ...]
    note: str
    submitted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReviewInput:
    """An answer as it comes in: tree answers, or a decision by hand."""

    status: ReviewStatus
    answers: tuple[GivenAnswer, ...] = ()
    manual: bool = False
    decision: Decision | None = None
    new_label: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""


def suggested_label(flags: Sequence[Flag]) -> str | None:
    """The suggestion of the surest flag that makes one."""
    having = [flag for flag in flags if flag.suggested_label]
    return max(having, key=lambda flag: flag.confidence or 0.0).suggested_label if having else None


def settle(
    given: ReviewInput,
    *,
    flags: Sequence[Flag],
    given_label: str,
    classes: Container[str],
    tree: DecisionTree,
    taxonomy: Taxonomy,
) -> Outcome:
    """Turn an answer into decision, tags and new label.

    Raises:
        InvalidInput: the answer contradicts itself or the tree.
    """
    if len(given.note) > MAX_NOTE:
        raise InvalidInput(f"The note has {len(given.note):,} characters; {MAX_NOTE:,} are allowed.")
    if given.status is not ReviewStatus.SUBMITTED:
        return Outcome(None, taxonomy.check(given.tags, None), None)
    outcome = _outcome(given, flags, tree)
    _check_label(outcome, given_label, classes, flags)
    tags = taxonomy.check({*outcome.tags, *given.tags}, outcome.decision)
    if outcome.decision is not None and taxonomy.needs_discussion(tags):
        raise InvalidInput("mislabel_uncertain sends the sample to discussion; it cannot go with a decision.")
    return Outcome(outcome.decision, tags, outcome.new_label)


def _outcome(given: ReviewInput, flags: Sequence[Flag], tree: DecisionTree) -> Outcome:
    if given.manual:
        return Outcome(given.decision, (), given.new_label)
    if given.decision is not None:
        raise InvalidInput("A decision by hand needs manual set; with tree answers the server works it out.")
    return walk(tree, flags, given.answers, suggested_label(flags))


def _check_label(outcome: Outcome, given_label: str, classes: Container[str], flags: Sequence[Flag]) -> None:
    if outcome.decision is not Decision.RELABEL:
        if outcome.new_label is not None:
            raise InvalidInput("Only a relabel carries a new label.")
        return
    if not outcome.new_label:
        raise InvalidInput("A relabel needs the new label.")
    if outcome.new_label == given_label:
        raise InvalidInput(f"The new label is the given one ({given_label}); that is a keep.")
    suggestions = {flag.suggested_label for flag in flags}
    if outcome.new_label not in classes and outcome.new_label not in suggestions:
        raise InvalidInput(f"{outcome.new_label!r} is not a class of this project.")
