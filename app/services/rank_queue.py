"""The queue's order follows what people decided: sources that turn out right come first.

Nobody who reviews waits for it. A worker looks now and then whether enough was decided since the last time, weighs the
sources, and moves open samples a few at a time (docs/decisions/0054-queue-by-evidence.md).
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta

from app.db.base import utc_now
from app.db.repositories import agreement as agreement_repository
from app.db.repositories import progress as progress_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import ranking as repository
from app.db.repositories.agreement import Stretch
from app.db.session import Database, Session
from app.domain.errors import JobCancelled
from app.domain.evidence import differs, weigh
from app.domain.jobs import JobKind, ShardSpec
from app.domain.precision import is_borne_out
from app.domain.samples import IssueType
from app.domain.taxonomy import Decision
from app.services.jobs import start_job
from app.services.measure_progress import STRETCH
from app.services.ports import Doorbell, ShardContext

FEWEST, GROWTH = 20, 0.2
"""The queue is ranked anew after so many answers, and when there are this much more than were weighed before."""

NOT_BEFORE = timedelta(seconds=30)

_MATTERS, _NEAR = 0.02, 0.005
"""Weights that changed by less change no order that matters; places that are so near need not move."""

_AT_ONCE = 200
"""Samples that one transaction moves, a few milliseconds."""


def start_due(database: Database, doorbell: Doorbell) -> int:
    """Queue a ranking for each project in which enough was decided; return for how many."""
    with database.reading() as session:
        projects = [(project.id, project.name) for project, _ in projects_repository.list_projects(session, None)]
        due = [(id_, name) for id_, name in projects if _is_due(session, id_)]
    for project_id, name in due:
        with database.writing() as session:
            start_job(
                session, doorbell, kind=JobKind.RANK, title=f"Rank the queue of {name} by what was decided",
                live_key=f"rank:{project_id}", shards=[ShardSpec(0, "weighing sources")], params={},
                project_id=project_id, user_id=None,
            )  # fmt: skip
    return len(due)


def was_just_ranked(at: datetime | None) -> bool:
    """Whether it is too soon for another time. A time in the future is of a clock that was set back since."""
    return at is not None and timedelta(0) <= utc_now() - at < NOT_BEFORE


def _is_due(session: Session, project_id: int) -> bool:
    at, settled = repository.last_ranked(session, project_id)
    if was_just_ranked(at):
        return False
    return repository.count_answers_since(session, project_id, at) >= max(FEWEST, GROWTH * settled)


def rank_queue(database: Database, project_id: int, context: ShardContext) -> int:
    """Weigh the sources by what is decided now, and move the open samples that stand elsewhere then; say how many.

    Raises:
        JobCancelled: somebody asked to stop. What is moved stays so; the next ranking does the rest.
    """
    with database.reading() as session:
        stretches = list(agreement_repository.stretches(session, project_id, STRETCH))
        old = repository.load_weights(session, project_id)
    counts = _count(database, project_id, stretches)
    weights = {who: weigh(*found) for who, found in counts.items()}
    moved = 0
    if differs(old, weights, _MATTERS):
        for stretch in stretches:
            with database.reading() as session:
                places = repository.misplaced(session, project_id, stretch, weights, _NEAR)
            for start in range(0, len(places), _AT_ONCE):
                if context.should_stop():
                    raise JobCancelled("The ranking was cancelled.")
                _move(database, places[start : start + _AT_ONCE])
            moved += len(places)
    with database.writing() as session:
        repository.keep_weights(session, project_id, counts)
    context.report(1)
    return moved


def _count(database: Database, project_id: int, stretches: list[Stretch]) -> dict[tuple[str, str], tuple[int, int]]:
    """(right, settled) of each source's flags by issue type."""
    found: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
    for stretch in stretches:
        with database.reading() as session:
            for source, issue, decision, count in progress_repository.by_source(session, project_id, stretch):
                known = found[source, issue]
                if decision is not None:
                    known[is_borne_out(IssueType(issue), Decision(decision))] += count
    return {who: (counts[True], counts.total()) for who, counts in found.items()}


def _move(database: Database, places: list[tuple[int, float]]) -> None:
    """Writers wait for one another: as long as this took, others have their turn."""
    begun = time.monotonic()
    with database.writing() as session:
        repository.move(session, places)
    time.sleep(min(time.monotonic() - begun, 0.1))
