"""Importing again: which flags of a newer export are the ones already known, and which are new.

Two flags of one sample and source are the same claim when issue type, suggestion, group and reason agree, decimal
numbers in the reason apart, because detectors write their score there ("predicted dog (0.89)"). What is still
unpaired is paired when old and new export make exactly one claim of that type, duplicates and leaks apart, whose
reason names the other image.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from app.domain.samples import Flag, IssueType

# A decimal that is a word of its own: the one in ``clip-1.5.jpg`` names an image.
_DECIMAL = re.compile(r"(?<![\w./\\])(?<!\w-)\d+\.\d+(?![\w/\\]|[.-]\w)")
_NAMES_OTHER_IMAGE = frozenset({IssueType.DUPLICATE, IssueType.LEAK})


@dataclass
class Pairing:
    """Indices into the old and new flags: ``(old, new)`` for pairs, new ones alone for additions."""

    unchanged: list[tuple[int, int]] = field(default_factory=list)
    updated: list[tuple[int, int]] = field(default_factory=list)
    added: list[int] = field(default_factory=list)


def pair_flags(old: Sequence[Flag], new: Sequence[Flag]) -> Pairing:
    """Pair the flags of one sample. An old flag that the new export does not repeat stays as it is."""
    if not old:
        return Pairing(added=list(range(len(new))))  # the first import of an export, which is the largest
    result = Pairing()
    free_old, free_new = list(range(len(old))), list(range(len(new)))
    for key_of in (_exact, _claim, _sole_type):
        free_old, free_new = _pair_by(key_of, old, new, free_old, free_new, result)
    result.added = free_new
    return result


def _exact(flag: Flag) -> Hashable:
    return flag


def _claim(flag: Flag) -> Hashable:
    reason = _DECIMAL.sub("#", flag.reason or "")
    return (flag.issue_type, flag.raw_issue_type, flag.suggested_label, flag.group, reason)


def _sole_type(flag: Flag) -> Hashable:
    return (flag.issue_type, flag.raw_issue_type)


def _pair_by(
    key_of: Callable[[Flag], Hashable],
    old: Sequence[Flag],
    new: Sequence[Flag],
    free_old: list[int],
    free_new: list[int],
    result: Pairing,
) -> tuple[list[int], list[int]]:
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for index in free_old:
        waiting[key_of(old[index])].append(index)
    wanted: dict[Hashable, list[int]] = defaultdict(list)
    for index in free_new:
        wanted[key_of(new[index])].append(index)
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for key, indices in wanted.items():
        if key_of is _sole_type and not _is_sole(key, waiting[key], indices):
            continue
        for o, n in zip(waiting[key], indices, strict=False):
            (result.unchanged if old[o] == new[n] else result.updated).append((o, n))
            taken_old.add(o)
            taken_new.add(n)
    return [o for o in free_old if o not in taken_old], [n for n in free_new if n not in taken_new]


def _is_sole(key: Hashable, old: list[int], new: list[int]) -> bool:
    assert isinstance(key, tuple)  # noqa: S101 - made by _sole_type
    return len(old) == len(new) == 1 and key[0] not in _NAMES_OTHER_IMAGE
