"""How often a detector's flags are right, seen from what people decided on the samples that it flagged."""

from __future__ import annotations

from app.domain.samples import IssueType
from app.domain.taxonomy import Decision

_BORNE_OUT: dict[IssueType, frozenset[Decision]] = {
    IssueType.MISLABEL: frozenset({Decision.RELABEL, Decision.REMOVE}),
    IssueType.OUTLIER: frozenset({Decision.REMOVE}),
    IssueType.DUPLICATE: frozenset({Decision.REMOVE}),
    IssueType.QUALITY: frozenset({Decision.REMOVE}),
    IssueType.LEAK: frozenset({Decision.REMOVE}),
    IssueType.OTHER: frozenset({Decision.RELABEL, Decision.REMOVE}),
}


def is_borne_out(issue_type: IssueType, decision: Decision) -> bool:
    """Whether a settled sample's decision agrees with a flag on it.

    A flag of a wrong label is right where the sample got another label or went; every other flag where it went. Tags
    need no look: one that confirms a flag implies one of these decisions, and none that contradicts its decision is
    taken. A flag on a sample that is kept was wrong, and of one that is open or in conflict nothing is known.
    """
    return decision in _BORNE_OUT[issue_type]
