"""What a detector's flags would do if nobody looked at them: the condition that shows what review is worth."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from app.domain.errors import InvalidInput
from app.domain.retraining.conditions import Lists
from app.domain.samples import Flag, IssueType


def apply_unseen(flags: Iterable[tuple[str, Flag]], min_confidence: float = 0.0) -> tuple[Lists, dict[str, int]]:
    """Lists by these rules, and how many flags of each issue type were not applied.

    A mislabel with a suggested label is relabelled to the surest suggestion. Duplicates of one group go, but for the
    one whose id comes first. Any other mislabel, outlier, duplicate or image of poor quality goes. A flag below
    ``min_confidence`` (0 to 1) is not applied, one that tells no confidence is. Removal wins over relabelling. Leaks
    are of the evaluation set, and other issues name nothing to do.
    """
    if not 0 <= min_confidence <= 1:
        raise InvalidInput(f"The smallest confidence is from 0 to 1, not {min_confidence:g}.")
    removed: set[str] = set()
    suggested: dict[str, tuple[float, str]] = {}
    groups: defaultdict[str, set[str]] = defaultdict(set)
    left: Counter[str] = Counter()
    for id_, flag in flags:
        confidence = 1.0 if flag.confidence is None else flag.confidence
        if confidence < min_confidence or flag.issue_type in (IssueType.LEAK, IssueType.OTHER):
            left[flag.issue_type.value] += 1
        elif flag.issue_type is IssueType.MISLABEL and flag.suggested_label:
            suggested[id_] = max(suggested.get(id_, (0.0, "")), (confidence, flag.suggested_label))
        elif flag.issue_type is IssueType.DUPLICATE and flag.group:
            groups[flag.group].add(id_)
        else:
            removed.add(id_)
    for ids in groups.values():
        removed |= ids - {min(ids)}
    labels = {id_: label for id_, (_, label) in suggested.items() if id_ not in removed}
    return Lists(frozenset(removed), labels), dict(left)
