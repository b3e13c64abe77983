"""How far a project is by issue, by class and by who flagged, from counts that the database makes."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

from app.db.base import utc_now
from app.db.repositories import agreement as agreement_repository
from app.db.repositories import groups as groups_repository
from app.db.repositories import progress as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Database
from app.domain.check_samples import Accuracy, measure_accuracy
from app.domain.precision import is_borne_out
from app.domain.samples import IssueType
from app.domain.taxonomy import Decision

STRETCH = 5_000
"""Sample ids that one reading transaction looks at."""


@dataclass(frozen=True)
class Standing:
    """Samples of one issue or class: ``flagged`` is the sum of those kept, removed, relabelled, in conflict and open.

    ``size`` is the number of samples of the class, flagged or not.
    """

    name: str
    flagged: int
    keep: int
    remove: int
    relabel: int
    conflict: int
    open: int
    size: int | None = None

    @property
    def decided(self) -> int:
        return self.keep + self.remove + self.relabel

    @property
    def flagged_share(self) -> float:
        return self.flagged / self.size if self.size else 1.0

    @property
    def wrong_share(self) -> float:
        """Share of the class that is flagged and was not found to be in order: what is, or may be, wrong."""
        return (self.flagged - self.keep) / self.size if self.size else 0.0


@dataclass(frozen=True)
class SourcePrecision:
    """Flags of one detector about one issue, and how many of those on settled samples were right."""

    source: str
    issue_type: str
    flags: int
    precision: Accuracy | None


@dataclass(frozen=True)
class Progress:
    """Classes stand in order of their share that is or may be wrong, the worst first."""

    at: datetime
    seconds: float
    issues: list[Standing]
    classes: list[Standing]
    sources: list[SourcePrecision]
    differing_groups: int
    differing_open: int


Counts = dict[str, Counter[str]]


def measure_progress(database: Database, project_id: int) -> Progress:
    """Measure now. Many short reading transactions, so that reviewers can write in between."""
    begun = time.monotonic()
    classes: Counts = defaultdict(Counter)
    issues: Counts = defaultdict(Counter)
    sources: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    with database.reading() as session:
        stretches = list(agreement_repository.stretches(session, project_id, STRETCH))
        sizes = projects_repository.class_sizes(session, project_id)
        differing, differing_open = (
            groups_repository.count_differing(session, project_id, open_only=only) for only in (False, True)
        )
    for stretch in stretches:
        with database.reading() as session:
            for name, state, decision, count in repository.by_class(session, project_id, stretch):
                classes[name][_place(state, decision)] += count
            for name, state, decision, count in repository.by_issue(session, project_id, stretch):
                issues[name][_place(state, decision)] += count
            for source, issue, decision, count in repository.by_source(session, project_id, stretch):
                sources[source, issue][_worth(issue, decision)] += count
    return Progress(
        utc_now(), time.monotonic() - begun, _issues(issues), _classes(classes, sizes),
        [_source(*key, counts) for key, counts in sorted(sources.items())], differing, differing_open,
    )  # fmt: skip


def _place(state: str, decision: str | None) -> str:
    return decision if state == "resolved" and decision else state


def _worth(issue: str, decision: str | None) -> str:
    if decision is None:
        return "unknown"
    return "right" if is_borne_out(IssueType(issue), Decision(decision)) else "wrong"


def _standing(name: str, counts: Counter[str], size: int | None = None) -> Standing:
    return Standing(
        name,
        counts.total(),
        counts["keep"],
        counts["remove"],
        counts["relabel"],
        counts["conflict"],
        counts["open"],
        size,
    )


def _issues(counts: Counts) -> list[Standing]:
    return [_standing(issue.value, counts[issue.value]) for issue in IssueType if issue.value in counts]


def _classes(counts: Counts, sizes: dict[tuple[str, str], int]) -> list[Standing]:
    whole: Counter[str] = Counter()
    for (_, label), size in sizes.items():
        whole[label] += size
    rows = [_standing(name, parts, whole[name]) for name, parts in counts.items()]
    return sorted(rows, key=lambda row: (-row.wrong_share, -row.flagged, row.name))


def _source(source: str, issue: str, counts: Counter[str]) -> SourcePrecision:
    settled = counts["right"] + counts["wrong"]
    return SourcePrecision(source, issue, counts.total(), measure_accuracy(counts["right"], settled))
