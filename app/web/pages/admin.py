"""What an admin of the server sees: users, invitations and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.db.session import Session
from app.domain.accounts import Role
from app.domain.errors import WinnowError
from app.services import access_jobs, dashboard, invitations, users, view_work
from app.services.invitations import InvitationView
from app.services.jobs import JobView
from app.services.view_work import WorkerView
from app.web.dependencies import ActorDep, PersonDep, ReadingDep, WritingDep
from app.web.render import render, render_refusal

router = APIRouter()


@dataclass(frozen=True)
class UserView:
    id: int
    username: str | None
    display_name: str
    email: str | None
    is_admin: bool
    is_active: bool
    created_at: datetime


@dataclass(frozen=True)
class UsersPage:
    """``link`` shows this once; ``projects`` are (slug, name)."""

    users: list[UserView]
    invitations: list[InvitationView]
    projects: list[tuple[str, str]]
    roles: list[str]
    link: str | None
    error: str | None


@dataclass(frozen=True)
class JobsPage:
    jobs: list[JobView]
    workers: list[WorkerView]


def show_users_page(
    request: Request, session: Session, *, link: str | None = None, error: WinnowError | None = None
) -> Response:
    """The page of users; ``link`` is one just made, which shows this once."""
    session.flush()  # what was made just now is listed
    page = UsersPage(
        [
            UserView(
                user.id, user.username, user.display_name, user.email, user.is_admin, user.is_active, user.created_at
            )
            for user in users.list_users(session)
        ],
        invitations.list_invitations(session),
        [(project.slug, project.name) for project in dashboard.list_all(session)],
        [role.value for role in Role],
        link,
        error.message if error else None,
    )
    if error is not None:
        return render_refusal(request, "pages/users.html", page, error)
    return render(request, "pages/users.html", page)


@router.get("/users")
def show_users(request: Request, actor: ActorDep, session: ReadingDep) -> Response:
    users.require_admin(actor)
    return show_users_page(request, session)


@router.post("/users/{user_id}")
def manage_user(
    request: Request, user_id: int, actor: PersonDep, session: WritingDep, action: Annotated[str, Form(max_length=20)]
) -> Response:
    token = users.manage_user(session, actor, user_id, action)
    if token is not None:
        return show_users_page(request, session, link=f"{request.base_url}welcome/{token}")
    return RedirectResponse("/users", 303)


@router.get("/jobs")
def show_jobs(request: Request, actor: ActorDep, session: ReadingDep) -> Response:
    page = JobsPage(access_jobs.list_jobs(session, actor), view_work.list_workers(session, actor))
    return render(request, "pages/jobs.html", page)


@router.get("/jobs/{job_id}")
def show_job(request: Request, job_id: int, actor: ActorDep, session: ReadingDep) -> Response:
    return render(request, "pages/job.html", view_work.show_parts(session, actor, job_id))
