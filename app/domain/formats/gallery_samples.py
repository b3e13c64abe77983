"""The samples of a gallery: gathered from the rows of an export, and chosen where they are too many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

from app.domain.formats.flagged.rows import FlaggedRow
from app.domain.samples import Flag, IssueType

DECISIONS = {"remove": "removed", "relabel": "relabelled", "keep": "kept", "open": "open", "conflict": "in conflict"}
"""What can have become of a sample, in the order of the page, and its words."""


@dataclass(frozen=True, slots=True)
class GalleryOutcome:
    """What became of a sample; ``decision`` is one of ``DECISIONS``."""

    decision: str
    new_label: str | None
    explanation: str
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GallerySample:
    """One image and all flags on it, the surest first; none where only the leak search brought it up."""

    image_id: str
    image_path: str
    given_label: str
    flags: tuple[Flag, ...]
    outcome: GalleryOutcome | None = None

    @property
    def kind(self) -> tuple[IssueType, str]:
        """Issue type and decision."""
        return self.issue_types[0], self.outcome.decision if self.outcome else ""

    @property
    def issue_types(self) -> list[IssueType]:
        return list(dict.fromkeys(flag.issue_type for flag in self.flags)) or [IssueType.LEAK]

    @property
    def unsureness(self) -> float:
        return _unsureness(self.flags[0]) if self.flags else 1.0

    @property
    def name(self) -> str:
        return self.image_path or self.image_id


def gather_samples(rows: Iterable[FlaggedRow]) -> list[GallerySample]:
    """Join the rows of one image, in the order in which the images first come."""
    found: dict[str, GallerySample] = {}
    for row in rows:
        name = row.image_path or row.image_id
        known = found.get(name) or GallerySample(row.image_id, row.image_path, row.label or "", ())
        found[name] = replace(known, flags=(*known.flags, row.flag))
    return [replace(sample, flags=by_surety(sample.flags)) for sample in found.values()]


def choose_samples(samples: Iterable[GallerySample], limit: int) -> list[GallerySample]:
    """Up to ``limit`` samples, in turn the surest of each issue type and decision; then by both, the surest first."""
    by_kind: dict[tuple[IssueType, str], list[GallerySample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda s: (s.unsureness, s.name)):
        by_kind[sample.kind].append(sample)
    in_turn = (sample for turn in zip_longest(*by_kind.values()) for sample in turn if sample is not None)
    chosen = {sample.name for sample, _ in zip(in_turn, range(limit), strict=False)}
    kinds = [(issue, decision) for issue in IssueType for decision in ("", *DECISIONS)]
    in_order = chain.from_iterable(by_kind[kind] for kind in kinds if kind in by_kind)
    return [sample for sample in in_order if sample.name in chosen]


def by_surety(flags: Iterable[Flag]) -> tuple[Flag, ...]:
    return tuple(sorted(flags, key=_unsureness))


def _unsureness(flag: Flag) -> float:
    return -(flag.confidence if flag.confidence is not None else -1.0)
