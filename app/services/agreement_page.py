"""What the agreement page shows: all of it to leads, their own figures to reviewers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from app.db.repositories import accounts as accounts_repository
from app.db.repositories import check_samples as checks_repository
from app.db.repositories.agreement import DECISIONS, TIME_STEP
from app.db.session import Session
from app.domain.check_samples import Accuracy, measure_accuracy
from app.services.measure_agreement import Cells, IssueAgreement, Measured, Pair, Tally
from app.services.projects import Access

_LEVELS = 4


@dataclass(frozen=True)
class ReviewerFigures:
    """One reviewer. ``flagged`` is the number of answers, under the name by which bars are drawn."""

    username: str
    flagged: int
    keep: int
    remove: int
    relabel: int
    uncertain: int
    per_hour: float | None
    median_seconds: float | None
    adjudicated: int
    overturned: int
    accuracy: Accuracy | None


@dataclass(frozen=True)
class PairFigures:
    first: str
    second: str
    shared: int
    same: int
    kappa: float | None
    label_kappa: float | None


@dataclass(frozen=True)
class Cell:
    """``level``, 0 to 4, says how many samples beside the fullest cell."""

    count: int
    level: int
    is_same: bool


@dataclass(frozen=True)
class Confusion:
    """What one reviewer decided (rows) where another decided that (columns). Of an issue type, which ``first`` then
    names, these are any two people, and ``second`` is empty."""

    first: str
    second: str
    decisions: list[str]
    rows: list[tuple[str, list[Cell]]]


@dataclass(frozen=True)
class ConflictRow:
    name: str
    samples: int
    width: float


@dataclass(frozen=True)
class AgreementPage:
    """``is_whole`` is whether the reader may see everybody's figures."""

    at: datetime
    is_whole: bool
    shared: int
    alpha: float | None
    label_alpha: float | None
    issues: list[IssueAgreement]
    pairs: list[PairFigures]
    confusion: Confusion | None
    issue_confusion: Confusion | None
    reviewers: list[ReviewerFigures]
    conflicts_by_issue: list[ConflictRow]
    conflicts_by_answers: list[ConflictRow]
    checks: int


def make_page(
    session: Session, access: Access, measured: Measured, wanted: tuple[str, str] | None, issue: str | None = None
) -> AgreementPage:
    """``wanted`` names the two reviewers whose confusion is shown, ``issue`` the issue type of which that of all is;
    else those who agree least, and the issue on which people agree least."""
    names = accounts_repository.usernames(session, set(measured.tallies))
    if not access.is_lead:
        mine = {id_: tally for id_, tally in measured.tallies.items() if id_ == access.actor.user_id}
        figures = _reviewers(mine, names, {})
        return AgreementPage(
            measured.at,
            False,
            measured.shared,
            measured.alpha,
            measured.label_alpha,
            [],
            [],
            None,
            None,
            figures,
            [],
            [],
            0,
        )
    right = checks_repository.right_by_reviewer(session, access.id)
    pairs = sorted(measured.pairs, key=lambda pair: (pair.kappa is None, pair.kappa, pair.first, pair.second))
    chosen = next((p for p in pairs if {names[p.first], names[p.second]} == set(wanted or ())), None)
    shown = chosen or (pairs[0] if pairs else None)
    issues = sorted(measured.issues, key=lambda row: (row.issue_type != issue, row.alpha is None, row.alpha))
    compared = next((row for row in issues if row.cells), None)
    return AgreementPage(
        measured.at, True, measured.shared, measured.alpha, measured.label_alpha, measured.issues,
        [_pair(pair, names) for pair in pairs],
        _confusion(names[shown.first], names[shown.second], shown.cells) if shown else None,
        _confusion(compared.issue_type, "", _both_ways(compared.cells)) if compared else None,
        _reviewers(measured.tallies, names, right), _rows(measured.conflicts_by_issue),
        _rows(measured.conflicts_by_answers), checks_repository.count_checks(session, access.id),
    )  # fmt: skip


def _reviewers(
    tallies: dict[int, Tally], names: dict[int, str], right: dict[int, tuple[int, int]]
) -> list[ReviewerFigures]:
    rows = [_reviewer(names[id_], tally, right.get(id_, (0, 0))) for id_, tally in tallies.items()]
    return sorted(rows, key=lambda row: (-row.flagged, row.username))


def _reviewer(name: str, tally: Tally, right: tuple[int, int]) -> ReviewerFigures:
    said = tally.decisions
    per_hour = tally.timed / tally.milliseconds * 3_600_000 if tally.milliseconds else None
    return ReviewerFigures(
        name, said.total(), said["keep"], said["remove"], said["relabel"], said["discuss"], per_hour,
        _median(tally.times), tally.adjudicated, tally.overturned, measure_accuracy(*right),
    )  # fmt: skip


def _median(times: Counter[int]) -> float | None:
    """Seconds in the middle of all times, to a tenth."""
    left = times.total() / 2
    for steps, count in sorted(times.items()):
        left -= count
        if left <= 0:
            return steps * TIME_STEP / 1000
    return None


def _pair(pair: Pair, names: dict[int, str]) -> PairFigures:
    same = sum(count for (a, b), count in pair.cells.items() if a == b)
    return PairFigures(
        names[pair.first], names[pair.second], sum(pair.cells.values()), same, pair.kappa, pair.label_kappa
    )


def _both_ways(cells: Cells) -> Cells:
    """Pairs that stand once, in both cells of a table in which nobody is the first."""
    return cells | {(second, first): count for (first, second), count in cells.items()}


def _confusion(first: str, second: str, cells: Cells) -> Confusion:
    used = [name for name in DECISIONS if any(name in said for said in cells)]
    fullest = max(cells.values())

    def cell(one: str, other: str) -> Cell:
        count = cells.get((one, other), 0)
        return Cell(count, -(-count * _LEVELS // fullest), one == other)

    return Confusion(first, second, used, [(one, [cell(one, other) for other in used]) for one in used])


def _rows(counts: dict[str, int]) -> list[ConflictRow]:
    most = max(counts.values(), default=1)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [ConflictRow(name, count, count * 100 / most) for name, count in ordered]
