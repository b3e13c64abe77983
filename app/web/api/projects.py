"""Projects: list, make, look at."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from app.db.session import Session
from app.services import dashboard, view_listing
from app.services.dashboard import Dashboard, ProjectCard
from app.services.jobs import JobView
from app.services.measure_progress import Progress
from app.services.projects import Access, create_project
from app.services.view_listing import ListingView
from app.web.api.schemas import ProjectBody
from app.web.dependencies import ActorDep, LeadAccess, ReadingDep, ViewAccess, Wiring, WiringDep, WritingDep
from app.web.downloads import download_spooled

router = APIRouter(tags=["projects"])


@dataclass(frozen=True)
class ProjectList:
    items: list[ProjectCard]


@dataclass(frozen=True)
class ProjectMade:
    slug: str
    url: str


@dataclass(frozen=True)
class Me:
    username: str
    display_name: str
    is_admin: bool


@router.get("/me")
def get_me(actor: ActorDep) -> Me:
    """Who this token or session belongs to."""
    return Me(actor.username, actor.display_name, actor.is_admin)


@router.get("/projects")
def list_projects(actor: ActorDep, session: ReadingDep) -> ProjectList:
    return ProjectList(dashboard.list_projects(session, actor))


@router.post("/projects", status_code=201)
def make_project(body: ProjectBody, actor: ActorDep, session: WritingDep, wiring: WiringDep) -> ProjectMade:
    """Make a project from a folder tree below one of the server's dataset roots."""
    project = create_project(
        session, wiring.doorbell, actor, name=body.name, root=body.root, roots=wiring.settings.roots,
        label_coding=body.label_coding, kind=body.kind, options=body.options,
    )  # fmt: skip
    return ProjectMade(project.slug, f"/p/{project.slug}")


@router.get("/projects/{slug}")
def get_project(access: ViewAccess, session: ReadingDep) -> Dashboard:
    """Figures of the project: samples, answers by hour, people, steps, jobs."""
    return dashboard.make_dashboard(session, access)


@router.get("/projects/{slug}/progress")
def get_progress(access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> Progress:
    """Flagged samples by issue and by class, the worst class first, and how often each detector was right.

    Measured in the background of reviewing, so it can be some seconds old.
    """
    return progress_of(access, session, wiring)


def progress_of(access: Access, session: Session, wiring: Wiring) -> Progress:
    project_id = access.id
    session.rollback()  # an open reading transaction would keep others from writing while this is measured
    return wiring.progress.measure(wiring.database, project_id)


@router.get("/projects/{slug}/listing")
def get_listing(access: ViewAccess, session: ReadingDep) -> ListingView:
    """What the newest reading of the dataset's folder found, and what it passed over, by reason."""
    return view_listing.view_listing(session, access)


@router.post("/projects/{slug}/listing", status_code=202)
def list_again(access: LeadAccess, session: WritingDep, wiring: WiringDep) -> JobView:
    """Read the folder again: new images are added, nothing that is known gets lost."""
    return view_listing.list_again(session, wiring.doorbell, access)


@router.get("/projects/{slug}/listing/passed-over.csv")
def get_passed_over(access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    """Every file that was passed over, and every sample whose file is gone, each with the reason."""
    return passed_over_csv(access, session, wiring)


def passed_over_csv(access: Access, session: Session, wiring: Wiring) -> Response:
    project_id, name = access.id, f"{access.project.slug}_passed_over.csv"
    session.rollback()  # an open reading transaction would keep others from writing for as long as this takes
    return download_spooled(
        name, lambda stream: view_listing.write_passed_over(wiring.database, project_id, stream), "text/csv"
    )
