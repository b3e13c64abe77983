"""What a finished leak run found, added up: how sure it is, what was done to the images, and which classes meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from app.db.repositories import leak_statistics
from app.db.repositories import leaks as repository
from app.db.session import Session
from app.domain.leak_words import TRANSFORM_WORDS
from app.domain.leaks import Transform
from app.services.picture_urls import thumb_url
from app.services.projects import Access

BINS = 10
MOST_CLASSES = 12
_LEVELS = 4


@dataclass(frozen=True)
class ScoreBin:
    """Pairs whose score is from ``low`` on. ``accepted_height`` and ``rejected_height`` are for drawing, together at
    most 100."""

    low: float
    accepted: int
    rejected: int
    accepted_height: float
    rejected_height: float


@dataclass(frozen=True)
class TransformExample:
    """How many pairs came about by one transform, and the surest of them."""

    transform: str
    words: str
    pairs: int
    score: float | None
    train_thumb_url: str
    test_thumb_url: str


@dataclass(frozen=True)
class ClassCell:
    """Pairs of a train and a test class. ``level``, 0 to 4, says how many beside the fullest cell."""

    pairs: int
    level: int
    is_conflict: bool


@dataclass(frozen=True)
class ClassRow:
    train_class: str
    cells: list[ClassCell]


@dataclass(frozen=True)
class ClassMatrix:
    """Train classes by test classes; ``rest`` names the last row and column where smaller classes are summed."""

    test_classes: list[str]
    rows: list[ClassRow]
    rest: int


@dataclass(frozen=True)
class RunOverview:
    run_id: int
    bins: list[ScoreBin]
    transforms: list[TransformExample]
    matrix: ClassMatrix | None


def run_overview(session: Session, access: Access, run_id: int) -> RunOverview:
    run = repository.get_run(session, access.id, run_id)
    return RunOverview(
        run.id, _bins(leak_statistics.score_bins(session, run.id, BINS)),
        _examples(leak_statistics.transforms(session, run.id)), _matrix(leak_statistics.class_pairs(session, run.id)),
    )  # fmt: skip


def _bins(found: dict[int, tuple[int, int]]) -> list[ScoreBin]:
    """All bins of a run that has scores, those without a pair too; none where nothing was verified."""
    tallest = max((sum(counts) for counts in found.values()), default=0)
    bins = []
    for at in range(BINS if tallest else 0):
        accepted, rejected = found.get(at, (0, 0))
        heights = (_height(accepted, tallest), _height(rejected, tallest))
        bins.append(ScoreBin(at / BINS, accepted, rejected, *heights))
    return bins


def _height(count: int, tallest: int) -> float:
    # At least a line, so that a single pair still shows beside thousands; 98 leaves room for the line above it.
    return max(2.0, count * 98 / tallest) if count else 0.0


def _examples(rows: Iterable[leak_statistics.TransformRow]) -> list[TransformExample]:
    order = [name.value for name in Transform]
    return [
        TransformExample(
            row.transform, TRANSFORM_WORDS[Transform(row.transform)], row.pairs, row.score,
            thumb_url(row.train_id), thumb_url(row.test_id),
        )
        for row in sorted(rows, key=lambda row: order.index(row.transform))
    ]  # fmt: skip


def _matrix(found: list[tuple[str, str, int]]) -> ClassMatrix | None:
    if not found:
        return None
    sizes = Counter[str]()
    for train, test, count in found:
        sizes.update({train: count})
        sizes.update({test: count})
    ranked = sorted(sizes, key=lambda name: (-sizes[name], name))
    own = ranked if len(ranked) <= MOST_CLASSES else ranked[: MOST_CLASSES - 1]
    shown: list[str | None] = [*sorted(own), None] if len(own) < len(ranked) else [*sorted(own)]
    cells, conflicts, kept = Counter[tuple[str | None, str | None]](), set[tuple[str | None, str | None]](), set(own)
    for train, test, count in found:
        where = (train if train in kept else None, test if test in kept else None)
        cells[where] += count
        if train != test:
            conflicts.add(where)
    tallest, rest = max(cells.values()), len(ranked) - len(own)
    names = {name: name if name is not None else f"{rest} more" for name in shown}
    rows = [
        ClassRow(names[train], [_cell(cells[train, test], tallest, (train, test) in conflicts) for test in shown])
        for train in shown
    ]
    return ClassMatrix([names[test] for test in shown], rows, rest)


def _cell(count: int, tallest: int, is_conflict: bool) -> ClassCell:
    return ClassCell(count, -(-count * _LEVELS // tallest), is_conflict)
