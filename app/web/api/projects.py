"""Projects: list, make, look at."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from app.services import dashboard
from app.services.dashboard import Dashboard, ProjectCard
from app.services.projects import create_project
from app.web.api.schemas import ProjectBody
from app.web.dependencies import ActorDep, ReadingDep, ViewAccess, WiringDep, WritingDep

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
        label_coding=body.label_coding,
    )  # fmt: skip
    return ProjectMade(project.slug, f"/p/{project.slug}")


@router.get("/projects/{slug}")
def get_project(access: ViewAccess, session: ReadingDep) -> Dashboard:
    """Figures of the project: progress, issues, people, agreement."""
    return dashboard.make_dashboard(session, access)
