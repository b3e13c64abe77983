"""How far a project's reviewers agree, measured from counts that the database makes, in short reads."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any

import numpy as np

from app.db.base import utc_now
from app.db.repositories import agreement as repository
from app.db.session import Database, Session
from app.domain.agreement import MOST_NUMBERS, alpha_of_patterns, alpha_of_table, kappa_of_cells

STRETCH = 5_000
"""Sample ids that one reading transaction looks at."""

Cells = dict[tuple[str, str], int]


@dataclass
class Tally:
    """One reviewer's answers, added up. ``times`` counts them by time in steps of 0.1 s."""

    decisions: Counter[str] = field(default_factory=Counter)
    timed: int = 0
    milliseconds: int = 0
    adjudicated: int = 0
    overturned: int = 0
    times: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Pair:
    """Two reviewers by id, and how often one decided this and the other that on one sample."""

    first: int
    second: int
    cells: Cells
    kappa: float | None
    label_kappa: float | None


@dataclass(frozen=True)
class IssueAgreement:
    """``cells`` count pairs of answers of two people on one sample: what the one decided and what the other did. Nobody
    is the first of the two, so that each pair stands once, its decisions in the order of ``DECISIONS``."""

    issue_type: str
    shared: int
    alpha: float | None
    cells: Cells = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """``label_alpha`` and ``label_kappa`` count two relabels to different classes as a disagreement."""

    at: datetime
    seconds: float
    shared: int
    alpha: float | None
    label_alpha: float | None
    issues: list[IssueAgreement]
    pairs: list[Pair]
    tallies: dict[int, Tally]
    conflicts_by_issue: dict[str, int]
    conflicts_by_answers: dict[str, int]


def measure(database: Database, project_id: int) -> Measured:
    """Measure now. Many short reading transactions, so that reviewers can write in between."""
    begun = time.monotonic()
    collected = _Collected()
    with database.reading() as session:
        stretches = list(repository.stretches(session, project_id, STRETCH))
        conflicts_by_issue = repository.conflicts_by_issue(session, project_id)
    for stretch in stretches:
        for step in (_take_pairs, _take_patterns, _take_issues, _take_labels, _take_reviewers, _take_conflicts):
            with database.reading() as session:
                step(collected, session, project_id, stretch)
    return collected.measured(time.monotonic() - begun, conflicts_by_issue)


@dataclass
class _Collected:
    decisions: dict[tuple[int, int], Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    labels: dict[tuple[int, int], Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    patterns: Counter[tuple[int, ...]] = field(default_factory=Counter)
    by_issue: dict[str, Counter[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(Counter))
    label_rows: list[tuple[int, str, int]] | None = field(default_factory=list)
    labels_used: set[str] = field(default_factory=set)
    tallies: dict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))
    conflicts: Counter[str] = field(default_factory=Counter)

    def measured(self, seconds: float, conflicts_by_issue: dict[str, int]) -> Measured:
        begun = time.monotonic()
        pairs = [
            Pair(a, b, dict(cells), kappa_of_cells(cells), kappa_of_cells(self.labels[a, b]))
            for (a, b), cells in sorted(self.decisions.items())
        ]
        issues = [
            IssueAgreement(issue, sum(patterns.values()), alpha_of_patterns(patterns), _pairs_of(patterns))
            for issue, patterns in sorted(self.by_issue.items())
        ]
        alpha, label_alpha = alpha_of_patterns(self.patterns), _label_alpha(self.label_rows)
        return Measured(
            utc_now(), seconds + time.monotonic() - begun, sum(self.patterns.values()), alpha, label_alpha, issues,
            pairs, dict(self.tallies), conflicts_by_issue, dict(self.conflicts.most_common()),
        )  # fmt: skip


def _pairs_of(patterns: Mapping[tuple[int, ...], int]) -> Cells:
    """How often two people decided so on one sample, from how often each decision was given on it."""
    cells: Counter[tuple[str, str]] = Counter()
    for pattern, samples in patterns.items():
        given = [name for name, times in zip(repository.DECISIONS, pattern, strict=True) for _ in range(times)]
        for first, second in combinations(given, 2):
            cells[first, second] += samples
    return dict(cells)


Step = Callable[[_Collected, Session, int, repository.Stretch], None]


def _take_pairs(to: _Collected, session: Session, project_id: int, stretch: repository.Stretch) -> None:
    for a, b, first, second, label_a, label_b, count in repository.pair_cells(session, project_id, stretch):
        to.decisions[a, b][first, second] += count
        to.labels[a, b][_said(first, label_a), _said(second, label_b)] += count


def _said(decision: str | None, label: str | None) -> str:
    """The label that an answer leaves a sample with, or else the decision; marked, because a class may be so called."""
    return f"= {label}" if label is not None else decision or ""


def _take_patterns(to: _Collected, session: Session, project_id: int, stretch: repository.Stretch) -> None:
    for *pattern, count in repository.answer_patterns(session, project_id, stretch):
        to.patterns[tuple(pattern)] += count


def _take_issues(to: _Collected, session: Session, project_id: int, stretch: repository.Stretch) -> None:
    for issue, *pattern, count in repository.patterns_by_issue(session, project_id, stretch):
        to.by_issue[issue][tuple(pattern)] += count


def _take_labels(to: _Collected, session: Session, project_id: int, stretch: repository.Stretch) -> None:
    """Labels by sample, unless there are too many to measure them together."""
    if to.label_rows is None:
        return
    rows = repository.label_counts(session, project_id, stretch)
    to.label_rows += [(sample, _said(said, label), count) for sample, said, label, count in rows]
    to.labels_used.update(_said(said, label) for _, said, label, _ in rows)
    if len(to.label_rows) / 2 * len(to.labels_used) ** 2 > MOST_NUMBERS:
        to.label_rows = None


def _label_alpha(rows: list[tuple[int, str, int]] | None) -> float | None:
    if not rows:
        return None
    samples = {sample: index for index, sample in enumerate(dict.fromkeys(sample for sample, _, _ in rows))}
    answers = {said: index for index, said in enumerate(sorted({said for _, said, _ in rows}))}
    table = np.zeros((len(samples), len(answers)), dtype=np.int64)
    for sample, said, count in rows:
        table[samples[sample], answers[said]] = count
    return alpha_of_table(table)


def _take_reviewers(to: _Collected, session: Session, project_id: int, stretch: repository.Stretch) -> None:
    for reviewer, said, count, timed, spent, adjudicated, overturned in repository.reviewer_counts(
        session, project_id, stretch
    ):
        tally = to.tallies[reviewer]
        tally.decisions[said] += count
        tally.timed += timed
        tally.milliseconds += spent
        tally.adjudicated += adjudicated
        tally.overturned += overturned
    for reviewer, steps, count in repository.lead_times(session, project_id, stretch):
        to.tallies[reviewer].times[steps] += count


def _take_conflicts(to: _Collected, session: Session, project_id: int, stretch: repository.Stretch) -> None:
    positions: dict[int, list[tuple[str, str | None]]] = defaultdict(list)
    for sample, said, label in repository.disputed_answers(session, project_id, stretch):
        positions[sample].append((said, label))
    for said_of_one in positions.values():
        to.conflicts[_in_words(said_of_one)] += 1


def _in_words(positions: list[tuple[str, Any]]) -> str:
    """Which answers stand against each other: ``keep / relabel``."""
    order = repository.DECISIONS
    names = sorted((said for said, _ in positions), key=order.index)
    if len(set(names)) == 1 and len(names) > 1:
        return f"{names[0]} to different classes"
    alone = list(dict.fromkeys(names))
    return f"{alone[0]} alone" if len(alone) == 1 else " / ".join(alone)
