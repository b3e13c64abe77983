"""The decision tree: the questions a reviewer is asked, as data, with their keys and outcomes.

This is the only place where the tree exists. The page gets it as JSON and shows what it is told; the server walks
it again with the answers that come back (``app.domain.tree_walk``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain.samples import Flag, IssueType
from app.domain.taxonomy import STANDARD_TAGS, Decision

DEFAULT_MISLABEL_THRESHOLD = 0.9
"""A mislabel flag above this confidence is verified; below it, the sample is decided by hand."""

MANUAL = "manual"
VERSION = "1"


class LabelSource(StrEnum):
    """Where the new label of a relabel outcome comes from."""

    SUGGESTED = "suggested"
    CHOOSE = "choose"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a question. ``next`` names the next question; without it the answer is an outcome.

    An outcome without a decision sends the sample to discussion. ``ends`` says that no other branch need be asked.
    """

    id: str
    key: str
    text: str
    next: str | None = None
    decision: Decision | None = None
    tags: tuple[str, ...] = ()
    label: LabelSource | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One node of the tree. ``{given}`` and ``{suggested}`` in texts stand for the sample's labels."""

    id: str
    branch: IssueType | None
    question: str
    path: str
    answers: tuple[Answer, ...]


def _uncertain(*tags: str) -> Answer:
    return Answer("uncertain", "U", "Can't say, discuss it", tags=tags, ends=True)


_TO_MANUAL = Answer("manual", "M", "Answer by hand", next=MANUAL)


def _remove(id: str, key: str, text: str, tag: str) -> Answer:
    return Answer(id, key, text, decision=Decision.REMOVE, tags=(tag,), ends=True)


_QUESTIONS: tuple[Question, ...] = (
    Question(
        "mislabel.verify",
        IssueType.MISLABEL,
        "Is the label {given} wrong?",
        "mislabel › confidence high › verify",
        (
            Answer(
                "suggested",
                "Y",
                "Yes, it is {suggested}",
                decision=Decision.RELABEL,
                tags=("mislabel_confirmed",),
                label=LabelSource.SUGGESTED,
            ),
            Answer(
                "other",
                "C",
                "Yes, another class",
                decision=Decision.RELABEL,
                tags=("mislabel_confirmed",),
                label=LabelSource.CHOOSE,
            ),
            Answer("right", "N", "No, {given} is right", decision=Decision.KEEP),
            _uncertain("mislabel_uncertain"),
            _TO_MANUAL,
        ),
    ),
    Question(
        "outlier.label",
        IssueType.OUTLIER,
        "An unusual picture. Is {given} the right label?",
        "outlier › label right?",
        (
            Answer("right", "Y", "Yes, an edge case", decision=Decision.KEEP, tags=("outlier_valid",)),
            _remove("wrong", "N", "No, it does not belong here", "outlier_invalid"),
            _uncertain(),
            _TO_MANUAL,
        ),
    ),
    Question(
        "duplicate.exact",
        IssueType.DUPLICATE,
        "Is it an exact copy of another image?",
        "duplicate › exact?",
        (
            _remove("exact", "Y", "Yes, exactly the same", "duplicate_exact"),
            Answer("not_exact", "N", "No, not exactly", next="duplicate.near"),
            _uncertain(),
            _TO_MANUAL,
        ),
    ),
    Question(
        "duplicate.near",
        IssueType.DUPLICATE,
        "Is it the same shot, edited?",
        "duplicate › not exact › near?",
        (
            _remove("near", "Y", "Yes, a near duplicate", "duplicate_near"),
            Answer("not_near", "N", "No, decide by hand", next=MANUAL),
            _uncertain(),
            _TO_MANUAL,
        ),
    ),
    Question(
        "quality.unusable",
        IssueType.QUALITY,
        "Is the image unusable?",
        "quality › unusable?",
        (
            _remove("unusable", "Y", "Yes, unusable", "low_quality_corrupt"),
            Answer("usable", "N", "No, it can be made out", next="quality.blurred"),
            _uncertain(),
            _TO_MANUAL,
        ),
    ),
    Question(
        "quality.blurred",
        IssueType.QUALITY,
        "Is it just blurred or small?",
        "quality › usable › blurred?",
        (
            Answer("blurred", "Y", "Yes, keep or remove next", next="quality.blur_decision"),
            Answer("not_blurred", "N", "No, decide by hand", next=MANUAL),
            _uncertain(),
            _TO_MANUAL,
        ),
    ),
    Question(
        "quality.blur_decision",
        IssueType.QUALITY,
        "Blurred: keep it or remove it?",
        "quality › blurred › decide",
        (
            Answer("keep", "K", "Keep it", decision=Decision.KEEP, tags=("low_quality_blur",)),
            _remove("remove", "X", "Remove it", "low_quality_blur"),
            _uncertain("low_quality_blur"),
            _TO_MANUAL,
        ),
    ),
    Question(
        "leak.same",
        IssueType.LEAK,
        "Is the same picture in the other split?",
        "leak › same picture?",
        (
            _remove("same", "Y", "Yes, a leak", "train_test_leak"),
            Answer("different", "N", "No, another picture", decision=Decision.KEEP),
            _uncertain(),
            _TO_MANUAL,
        ),
    ),
    Question(MANUAL, None, "Decide by hand", "by hand", ()),
)

_STARTS: dict[IssueType, str] = {
    IssueType.MISLABEL: "mislabel.verify",
    IssueType.OUTLIER: "outlier.label",
    IssueType.DUPLICATE: "duplicate.exact",
    IssueType.QUALITY: "quality.unusable",
    IssueType.LEAK: "leak.same",
    IssueType.OTHER: MANUAL,
}


@dataclass(frozen=True)
class DecisionTree:
    """Questions by id, the first question of each issue type, and the threshold for verification."""

    questions: Mapping[str, Question]
    starts: Mapping[IssueType, str]
    mislabel_threshold: float = DEFAULT_MISLABEL_THRESHOLD

    def start_of(self, flag: Flag) -> str:
        """Name the question that a flag asks first."""
        if flag.issue_type is IssueType.MISLABEL and (flag.confidence or 0.0) <= self.mislabel_threshold:
            return MANUAL
        return self.starts[flag.issue_type]

    def branches(self, flags: Iterable[Flag]) -> list[str]:
        """List the first questions that apply to a sample with these flags, the shortest branch first.

        A flag to be decided by hand asks nothing of its own where another flag has a question.
        """
        starts = {self.start_of(flag) for flag in flags}
        if len(starts) > 1:
            starts.discard(MANUAL)
        order = list(self.questions)
        return sorted(starts or {MANUAL}, key=lambda start: (self.depth(start), order.index(start)))

    def depth(self, start: str) -> int:
        """Count the questions on the longest way from ``start``, hand decisions apart."""
        onward = [a.next for a in self.questions[start].answers if a.next and a.next != MANUAL]
        return 1 + max((self.depth(name) for name in onward), default=0)

    def answer(self, question_id: str, answer_id: str) -> Answer | None:
        question = self.questions.get(question_id)
        if question is None:
            return None
        return next((answer for answer in question.answers if answer.id == answer_id), None)

    def as_json(self) -> dict[str, Any]:
        """The tree as the page gets it."""
        return {
            "version": VERSION,
            "branches": {issue.value: start for issue, start in self.starts.items()},
            "nodes": {name: _question_json(question) for name, question in self.questions.items()},
        }


def standard_tree(mislabel_threshold: float = DEFAULT_MISLABEL_THRESHOLD) -> DecisionTree:
    tree = DecisionTree({q.id: q for q in _QUESTIONS}, dict(_STARTS), mislabel_threshold)
    problems = find_problems(tree)
    if problems:
        raise ValueError("; ".join(problems))
    return tree


def find_problems(tree: DecisionTree) -> list[str]:
    """Say what keeps the tree from being complete: dead ends, unknown names, clashing keys, unreachable questions."""
    problems = [f"no first question for {issue.value}" for issue in IssueType if issue not in tree.starts]
    problems += [f"{i.value} starts at unknown {s!r}" for i, s in tree.starts.items() if s not in tree.questions]
    if problems:
        return problems
    known = {tag.name: tag for tag in STANDARD_TAGS}
    for question in tree.questions.values():
        problems += _question_problems(question, tree, known)
    reachable = _reachable(tree)
    problems += [f"{name} is never asked" for name in tree.questions if name not in reachable]
    return problems


def _question_problems(question: Question, tree: DecisionTree, known: Mapping[str, Any]) -> list[str]:
    if question.id == MANUAL:
        return []
    problems = []
    keys = [answer.key for answer in question.answers]
    if len(set(keys)) != len(keys):
        problems.append(f"{question.id} uses a key twice")
    for needed in ("uncertain", MANUAL):
        if needed not in {answer.id for answer in question.answers}:
            problems.append(f"{question.id} offers no way to {needed}")
    for answer in question.answers:
        where = f"{question.id}.{answer.id}"
        if answer.next is not None and answer.next not in tree.questions:
            problems.append(f"{where} leads to unknown {answer.next!r}")
        problems += [f"{where} has unknown tag {tag!r}" for tag in answer.tags if tag not in known]
        problems += [f"{where}: tag {t!r} contradicts its decision" for t in answer.tags if _clashes(known, t, answer)]
        if (answer.decision is Decision.RELABEL) != (answer.label is not None):
            problems.append(f"{where}: a relabel, and only a relabel, needs a label")
    return problems


def _clashes(known: Mapping[str, Any], tag: str, answer: Answer) -> bool:
    implied = known[tag].implies if tag in known else None
    return implied is not None and answer.decision is not implied


def _reachable(tree: DecisionTree) -> set[str]:
    seen: set[str] = set()
    waiting = [*tree.starts.values(), MANUAL]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in tree.questions:
            continue
        seen.add(name)
        waiting += [answer.next for answer in tree.questions[name].answers if answer.next]
    return seen


def _question_json(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "branch": question.branch.value if question.branch else None,
        "question": question.question,
        "path": question.path,
        "answers": [
            {
                "id": answer.id,
                "key": answer.key,
                "text": answer.text,
                "next": answer.next,
                "decision": answer.decision.value if answer.decision else None,
                "tags": list(answer.tags),
                "label": answer.label.value if answer.label else None,
                "ends": answer.ends,
            }
            for answer in question.answers
        ],
    }
