"""The list of projects, making one, and a project's dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.errors import InvalidInput
from app.services import dashboard, users, view_listing
from app.services.dashboard import ProjectCard
from app.services.find_folders import FolderView, find_folders
from app.services.projects import create_project
from app.web.api.agreement import agreement_of
from app.web.api.projects import passed_over_csv, progress_of
from app.web.dependencies import ActorDep, LeadAccess, ReadingDep, ViewAccess, WiringDep, WritingDep
from app.web.pages.source_form import SourceForm, SourceFormDep, make_source_form, options_of
from app.web.render import render

router = APIRouter()


@dataclass(frozen=True)
class ProjectsPage:
    projects: list[ProjectCard]
    can_create: bool


@dataclass(frozen=True)
class NewProjectPage:
    error: str | None
    name: str
    root: str
    roots: list[str]
    folders: list[FolderView]
    form: SourceForm


@router.get("/")
def show_projects(request: Request, actor: ActorDep, session: ReadingDep) -> Response:
    page = ProjectsPage(dashboard.list_projects(session, actor), actor.is_admin)
    return render(request, "pages/projects.html", page)


def _new_page(wiring: WiringDep, given: Mapping[str, str], error: str | None = None) -> NewProjectPage:
    roots = wiring.settings.roots
    return NewProjectPage(
        error, given.get("name", ""), given.get("root", ""), [str(path) for path in roots], find_folders(roots),
        make_source_form(given),
    )  # fmt: skip


@router.get("/projects/new")
def show_new_project(request: Request, actor: ActorDep, wiring: WiringDep) -> Response:
    users.require_admin(actor)
    return render(request, "pages/new_project.html", _new_page(wiring, {}))


@router.post("/projects/new")
def make_project(
    request: Request, actor: ActorDep, given: SourceFormDep, session: WritingDep, wiring: WiringDep
) -> Response:
    try:
        project = create_project(
            session, wiring.doorbell, actor, name=given.get("name", "")[:200], root=given.get("root", ""),
            roots=wiring.settings.roots, label_coding=given.get("label_coding", "name"), kind=given.get("kind", ""),
            options=options_of(given),
        )  # fmt: skip
    except InvalidInput as error:
        page = _new_page(wiring, given, error.message)
        return render(request, "pages/new_project.html", page, 400)
    return RedirectResponse(f"/p/{project.slug}", 303)


@router.get("/p/{slug}")
def show_dashboard(request: Request, access: ViewAccess, session: ReadingDep) -> Response:
    return render(request, "pages/dashboard.html", dashboard.make_dashboard(session, access))


@router.get("/p/{slug}/progress")
def show_progress(request: Request, access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    """The part of the dashboard that takes longer; the page fetches it."""
    return render(request, "partials/_progress.html", progress_of(access, session, wiring))


@router.get("/p/{slug}/agreement/figures")
def show_agreement_figures(request: Request, access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    """As above: agreement in few figures."""
    return render(request, "partials/_agreement.html", agreement_of(access, session, wiring))


@router.post("/p/{slug}/listing")
def list_again(access: LeadAccess, session: WritingDep, wiring: WiringDep) -> Response:
    view_listing.list_again(session, wiring.doorbell, access)
    return RedirectResponse(f"/p/{access.project.slug}#folder", 303)


@router.get("/p/{slug}/passed-over.csv")
def get_passed_over(access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    return passed_over_csv(access, session, wiring)
