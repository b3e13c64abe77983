"""The decision tree: which question comes first for a flag, which comes next, and whether the tree is complete.

This is the only place where the tree exists. The page gets it as JSON and shows what it is told; the server walks
it again with the answers that come back (``app.domain.tree_walk``). Its content is ``app.domain.tree_questions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.samples import Flag, IssueType
from app.domain.taxonomy import STANDARD_TAGS, Decision
from app.domain.tree_questions import MANUAL, STANDARD_QUESTIONS, STANDARD_STARTS, UNCERTAIN, Answer, Question

DEFAULT_MISLABEL_THRESHOLD = 0.9
"""A mislabel flag above this confidence is verified; below it, the sample is decided by hand."""

VERSION = "1"


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
    tree = DecisionTree({q.id: q for q in STANDARD_QUESTIONS}, dict(STANDARD_STARTS), mislabel_threshold)
    problems = find_problems(tree)
    if problems:
        raise ValueError("; ".join(problems))
    return tree


def find_problems(tree: DecisionTree) -> list[str]:
    """Say what keeps the tree from being complete: dead ends, loops, unknown names, clashing keys, unreachable
    questions."""
    problems = [f"no first question for {issue.value}" for issue in IssueType if issue not in tree.starts]
    problems += [f"{i.value} starts at unknown {s!r}" for i, s in tree.starts.items() if s not in tree.questions]
    if problems:
        return problems
    known = {tag.name: tag for tag in STANDARD_TAGS}
    for question in tree.questions.values():
        problems += _question_problems(question, tree, known)
    reachable = _reachable(tree, [*tree.starts.values(), MANUAL])
    problems += [f"{name} is never asked" for name in tree.questions if name not in reachable]
    problems += [f"{name} leads back to itself" for name in tree.questions if _leads_to(tree, name, name)]
    return problems


def _question_problems(question: Question, tree: DecisionTree, known: Mapping[str, Any]) -> list[str]:
    if question.id == MANUAL:
        return []
    problems = []
    keys = [answer.key for answer in question.answers]
    if len(set(keys)) != len(keys):
        problems.append(f"{question.id} uses a key twice")
    for needed in (UNCERTAIN, MANUAL):
        if needed not in {answer.id for answer in question.answers}:
            problems.append(f"{question.id} offers no way to {needed}")
    for answer in question.answers:
        where = f"{question.id}.{answer.id}"
        problems += [f"{where} {problem}" for problem in _answer_problems(answer, tree, known)]
    return problems


def _answer_problems(answer: Answer, tree: DecisionTree, known: Mapping[str, Any]) -> list[str]:
    problems = [f"has unknown tag {tag!r}" for tag in answer.tags if tag not in known]
    problems += [f"has a tag {t!r} that contradicts its decision" for t in answer.tags if _clashes(known, t, answer)]
    if (answer.decision is Decision.RELABEL) != (answer.label is not None):
        problems.append("needs a label if it relabels, and only then")
    if answer.next is None:
        if answer.decision is None and answer.id != UNCERTAIN:
            problems.append("is a dead end: no decision and no next question")
        return problems
    if answer.next not in tree.questions:
        problems.append(f"leads to unknown {answer.next!r}")
    if answer.decision is not None or answer.tags:
        problems.append("leads on, so its decision and tags would be lost")
    return problems


def _clashes(known: Mapping[str, Any], tag: str, answer: Answer) -> bool:
    implied = known[tag].implies if tag in known else None
    return implied is not None and answer.decision is not implied


def _leads_to(tree: DecisionTree, name: str, target: str) -> bool:
    onward = [answer.next for answer in tree.questions[name].answers if answer.next]
    return target in _reachable(tree, onward)


def _reachable(tree: DecisionTree, starts: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    waiting = list(starts)
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
