"""Where the project's images lie: its sources, what reading them found, and names to read for its classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.class_names import read_class_names
from app.services import projects, sources
from app.services.projects import Access, ClassView
from app.services.sources import MoveView, SourceView
from app.services.view_listing import ListingView, view_listing
from app.web.dependencies import (
    AdminActor,
    LeadAccess,
    LeadReadAccess,
    ReadingDep,
    ViewWriteAccess,
    WiringDep,
    WritingDep,
)
from app.web.pages.source_form import SourceForm, SourceFormDep, make_source_form, options_of
from app.web.render import render

router = APIRouter(prefix="/p/{slug}")

SourceId = Annotated[int, Path(ge=1, le=2**62)]
Text = Annotated[str, Form(max_length=4096)]


@dataclass(frozen=True)
class SourcesPage:
    """``move`` is what was looked for at another place."""

    sources: list[SourceView]
    listing: ListingView
    form: SourceForm
    classes: list[ClassView]
    can_change: bool
    error: str | None
    move: MoveView | None
    moving: int | None


def _page(
    session: ReadingDep,
    access: Access,
    error: str | None = None,
    given: Mapping[str, str] | None = None,
    move: MoveView | None = None,
    moving: int | None = None,
) -> SourcesPage:
    return SourcesPage(
        sources.view_sources(session, access), view_listing(session, access),
        make_source_form(given), projects.list_classes(session, access), access.actor.is_admin, error, move, moving,
    )  # fmt: skip


@router.get("/sources")
def show_sources(request: Request, access: LeadReadAccess, session: ReadingDep) -> Response:
    return render(request, "pages/sources.html", _page(session, access))


@router.post("/sources")
def add_source(
    request: Request,
    _admin: AdminActor,
    form: SourceFormDep,
    access: ViewWriteAccess,
    session: WritingDep,
    wiring: WiringDep,
) -> Response:
    try:
        sources.add_source(
            session, wiring.doorbell, access, root=form.get("root", ""), roots=wiring.settings.roots,
            kind=form.get("kind", ""), options=options_of(form),
        )  # fmt: skip
    except InvalidInput as error:
        session.rollback()
        return render(request, "pages/sources.html", _page(session, access, error.message, form), 400)
    return RedirectResponse(f"/p/{access.project.slug}/sources", 303)


@router.post("/sources/{source_id}/move")
def move_source(
    request: Request,
    source_id: SourceId,
    _admin: AdminActor,
    access: ViewWriteAccess,
    session: WritingDep,
    wiring: WiringDep,
    root: Text = "",
    step: Annotated[str, Form(max_length=10)] = "look",
    accept_missing: Annotated[bool, Form()] = False,
) -> Response:
    """First look what is found at the new place; the page then asks to move."""
    roots = wiring.settings.roots
    try:
        if step == "move":
            sources.move_source(
                session, wiring.doorbell, access, source_id, root=root, roots=roots, accept_missing=accept_missing
            )  # fmt: skip
            return RedirectResponse(f"/p/{access.project.slug}/sources", 303)
        move = sources.look_at_move(session, access, source_id, root, roots)
    except InvalidInput as error:
        session.rollback()
        return render(request, "pages/sources.html", _page(session, access, error.message, moving=source_id), 400)
    return render(request, "pages/sources.html", _page(session, access, move=move, moving=source_id))


@router.post("/classes/titles")
def set_titles(
    request: Request,
    access: LeadAccess,
    session: WritingDep,
    titles: Annotated[str, Form(max_length=1 << 20)] = "",
) -> Response:
    """Names to read, as text: a class and its name a line, as in the files that frameworks bring."""
    try:
        projects.set_titles(session, access, read_class_names(titles, "The text").titles)
    except (InvalidFile, InvalidInput) as error:
        session.rollback()
        return render(request, "pages/sources.html", _page(session, access, error.message), 400)
    return RedirectResponse(f"/p/{access.project.slug}/sources#classes", 303)
