"""Reviewing: the queue, and what reviewers disagree on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from app.domain.decision_tree import standard_tree
from app.domain.taxonomy import STANDARD_TAGS
from app.services import comments, review_queue
from app.services import conflicts as conflict_service
from app.services import list_samples as listing
from app.services.conflicts import ConflictView
from app.services.projects import policies_of
from app.web.api.samples import SampleFilterDep, SampleOrderDep
from app.web.dependencies import ReadingDep, ReviewAccess, ReviewReadAccess, WiringDep, WritingDep
from app.web.render import as_json, render
from app.web.view_bar import ViewBar, make_view_bar

router = APIRouter(prefix="/p/{slug}")

FIRST = 6
"""Samples that come with the page: the one to look at, and the next five."""


@dataclass(frozen=True)
class ReviewPage:
    data: dict[str, Any]
    bar: ViewBar


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
    wanted: SampleFilterDep,
    order: SampleOrderDep,
    sample_id: int | None = None,
) -> Response:
    lease = timedelta(minutes=wiring.settings.lease_minutes)
    asked = [sample_id] if sample_id is not None else []
    if sample_id is not None:
        listing.check_sample(session, access, sample_id)
    first = review_queue.next_samples(
        session, access, wanted, count=FIRST, exclude=asked, lease=lease, fill_in=asked, order=order
    )
    bar = make_view_bar(session, access, "review", wanted, order)
    data = {
        "tree": standard_tree(policies_of(access.project).mislabel_threshold).as_json(),
        "classes": bar.options.classes,
        "titles": bar.options.titles,
        "tags": [{"name": t.name, "meaning": t.meaning, "implies": t.implies} for t in STANDARD_TAGS],
        "filters": {**asdict(wanted), "sort": order.value},
        "members": sorted(comments.member_ids(session, access)),
        "first": first,
        "recent_labels": [],
        "sample_id": sample_id,
    }
    return render(request, "pages/review.html", ReviewPage(as_json(data), bar))


@router.get("/conflicts")
def show_conflicts(request: Request, access: ReviewReadAccess, session: ReadingDep, cursor: int = 0) -> Response:
    found = conflict_service.list_conflicts(session, access, cursor)
    next_url = f"?cursor={found.next_cursor}" if found.next_cursor else None
    classes = listing.filter_options(session, access).classes
    page = ConflictsPage(found.rows, found.total, access.is_lead, next_url, classes)
    return render(request, "pages/conflicts.html", page)
