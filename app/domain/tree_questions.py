"""The questions a reviewer is asked, with their keys and outcomes: the decision tree's content, as data.

``app.domain.decision_tree`` makes the tree of them and checks that it is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.samples import IssueType
from app.domain.taxonomy import Decision

MANUAL = "manual"
UNCERTAIN = "uncertain"


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
    return Answer(UNCERTAIN, "U", "Can't say, discuss it", tags=tags, ends=True)


_TO_MANUAL = Answer("manual", "M", "Answer by hand", next=MANUAL)


def _remove(id: str, key: str, text: str, tag: str) -> Answer:
    return Answer(id, key, text, decision=Decision.REMOVE, tags=(tag,), ends=True)


STANDARD_QUESTIONS: tuple[Question, ...] = (
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

STANDARD_STARTS: dict[IssueType, str] = {
    IssueType.MISLABEL: "mislabel.verify",
    IssueType.OUTLIER: "outlier.label",
    IssueType.DUPLICATE: "duplicate.exact",
    IssueType.QUALITY: "quality.unusable",
    IssueType.LEAK: "leak.same",
    IssueType.OTHER: MANUAL,
}
