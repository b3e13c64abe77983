"""What an admin of the server sees: users and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.errors import InvalidInput
from app.services import access_jobs, users
from app.services.jobs import JobView
from app.web.dependencies import ActorDep, PersonDep, ReadingDep, WritingDep
from app.web.render import render

router = APIRouter()


@dataclass(frozen=True)
class UserView:
    id: int
    username: str | None
    display_name: str
    is_admin: bool
    is_active: bool
    created_at: datetime


@dataclass(frozen=True)
class UsersPage:
    users: list[UserView]
    invitation_url: str | None
    error: str | None


@dataclass(frozen=True)
class JobsPage:
    jobs: list[JobView]


def _users_page(session: ReadingDep, token: str | None, base: str, error: str | None = None) -> UsersPage:
    rows = [
        UserView(user.id, user.username, user.display_name, user.is_admin, user.is_active, user.created_at)
        for user in users.list_users(session)
    ]
    return UsersPage(rows, f"{base}welcome/{token}" if token else None, error)


@router.get("/users")
def show_users(request: Request, actor: ActorDep, session: ReadingDep) -> Response:
    users.require_admin(actor)
    return render(request, "pages/users.html", _users_page(session, None, ""))


@router.post("/users/invitations")
def invite(
    request: Request,
    actor: PersonDep,
    session: WritingDep,
    display_name: Annotated[str, Form(max_length=200)] = "",
    is_admin: Annotated[bool, Form()] = False,
) -> Response:
    try:
        token = users.invite(session, actor, display_name=display_name, is_admin=is_admin)
    except InvalidInput as error:
        return render(request, "pages/users.html", _users_page(session, None, "", error.message), 400)
    return render(request, "pages/users.html", _users_page(session, token, str(request.base_url)))


@router.post("/users/{user_id}")
def manage_user(
    request: Request, user_id: int, actor: PersonDep, session: WritingDep, action: Annotated[str, Form(max_length=20)]
) -> Response:
    token = users.manage_user(session, actor, user_id, action)
    if token is not None:
        return render(request, "pages/users.html", _users_page(session, token, str(request.base_url)))
    return RedirectResponse("/users", 303)


@router.get("/jobs")
def show_jobs(request: Request, actor: ActorDep, session: ReadingDep) -> Response:
    page = JobsPage(access_jobs.list_jobs(session, actor))
    return render(request, "pages/jobs.html", page)
