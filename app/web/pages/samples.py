"""Samples as a list and as a grid, and the views that people save of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.taxonomy import STANDARD_TAGS
from app.services import list_samples as listing
from app.services import saved_views
from app.services.list_samples import SampleRow
from app.web.api.samples import SampleFilterDep, SampleOrderDep
from app.web.dependencies import ReadingDep, ViewAccess, ViewWriteAccess, WritingDep
from app.web.render import as_json, render
from app.web.view_bar import PLACES, ViewBar, make_view_bar

router = APIRouter(prefix="/p/{slug}")

FIRST = 200
"""Tiles that come with the grid's page."""


@dataclass(frozen=True)
class SamplesPage:
    rows: list[SampleRow]
    total: int | None
    next_url: str | None
    prev_url: str | None
    bar: ViewBar


@dataclass(frozen=True)
class GridPage:
    data: dict[str, Any]
    bar: ViewBar


@dataclass(frozen=True)
class GroupsPage:
    """The groups themselves are fetched by the page: measuring their pictures takes a moment."""

    show: str
    differing: bool
    kind: str | None
    name: str | None
    can_review: bool
    data: dict[str, Any]


@router.get("/samples")
def show_samples(
    request: Request,
    access: ViewAccess,
    session: ReadingDep,
    wanted: SampleFilterDep,
    order: SampleOrderDep,
    cursor: Annotated[str | None, Query(max_length=4000)] = None,
) -> Response:
    found = listing.list_samples(session, access, wanted, order=order, cursor=cursor)
    bar = make_view_bar(session, access, "samples", wanted, order)

    def url(to: str | None) -> str | None:
        return f"?{bar.query}{'&' if bar.query else ''}cursor={to}" if to is not None else None

    page = SamplesPage(found.rows, found.total, url(found.next_cursor), url(found.previous_cursor), bar)
    return render(request, "pages/samples.html", page)


@router.get("/grid")
def show_grid(
    request: Request, access: ViewAccess, session: ReadingDep, wanted: SampleFilterDep, order: SampleOrderDep
) -> Response:
    bar = make_view_bar(session, access, "grid", wanted, order)
    data = {
        "first": listing.list_samples(session, access, wanted, order=order, limit=FIRST, count=False),
        "query": bar.query,
        "classes": bar.options.classes,
        "tags": [{"name": t.name, "meaning": t.meaning, "implies": t.implies} for t in STANDARD_TAGS],
    }
    return render(request, "pages/grid.html", GridPage(as_json(data), bar))


@router.get("/groups")
def show_groups(
    request: Request,
    access: ViewAccess,
    session: ReadingDep,
    show: Annotated[str, Query(pattern="^(open|all)$")] = "open",
    differing: bool = False,
    kind: Annotated[str | None, Query(pattern="^(duplicate|leak)$")] = None,
    name: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """``name`` is that of a duplicate group, or with ``kind=leak`` the number of a group of leaks."""
    classes = listing.filter_options(session, access).classes
    page = GroupsPage(
        show, differing, kind or ("duplicate" if name else None), name, access.can_review, as_json({"classes": classes})
    )
    return render(request, "pages/groups.html", page)


@router.post("/views")
def save_view(
    access: ViewWriteAccess,
    session: WritingDep,
    name: Annotated[str, Form(max_length=200)] = "",
    query: Annotated[str, Form(max_length=4000)] = "",
    here: Annotated[str, Form(max_length=20)] = "samples",
    is_shared: Annotated[bool, Form()] = False,
) -> Response:
    view = saved_views.save_view(session, access, name=name, query=query, is_shared=is_shared)
    return _back(access.project.slug, here, view.query)


@router.post("/views/{view_id}/delete")
def delete_view(
    view_id: int,
    access: ViewWriteAccess,
    session: WritingDep,
    query: Annotated[str, Form(max_length=4000)] = "",
    here: Annotated[str, Form(max_length=20)] = "samples",
) -> Response:
    saved_views.delete_view(session, access, view_id)
    return _back(access.project.slug, here, query)


def _back(slug: str, here: str, query: str) -> Response:
    place = here if here in PLACES else "samples"
    return RedirectResponse(f"/p/{slug}/{place}{'?' if query else ''}{query}", 303)
