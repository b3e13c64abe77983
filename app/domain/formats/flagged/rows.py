"""What every export becomes, row by row: a flag on an image, or a row that was set aside with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from app.domain.samples import Flag, IssueType

CONTROL = re.compile(r"[\x00-\x1f\x7f]")

RAW = 2000
"""So many characters of a rejected row are kept."""

MAX_LENGTHS = {"image_id": 300, "image_path": 4096, "issue_type": 200, "suggested_label": 300, "group": 200}
"""Longest value that a field may hold, in characters."""

NAMED_OTHERS = 10
"""So many other images are named in the reason of one flag."""


@dataclass(frozen=True, slots=True)
class FlaggedRow:
    """One good row: which image it means, and the flag it raises.

    ``others`` are the images that the flag says are alike, the closest first, as the export names them.
    """

    line: int
    image_id: str
    image_path: str
    label: str | None
    flag: Flag
    others: tuple[str, ...] = ()

    def whole_flag(self, rename: Callable[[str], str] = str) -> Flag:
        """The flag with the other images named in its reason, each by what ``rename`` makes of its name."""
        if not self.others:
            return self.flag
        named = ", ".join(rename(other) for other in self.others[:NAMED_OTHERS])
        more = len(self.others) - NAMED_OTHERS
        ending = f" and {more:,} more" if more > 0 else ""
        return replace(self.flag, reason=f"{self.flag.reason or 'similar to'} {named}{ending}")


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One row that was not taken. ``line`` counts from 1, a CSV's header being line 1."""

    line: int
    code: str
    reason: str
    raw: str


_WORDS: dict[IssueType, str] = {
    IssueType.MISLABEL: "mislabel mislabels mislabeled mislabelled label label_error label_errors label_issue "
    "mistakenness mistake",
    IssueType.OUTLIER: "outlier outliers class_outlier off_topic off_topic_samples irrelevant irrelevants",
    IssueType.DUPLICATE: "duplicate duplicates near_duplicate near_duplicates exact_duplicate exact_duplicates",
    IssueType.QUALITY: "quality low_quality blur blurry dark bright light corrupt corrupted invalid odd_aspect_ratio "
    "odd_size low_information grayscale overexposed underexposed",
    IssueType.LEAK: "leak leaks leakage train_test_leak leaky",
}

ISSUE_WORDS: dict[str, IssueType] = {word: issue for issue, words in _WORDS.items() for word in words.split()}


@lru_cache(maxsize=1000)
def find_issue(raw: str) -> IssueType | None:
    """Our type for a detector's word, whatever its case and number; None for a word that is not known."""
    word = raw.strip().lower().replace("-", "_").replace(" ", "_")
    for form in (word, word.removesuffix("s"), word.removesuffix("_issues").removesuffix("_issue")):
        if form in ISSUE_WORDS:
            return ISSUE_WORDS[form]
    return None
