"""The decision tree is complete, its check catches every kind of fault, and branches come in the right order."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.domain.decision_tree import DecisionTree, find_problems, standard_tree
from app.domain.samples import Flag, IssueType
from app.domain.taxonomy import STANDARD_TAGS, Decision
from app.domain.tree_questions import MANUAL, Answer, LabelSource, Question

TREE = standard_tree()
EXTRA = Answer("extra", "E", "One more", decision=Decision.KEEP)


def flag(issue: IssueType, confidence: float | None = None) -> Flag:
    return Flag(issue, issue.value, confidence, None, None)


def with_question(question: Question, *, starts: dict[IssueType, str] | None = None) -> DecisionTree:
    return replace(TREE, questions={**TREE.questions, question.id: question}, starts={**TREE.starts, **(starts or {})})


def with_answers(name: str, *answers: Answer) -> DecisionTree:
    """The standard tree where these answers of one question are added, or take the place of those with their id."""
    question = TREE.questions[name]
    merged = {answer.id: answer for answer in (*question.answers, *answers)}
    return with_question(replace(question, answers=tuple(merged.values())))


def without_answer(name: str, answer_id: str) -> DecisionTree:
    question = TREE.questions[name]
    return with_question(replace(question, answers=tuple(a for a in question.answers if a.id != answer_id)))


def test_the_standard_tree_is_complete() -> None:
    assert find_problems(TREE) == []


def test_every_issue_type_has_a_first_question() -> None:
    assert set(TREE.starts) == set(IssueType)


def test_every_standard_tag_but_the_bare_decisions_can_be_given_by_an_answer_or_by_hand() -> None:
    given = {tag for q in TREE.questions.values() for answer in q.answers for tag in answer.tags}
    by_hand = {"ambiguous_class", "keep", "remove", "relabel"}
    assert given == {tag.name for tag in STANDARD_TAGS} - by_hand


FAULTS = {
    "dead end": (with_answers("leak.same", replace(EXTRA, decision=None)), "leak.same.extra is a dead end"),
    "unknown tag": (with_answers("leak.same", replace(EXTRA, tags=("fluffy",))), "unknown tag 'fluffy'"),
    "key clash": (with_answers("leak.same", replace(EXTRA, key="Y")), "leak.same uses a key twice"),
    "contradicting tag": (with_answers("leak.same", replace(EXTRA, tags=("remove",))), "'remove' that contradicts"),
    "tag for a decision that is not made": (
        with_answers("leak.same", Answer("uncertain", "U", "?", tags=("keep",), ends=True)),
        "'keep' that contradicts",
    ),
    "relabel without label": (
        with_answers("leak.same", replace(EXTRA, decision=Decision.RELABEL)),
        "leak.same.extra needs a label if it relabels",
    ),
    "label without relabel": (
        with_answers("leak.same", replace(EXTRA, label=LabelSource.CHOOSE)),
        "leak.same.extra needs a label if it relabels, and only then",
    ),
    "missing manual": (without_answer("leak.same", MANUAL), "leak.same offers no way to manual"),
    "missing uncertain": (without_answer("leak.same", "uncertain"), "leak.same offers no way to uncertain"),
    "no answers": (with_question(Question("leak.same", IssueType.LEAK, "?", "leak", ())), "offers no way to"),
    "unknown next question": (
        with_answers("leak.same", Answer("extra", "E", "On", next="nowhere")),
        "leak.same.extra leads to unknown 'nowhere'",
    ),
    "decision that is lost": (
        with_answers("leak.same", replace(EXTRA, next="outlier.label")),
        "leak.same.extra leads on, so its decision and tags would be lost",
    ),
    "loop": (
        with_answers("quality.blurred", Answer("extra", "E", "Back", next="quality.unusable")),
        "quality.blurred leads back to itself",
    ),
    "unreachable question": (
        with_question(replace(TREE.questions["leak.same"], id="leak.lost")),
        "leak.lost is never asked",
    ),
    "unknown start": (
        replace(TREE, starts={**TREE.starts, IssueType.LEAK: "nowhere"}),
        "leak starts at unknown 'nowhere'",
    ),
    "missing start": (
        replace(TREE, starts={i: s for i, s in TREE.starts.items() if i is not IssueType.LEAK}),
        "no first question for leak",
    ),
}


@pytest.mark.parametrize(("tree", "problem"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_found(tree: DecisionTree, problem: str) -> None:
    assert any(problem in found for found in find_problems(tree)), find_problems(tree)


@pytest.mark.parametrize(
    ("confidence", "start"),
    [(None, MANUAL), (0.0, MANUAL), (0.9, MANUAL), (0.9001, "mislabel.verify"), (1.0, "mislabel.verify")],
)
def test_a_mislabel_is_verified_only_above_the_threshold(confidence: float | None, start: str) -> None:
    assert TREE.start_of(flag(IssueType.MISLABEL, confidence)) == start


def test_a_project_can_set_its_own_threshold() -> None:
    assert standard_tree(0.5).start_of(flag(IssueType.MISLABEL, 0.6)) == "mislabel.verify"


ALL = [flag(issue, 0.99) for issue in IssueType]


def test_branches_are_asked_shortest_first() -> None:
    assert TREE.branches(ALL) == [
        "mislabel.verify",
        "outlier.label",
        "leak.same",
        "duplicate.exact",
        "quality.unusable",
    ]


def test_the_order_of_flags_does_not_matter() -> None:
    assert TREE.branches(reversed(ALL)) == TREE.branches(ALL)


def test_two_flags_of_one_type_ask_once() -> None:
    assert TREE.branches([flag(IssueType.OUTLIER, 0.1), flag(IssueType.OUTLIER, 0.9)]) == ["outlier.label"]


@pytest.mark.parametrize(
    ("flags", "branches"),
    [
        ([], [MANUAL]),
        ([flag(IssueType.OTHER)], [MANUAL]),
        ([flag(IssueType.MISLABEL, 0.5)], [MANUAL]),
        ([flag(IssueType.MISLABEL, 0.5), flag(IssueType.OUTLIER)], ["outlier.label"]),
    ],
)
def test_deciding_by_hand_is_only_for_samples_without_a_question(flags: list[Flag], branches: list[str]) -> None:
    assert TREE.branches(flags) == branches


@pytest.mark.parametrize(
    ("start", "depth"), [("mislabel.verify", 1), ("duplicate.exact", 2), ("quality.unusable", 3), (MANUAL, 1)]
)
def test_depth_counts_the_questions_of_the_longest_way(start: str, depth: int) -> None:
    assert TREE.depth(start) == depth


def test_unknown_questions_and_answers_are_none() -> None:
    assert TREE.answer("nowhere", "right") is None
    assert TREE.answer("leak.same", "maybe") is None


def test_the_page_gets_every_question_with_its_answers() -> None:
    sent = json.loads(json.dumps(TREE.as_json()))
    assert sent["branches"]["quality"] == "quality.unusable"
    assert {name: len(node["answers"]) for name, node in sent["nodes"].items()} == {
        name: len(question.answers) for name, question in TREE.questions.items()
    }
    assert sent["nodes"]["leak.same"]["answers"][0] == {
        "id": "same", "key": "Y", "text": "Yes, a leak", "next": None, "decision": "remove",
        "tags": ["train_test_leak"], "label": None, "ends": True,
    }  # fmt: skip
