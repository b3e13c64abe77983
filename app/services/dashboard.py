"""How far a project is: figures, answers by hour and by person, and what to do next.

Only what the database has ready is here; counts by issue, class and source are measured apart, in short reads.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.base import utc_now
from app.db.models.projects import Project
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import jobs as jobs_repository
from app.db.repositories import leaks as leaks_repository
from app.db.repositories import listing as listing_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories import versions as versions_repository
from app.db.repositories.sample_filter import SampleFilter
from app.db.session import Session
from app.services.jobs import JobView, view_job
from app.services.projects import Access
from app.services.sign_in import Actor
from app.services.view_listing import ListingView, view_listing

_ENOUGH_FOR_PACE = 10
"""Answers after which a pace is told."""

_HOURS = 24


@dataclass(frozen=True)
class Figures:
    samples: int
    flagged: int
    decided: int
    open: int
    conflicts: int
    per_hour: float | None
    seconds_left: float | None


@dataclass(frozen=True)
class SplitRow:
    name: str
    samples: int
    classes: int


@dataclass(frozen=True)
class HourRow:
    """Answers in the hour that ended ``ago`` hours before now; ``height`` is in percent of the fullest hour."""

    ago: int
    answers: int
    height: float


@dataclass(frozen=True)
class ReviewerRow:
    username: str
    display_name: str
    submitted: int
    skipped: int
    per_hour: float | None


@dataclass(frozen=True)
class Step:
    """One step of the way from flags to a cleaned dataset."""

    title: str
    done: bool
    text: str
    url: str
    action: str


@dataclass(frozen=True)
class Dashboard:
    figures: Figures
    splits: list[SplitRow]
    hours: list[HourRow]
    reviewers: list[ReviewerRow]
    steps: list[Step]
    jobs: list[JobView]
    listing: ListingView
    can_list: bool


@dataclass(frozen=True)
class ProjectCard:
    slug: str
    name: str
    role: str
    samples: int
    flagged: int
    decided: int
    conflicts: int
    open: int
    updated_at: datetime


def list_projects(session: Session, actor: Actor) -> list[ProjectCard]:
    """The projects that this person may enter, with their progress."""
    progress = listing_repository.progress_by_project(session)
    samples = listing_repository.count_samples_by_project(session)
    nothing = {"flagged": 0, "open": 0, "conflicts": 0, "decided": 0}
    rows = projects_repository.list_projects(session, None if actor.is_admin else actor.user_id)
    return [
        ProjectCard(
            project.slug, project.name, role or "admin", samples.get(project.id, 0),
            updated_at=project.created_at, **progress.get(project.id, nothing),
        )
        for project, role in rows
        if actor.only_project in (None, project.id)
    ]  # fmt: skip


def list_enterable(session: Session, actor: Actor) -> list[Project]:
    """The projects that this person may enter, by name."""
    rows = projects_repository.list_projects(session, None if actor.is_admin else actor.user_id)
    return [project for project, _ in rows]


def list_all(session: Session) -> list[Project]:
    """All projects of the server, by name."""
    return [project for project, _ in projects_repository.list_projects(session)]


def make_dashboard(session: Session, access: Access) -> Dashboard:
    sizes = projects_repository.class_sizes(session, access.id)
    states = queue_repository.count_states(session, access.id, SampleFilter())
    paces = _paces(session, access.id)
    figures = _figures(sum(sizes.values()), states, paces)
    return Dashboard(
        figures,
        _splits(sizes),
        _hours(session, access.id),
        _reviewers(session, access.id, paces),
        _steps(session, access, figures),
        [view_job(session, job) for job in jobs_repository.list_jobs(session, project_id=access.id, live=True)],
        view_listing(session, access),
        access.is_lead,
    )


Paces = dict[int | None, float | None]
"""Answers an hour by reviewer; under None of all together."""


def _figures(samples: int, states: dict[str, int], paces: Paces) -> Figures:
    per_hour = paces[None]
    waiting, disputed = states.get("open", 0), states.get("conflict", 0)
    total = sum(states.values())
    left = waiting / per_hour * 3600 if per_hour else None
    return Figures(samples, total, total - waiting - disputed, waiting, disputed, per_hour, left)


def _paces(session: Session, project_id: int) -> Paces:
    """Over the last hour, or since the first answer in it."""
    now = utc_now()
    rows = reviews_repository.submitted_by_reviewer(session, project_id, now - timedelta(hours=1))
    paces: Paces = {reviewer: _pace(count, now - first) for reviewer, count, first in rows}
    first_of_all = min((first for _, _, first in rows), default=now)
    paces[None] = _pace(sum(count for _, count, _ in rows), now - first_of_all)
    return paces


def _pace(count: int, time: timedelta) -> float | None:
    """None until there are enough answers to say."""
    return count / max(time.total_seconds(), 60.0) * 3600 if count >= _ENOUGH_FOR_PACE else None


def _hours(session: Session, project_id: int) -> list[HourRow]:
    """The last day, hour by hour, the oldest first; nothing where nobody answered."""
    now = utc_now()
    bounds = [now - timedelta(hours=ago) for ago in range(_HOURS, -1, -1)]
    counts = reviews_repository.submitted_between(session, project_id, bounds)
    most = max(counts)
    if not most:
        return []
    return [HourRow(_HOURS - 1 - n, count, count * 100 / most) for n, count in enumerate(counts)]


def _splits(sizes: dict[tuple[str, str], int]) -> list[SplitRow]:
    rows = []
    for split in projects_repository.splits(sizes):
        counts = [count for (name, _), count in sizes.items() if name == split]
        rows.append(SplitRow(split, sum(counts), len(counts)))
    return rows


def _reviewers(session: Session, project_id: int, paces: Paces) -> list[ReviewerRow]:
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for user_id, status, count in reviews_repository.count_by_reviewer(session, project_id):
        counts[user_id][status] = count
    people = accounts_repository.users_by_id(session, set(counts))
    rows = [
        ReviewerRow(
            people[id_].username or "", people[id_].display_name, of_status.get("submitted", 0),
            of_status.get("skipped", 0), paces.get(id_),
        )
        for id_, of_status in counts.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row.submitted, row.username))


def count_of(number: int, noun: str) -> str:
    """``1 sample``, ``2,000 samples``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _steps(session: Session, access: Access, figures: Figures) -> list[Step]:
    base = f"/p/{access.project.slug}"
    verdicts = leaks_repository.count_verdicts(session, access.id)
    runs = leaks_repository.list_runs(session, access.id)
    versions = versions_repository.list_versions(session, access.id)
    judged = verdicts["confirmed"] + verdicts["rejected"]
    imported = f"{count_of(figures.flagged, 'sample')} flagged"
    found = f"{count_of(verdicts['open'], 'candidate')} to look at, {judged:,} judged"
    steps = [
        Step("Import flags", figures.flagged > 0, imported if figures.flagged else "Bring in what a detector flagged.",
             f"{base}/imports", "Import"),
        Step("Review", figures.flagged > 0 and figures.open == 0,
             f"{count_of(figures.open, 'sample')} to decide" if figures.open else "Nothing waits.",
             f"{base}/review", "Review"),
        Step("Find leaks", any(run.finished_at for run in runs) and not verdicts["open"],
             found if runs else "Compare train with test.", f"{base}/leaks", "Leaks"),
        Step("Settle conflicts", figures.decided > 0 and not figures.conflicts,
             f"{count_of(figures.conflicts, 'sample')} for a lead" if figures.conflicts else "No open conflict.",
             f"{base}/conflicts", "Conflicts"),
        Step("Freeze a version", bool(versions),
             f"Version {versions[0].number} is the newest" if versions else "Check, freeze, and take the files.",
             f"{base}/finish", "Finish"),
    ]  # fmt: skip
    if access.is_lead:
        return steps
    hidden = {f"{base}/imports", f"{base}/finish"} if access.role.value == "reviewer" else {f"{base}/imports"}
    return [step for step in steps if step.url not in hidden]
