"""Reviewing: the queue, the list of samples, conflicts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from app.domain.decision_tree import standard_tree
from app.domain.taxonomy import STANDARD_TAGS
from app.services import conflicts as conflict_service
from app.services import list_samples as listing
from app.services import review_queue
from app.services.conflicts import ConflictView
from app.services.list_samples import FilterOptions, SampleRow
from app.services.projects import policies_of
from app.services.review_queue import QueueFilter
from app.web.api.samples import QueueFilterDep, SampleFilterDep, Text
from app.web.dependencies import ReadingDep, ReviewAccess, ReviewReadAccess, ViewAccess, WiringDep, WritingDep
from app.web.render import as_json, render

router = APIRouter(prefix="/p/{slug}")

FIRST = 6
"""Samples that come with the page: the one to look at, and the next five."""


@dataclass(frozen=True)
class ReviewPage:
    data: dict[str, Any]


@dataclass(frozen=True)
class SamplesPage:
    rows: list[SampleRow]
    total: int | None
    next_url: str | None
    prev_url: str | None
    filters: dict[str, str]
    options: FilterOptions


@dataclass(frozen=True)
class ConflictsPage:
    rows: list[ConflictView]
    total: int
    can_adjudicate: bool
    next_url: str | None
    classes: list[str]


@router.get("/review")
@router.get("/review/{sample_id}")
def show_review(
    request: Request,
    access: ReviewAccess,
    session: WritingDep,
    wiring: WiringDep,
    wanted: QueueFilterDep,
    sample_id: int | None = None,
) -> Response:
    lease = timedelta(minutes=wiring.settings.lease_minutes)
    asked = [sample_id] if sample_id is not None else []
    if sample_id is not None:
        listing.check_sample(session, access, sample_id)
    first = review_queue.next_samples(session, access, wanted, count=FIRST, exclude=asked, lease=lease, fill_in=asked)
    options = listing.filter_options(session, access)
    data = {
        "tree": standard_tree(policies_of(access.project).mislabel_threshold).as_json(),
        "classes": options.classes,
        "tags": [{"name": t.name, "meaning": t.meaning, "implies": t.implies} for t in STANDARD_TAGS],
        "filters": _filters(wanted),
        "issue_types": options.issue_types,
        "splits": options.splits,
        "first": first,
        "recent_labels": [],
        "sample_id": sample_id,
    }
    return render(request, "pages/review.html", ReviewPage(as_json(data)))


def _filters(wanted: QueueFilter) -> dict[str, Any]:
    return asdict(wanted)


@router.get("/samples")
def show_samples(
    request: Request,
    access: ViewAccess,
    session: ReadingDep,
    wanted: SampleFilterDep,
    sort: Annotated[str, Query(max_length=20)] = "confidence",
    cursor: Text = None,
) -> Response:
    found = listing.list_samples(session, access, wanted, sort=sort or "confidence", cursor=cursor)
    filters = {name: value or "" for name, value in asdict(wanted).items()} | {"sort": sort}

    def url(to: str | None) -> str | None:
        given = {name: value for name, value in filters.items() if value}
        return f"?{urlencode({**given, 'cursor': to})}" if to is not None else None

    page = SamplesPage(
        found.rows, found.total, url(found.next_cursor), url(found.previous_cursor), filters,
        listing.filter_options(session, access),
    )  # fmt: skip
    return render(request, "pages/samples.html", page)


@router.get("/conflicts")
def show_conflicts(request: Request, access: ReviewReadAccess, session: ReadingDep, cursor: int = 0) -> Response:
    found = conflict_service.list_conflicts(session, access, cursor)
    next_url = f"?cursor={found.next_cursor}" if found.next_cursor else None
    classes = listing.filter_options(session, access).classes
    page = ConflictsPage(found.rows, found.total, access.is_lead, next_url, classes)
    return render(request, "pages/conflicts.html", page)
