"""How far a project is: figures, progress by issue and by person, and what to do next."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.base import utc_now
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import flags as flags_repository
from app.db.repositories import jobs as jobs_repository
from app.db.repositories import leaks as leaks_repository
from app.db.repositories import listing as listing_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories import versions as versions_repository
from app.db.repositories.sample_filter import SampleFilter
from app.db.session import Session
from app.domain.agreement import Agreement, measure_agreement
from app.domain.samples import IssueType
from app.services.jobs import JobView, view_job
from app.services.projects import Access
from app.services.sign_in import Actor
from app.services.view_listing import ListingView, view_listing

_ENOUGH_FOR_PACE = 10
"""Answers after which a pace is told."""


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
class IssueRow:
    issue_type: str
    flagged: int
    decided: int
    keep: int
    remove: int
    relabel: int
    uncertain: int


@dataclass(frozen=True)
class ReviewerRow:
    username: str
    display_name: str
    submitted: int
    skipped: int
    per_hour: float | None
    kappa: float | None


@dataclass(frozen=True)
class AgreementView:
    alpha: float | None
    shared: int


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
    issues: list[IssueRow]
    reviewers: list[ReviewerRow]
    agreement: AgreementView
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
    ]  # fmt: skip


def make_dashboard(session: Session, access: Access) -> Dashboard:
    sizes = projects_repository.class_sizes(session, access.id)
    states = queue_repository.count_states(session, access.id, SampleFilter())
    agreement = _agreement(session, access.id)
    figures = _figures(session, access, sum(sizes.values()), states)
    return Dashboard(
        figures,
        _splits(sizes),
        _issues(session, access.id),
        _reviewers(session, access.id, agreement),
        AgreementView(agreement.alpha, agreement.shared),
        _steps(session, access, figures),
        [view_job(session, job) for job in jobs_repository.list_jobs(session, project_id=access.id, live=True)],
        view_listing(session, access),
        access.is_lead,
    )


def _figures(session: Session, access: Access, samples: int, states: dict[str, int]) -> Figures:
    per_hour = _pace(session, access.id)
    waiting, disputed = states.get("open", 0), states.get("conflict", 0)
    total = sum(states.values())
    left = waiting / per_hour * 3600 if per_hour else None
    return Figures(samples, total, total - waiting - disputed, waiting, disputed, per_hour, left)


def _pace(session: Session, project_id: int, reviewer_id: int | None = None) -> float | None:
    """Answers an hour over the last hour, or since the first of them; None until there are enough to say."""
    now = utc_now()
    count, first = reviews_repository.submitted_since(session, project_id, now - timedelta(hours=1), reviewer_id)
    if first is None or count < _ENOUGH_FOR_PACE:
        return None
    return count / max((now - first).total_seconds(), 60.0) * 3600


def _splits(sizes: dict[tuple[str, str], int]) -> list[SplitRow]:
    rows = []
    for split in projects_repository.splits(sizes):
        counts = [count for (name, _), count in sizes.items() if name == split]
        rows.append(SplitRow(split, sum(counts), len(counts)))
    return rows


def _issues(session: Session, project_id: int) -> list[IssueRow]:
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for issue, state, decision, count in listing_repository.decisions_by_issue(session, project_id):
        counts[issue]["flagged"] += count
        if state == "resolved" and decision:
            counts[issue]["decided"] += count
            counts[issue][decision] += count
        elif state == "conflict":
            counts[issue]["uncertain"] += count
    names = ("flagged", "decided", "keep", "remove", "relabel", "uncertain")
    found = [issue for issue in IssueType if issue.value in counts]
    return [IssueRow(issue.value, *(counts[issue.value][name] for name in names)) for issue in found]


def _agreement(session: Session, project_id: int) -> Agreement:
    rows = reviews_repository.list_shared(session, project_id)
    return measure_agreement((sample, name, decision or "discuss") for sample, name, decision in rows)


def _reviewers(session: Session, project_id: int, agreement: Agreement) -> list[ReviewerRow]:
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for user_id, status, count in reviews_repository.count_by_reviewer(session, project_id):
        counts[user_id][status] = count
    rows = []
    for user_id, of_status in counts.items():
        user = accounts_repository.get_user(session, user_id)
        name = user.username or ""
        submitted, skipped = of_status.get("submitted", 0), of_status.get("skipped", 0)
        pace = _pace(session, project_id, user_id)
        rows.append(ReviewerRow(name, user.display_name, submitted, skipped, pace, agreement.kappa_of(name)))
    return sorted(rows, key=lambda row: -row.submitted)


def count_of(number: int, noun: str) -> str:
    """``1 sample``, ``2,000 samples``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _steps(session: Session, access: Access, figures: Figures) -> list[Step]:
    base = f"/p/{access.project.slug}"
    verdicts = leaks_repository.count_verdicts(session, access.id)
    runs = leaks_repository.list_runs(session, access.id)
    versions = versions_repository.list_versions(session, access.id)
    flags = sum(flags_repository.count_by_issue(session, access.id).values())
    judged = verdicts["confirmed"] + verdicts["rejected"]
    imported = f"{count_of(flags, 'flag')} on {count_of(figures.flagged, 'sample')}"
    found = f"{count_of(verdicts['open'], 'candidate')} to look at, {judged:,} judged"
    steps = [
        Step("Import flags", flags > 0, imported if flags else "Bring in what a detector flagged.",
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
