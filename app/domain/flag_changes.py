"""What an import does to a project's flags: which it adds, which it changes, and which it leaves as they are.

``Changes.digest`` tells two imports that do the same from others: what was looked at is what is applied.
"""

from __future__ import annotations

import hashlib
import marshal
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from app.domain.flag_matching import pair_flags
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.samples import Flag, IssueType


class CheckedRow(NamedTuple):
    """A good row of an export, on the sample that it means. ``line`` counts from 1, ``issue_type`` is its value."""

    sample_id: int
    image_id: str
    issue_type: str
    raw_issue_type: str
    confidence: float | None
    suggested_label: str | None
    reason: str | None
    group: str | None
    raw_score: float | None
    raw_score_name: str | None
    line: int

    @property
    def flag(self) -> Flag:
        return Flag(IssueType(self.issue_type), *self[3:10])


class KnownFlag(NamedTuple):
    """A flag that the project has already; its first fields are those of ``CheckedRow``."""

    sample_id: int
    image_id: str
    issue_type: str
    raw_issue_type: str
    confidence: float | None
    suggested_label: str | None
    reason: str | None
    group: str | None
    raw_score: float | None
    raw_score_name: str | None
    id: int

    @property
    def flag(self) -> Flag:
        return Flag(IssueType(self.issue_type), *self[3:10])


def checked_row(sample_id: int, parsed: FlaggedRow) -> CheckedRow:
    flag = parsed.flag
    return CheckedRow(
        sample_id, parsed.image_id, flag.issue_type.value, flag.raw_issue_type, flag.confidence, flag.suggested_label,
        flag.reason, flag.group, flag.raw_score, flag.raw_score_name, parsed.line,
    )  # fmt: skip


@dataclass
class Changes:
    """Rows by what becomes of them, each list in order of lines."""

    added: list[CheckedRow] = field(default_factory=list)
    changed: list[tuple[KnownFlag, CheckedRow]] = field(default_factory=list)
    unchanged: list[CheckedRow] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return len(self.added) + len(self.changed) + len(self.unchanged)

    def digest(self, rejects: Sequence[RejectedRow]) -> str:
        """A short text that differs when anything of it does, or when other rows are refused."""
        told = hashlib.sha256()
        changed = [(old.id, *new) for old, new in self.changed]
        refused = [(row.line, row.code) for row in rejects]
        for part in (self.added, changed, [row[:3] for row in self.unchanged], refused):
            told.update(b"[")
            rest = iter(part)
            while some := list(islice(rest, 10_000)):  # a long list as one text would need its memory twice
                # By columns, because marshal takes no named tuples; version 2 gives equal bytes for equal rows.
                told.update(marshal.dumps(list(zip(*some, strict=True)), 2))
        return told.hexdigest()


def find_changes(known: Sequence[KnownFlag], rows: Sequence[CheckedRow]) -> Changes:
    """Pair rows with the flags of the same source, sample by sample. ``known`` comes by ids, ``rows`` by lines."""
    if not known:
        return Changes(added=list(rows))  # the first import of an export, which is the largest
    old_of: dict[int, list[KnownFlag]] = defaultdict(list)
    for flag in known:
        old_of[flag.sample_id].append(flag)
    new_of: dict[int, list[CheckedRow]] = defaultdict(list)
    for row in rows:
        new_of[row.sample_id].append(row)
    found = Changes()
    for sample_id, new in new_of.items():
        old = old_of.get(sample_id)
        if old is None:
            found.added += new
        elif len(old) == len(new) == 1 and old[0][2:10] == new[0][2:10]:
            found.unchanged += new
        else:
            pairing = pair_flags([flag.flag for flag in old], [row.flag for row in new])
            found.added += [new[n] for n in pairing.added]
            found.changed += [(old[o], new[n]) for o, n in pairing.updated]
            found.unchanged += [new[n] for _, n in pairing.unchanged]
    found.added.sort(key=attrgetter("line"))
    found.changed.sort(key=lambda pair: pair[1].line)
    found.unchanged.sort(key=attrgetter("line"))
    return found
