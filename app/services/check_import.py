"""Checking an export row by row against a project's samples, before anything of it is applied."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.adapters.folder_dataset import normalise_key
from app.domain.errors import JobCancelled
from app.domain.formats.flagged.recognise import Export
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.path_matching import Match, PathMatcher
from app.services.ports import ShardContext

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


@dataclass
class CheckedImport:
    """What an export says of this project: rows by sample id, and what was refused."""

    rows: dict[int, list[FlaggedRow]] = field(default_factory=lambda: defaultdict(list))
    rejects: list[RejectedRow] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    total: int = 0


def check_rows(
    export: Export,
    samples: Mapping[str, tuple[int, str]],
    root: Path,
    context: ShardContext,
    *,
    ignore_case: bool = False,
) -> CheckedImport:
    """Match every row to a sample, and set aside those that match none.

    Raises:
        InvalidFile: the export turned out to be broken; nothing of it counts.
        JobCancelled: somebody asked to stop.
    """
    checking = _Checking(samples, root, PathMatcher(samples.keys(), ignore_case=ignore_case))
    checked = checking.checked
    for parsed in export.rows():
        checked.total += 1
        if checked.total % 2000 == 0:
            context.report(0, len(checked.rejects))
            if context.should_stop():
                raise JobCancelled("The import was cancelled; nothing was changed.")
        if isinstance(parsed, RejectedRow):
            checked.rejects.append(parsed)
        else:
            checking.take(parsed)
    checking.settle_bare_names()
    checked.rejects.sort(key=lambda row: row.line)
    checked.warnings = export.warnings + checking.warnings()
    return checked


@dataclass
class _Checking:
    samples: Mapping[str, tuple[int, str]]
    root: Path
    matcher: PathMatcher
    checked: CheckedImport = field(default_factory=CheckedImport)
    other_label: int = 0
    by_end: int = 0
    example: tuple[str, str] = ("", "")
    bare: dict[str, list[FlaggedRow]] = field(default_factory=lambda: defaultdict(list))
    """Rows that give no more than a file's name, which was found once, by sample key."""

    def take(self, parsed: FlaggedRow) -> None:
        named = parsed.image_path or parsed.image_id
        # Most rows name a sample as we do. A backslash counts as a slash, even where a name has one.
        if named in self.samples and "\\" not in named:
            self._keep(parsed, named)
            return
        match = self._find(named)
        if match.key is None:
            self.checked.rejects.append(RejectedRow(parsed.line, match.code, match.reason, named))
        elif match.by_end and "/" not in named.replace("\\", "/"):
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
        self.checked.rows[sample_id].append(parsed)
        self.other_label += bool(parsed.label) and parsed.label != label

    def _rename(self, other: str) -> str:
        return other if other in self.samples else self._find(other).key or other

    def _find(self, named: str) -> Match:
        key = normalise_key(named, self.root)
        if key is not None and not _DRIVE.match(named):
            return self.matcher.find(key)
        outside = f"{named!r} leads outside the dataset's folder."
        key = normalise_key(named.replace("\\", "/").lstrip("/"), self.root)
        match = self.matcher.find(key) if key else Match(None)
        return match if match.key or match.code == "other_case" else Match(None, False, "outside_dataset", outside)
