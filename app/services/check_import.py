"""Checking an export row by row against a project's samples, before anything of it is applied."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import cast

from app.adapters.datasets.folder import normalise_key
from app.domain.errors import JobCancelled
from app.domain.flag_changes import CheckedRow, checked_row
from app.domain.formats.flagged.recognise import Export
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.guide_columns import FlaggedColumns
from app.domain.path_matching import Match, PathMatcher
from app.domain.samples import IssueType
from app.services.ports import ShardContext

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_PLAIN = {issue: issue.value for issue in IssueType}


def _is_bare(named: str) -> bool:
    return "/" not in named.replace("\\", "/")


@dataclass
class CheckedImport:
    """What an export says of this project: flags on samples by line, and what was refused.

    So many rows of ``but_for_case`` would match if upper and lower case did not count.
    """

    rows: list[CheckedRow] = field(default_factory=list)
    rejects: list[RejectedRow] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    total: int = 0
    but_for_case: int = 0


def check_rows(
    export: Export,
    samples: Mapping[str, tuple[int, str]],
    roots: Sequence[Path],
    context: ShardContext,
    *,
    ignore_case: bool = False,
) -> CheckedImport:
    """Match every row to a sample, and set aside those that match none.

    Raises:
        InvalidFile: the export turned out to be broken; nothing of it counts.
        JobCancelled: somebody asked to stop.
    """
    checking = _Checking(samples, roots, PathMatcher(samples.keys(), ignore_case=ignore_case))
    checked = checking.checked
    columns = export.columns()
    others: Iterable[FlaggedRow | RejectedRow] = export.rows()
    if columns is not None:
        others = checking.take_columns(columns)
        _look_up(context, checked)
    for parsed in others:
        checked.total += 1
        if checked.total % 2000 == 0:
            _look_up(context, checked)
        if isinstance(parsed, RejectedRow):
            checked.rejects.append(parsed)
        else:
            checking.take(parsed)
    checking.settle_bare_names()
    checked.rows.sort(key=attrgetter("line"))
    checked.rejects.sort(key=attrgetter("line"))
    checked.warnings = export.warnings + checking.warnings()
    return checked


def _look_up(context: ShardContext, checked: CheckedImport) -> None:
    context.report(0, len(checked.rejects))
    if context.should_stop():
        raise JobCancelled("The import was cancelled; nothing was changed.")


@dataclass
class _Checking:
    samples: Mapping[str, tuple[int, str]]
    roots: Sequence[Path]
    matcher: PathMatcher
    checked: CheckedImport = field(default_factory=CheckedImport)
    other_label: int = 0
    by_end: int = 0
    example: tuple[str, str] = ("", "")
    bare: dict[str, list[FlaggedRow]] = field(default_factory=lambda: defaultdict(list))
    """Rows that give no more than a file's name, which was found once, by sample key."""
    bare_but_for_case: dict[str, list[FlaggedRow]] = field(default_factory=lambda: defaultdict(list))

    def take_columns(self, columns: FlaggedColumns) -> list[FlaggedRow | RejectedRow]:
        """Take all rows that name a sample as we do; return the others, which are to be looked at one by one."""
        named: Sequence[str] = columns.image_paths
        if not all(named):
            named = [path or id_ for path, id_ in zip(named, columns.image_ids, strict=True)]
        found = list(map(self.samples.get, named))
        strange = [n for n, sample in enumerate(found) if sample is None] if None in found else []
        if "\\" in "".join(named):
            strange = sorted({*strange, *(n for n, path in enumerate(named) if "\\" in path)})
        taken = columns
        if strange:
            left = set(strange)
            taken = columns.without(strange)
            found = [sample for n, sample in enumerate(found) if n not in left]
        samples = cast(list[tuple[int, str]], found)
        nothing = [None] * len(samples)
        self.checked.total += len(samples)
        rows = zip(
            map(itemgetter(0), samples), taken.image_ids, map(_PLAIN.__getitem__, taken.issues), taken.raw_types,
            taken.confidences, taken.suggested, taken.reasons, taken.groups, nothing, nothing, taken.lines,
            strict=True,
        )  # fmt: skip
        # What CheckedRow._make does, without a Python call for each of the rows.
        self.checked.rows += map(partial(tuple.__new__, CheckedRow), rows)
        labels = list(map(itemgetter(1), samples))
        if labels != taken.labels:
            self.other_label += sum(
                bool(label) and label != ours for label, ours in zip(taken.labels, labels, strict=True)
            )
        return [*map(columns.row, strange), *columns.others]

    def take(self, parsed: FlaggedRow) -> None:
        named = parsed.image_path or parsed.image_id
        # Most rows name a sample as we do. A backslash counts as a slash, even where a name has one.
        if named in self.samples and "\\" not in named:
            self._keep(parsed, named)
            return
        match = self._find(named)
        if match.key is None:
            self._note_case(parsed, named, match.but_for_case)
            self.checked.rejects.append(RejectedRow(parsed.line, match.code, match.reason, named))
        elif match.by_end and _is_bare(named):
            self.bare[match.key].append(parsed)
        else:
            if match.by_end:
                self.by_end, self.example = self.by_end + 1, (named, match.key)
            self._keep(parsed, match.key)

    def settle_bare_names(self) -> None:
        """A bare name stands for its only bearer, unless the export uses it for several images."""
        for key, rows in self.bare.items():
            ids = {row.image_id for row in rows if row.image_id}
            if len(ids) > 1:
                reason = f"The export has {len(ids):,} images of this name, so it can't say that {key!r} is meant."
                self.checked.rejects += [
                    RejectedRow(row.line, "ambiguous_image", reason, row.image_path or row.image_id) for row in rows
                ]
                continue
            self.by_end, self.example = self.by_end + len(rows), (rows[0].image_path or rows[0].image_id, key)
            for row in rows:
                self._keep(row, key)
        for key, rows in self.bare_but_for_case.items():
            ids = {row.image_id for row in (*rows, *self.bare.get(key, ())) if row.image_id}
            self.checked.but_for_case += len(rows) if len(ids) <= 1 else 0

    def _note_case(self, parsed: FlaggedRow, named: str, key: str | None) -> None:
        if key and _is_bare(named):
            self.bare_but_for_case[key].append(parsed)
        elif key:
            self.checked.but_for_case += 1

    def warnings(self) -> list[str]:
        told = []
        if self.by_end:
            given, key = self.example
            told.append(
                f"Paths that begin elsewhere were matched by their end ({self.by_end:,} rows), such as {given!r} "
                f"to {key!r}"
            )
        if self.other_label:
            told.append(
                "The export's label differs from the folder's for some images; the folder's counts "
                f"({self.other_label:,} rows)"
            )
        return told

    def _keep(self, parsed: FlaggedRow, key: str) -> None:
        sample_id, label = self.samples[key]
        if parsed.others:
            parsed = replace(parsed, flag=parsed.whole_flag(self._rename), others=())
        self.checked.rows.append(checked_row(sample_id, parsed))
        self.other_label += bool(parsed.label) and parsed.label != label

    def _rename(self, other: str) -> str:
        return other if other in self.samples else self._find(other).key or other

    def _find(self, named: str) -> Match:
        key = normalise_key(named, *self.roots)
        if key is not None and not _DRIVE.match(named):
            return self.matcher.find(key)
        outside = f"{named!r} leads outside the dataset's folder."
        key = normalise_key(named.replace("\\", "/").lstrip("/"), *self.roots)
        match = self.matcher.find(key) if key else Match(None)
        return match if match.key or match.code == "other_case" else Match(None, False, "outside_dataset", outside)
