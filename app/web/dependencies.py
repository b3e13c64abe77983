"""What routes ask for: a session, who is there, a project they may enter.

The session's scope is ``function``: it commits before the answer goes out, so nobody is told "saved" of what was not
(docs/decisions/0002-commit-before-answer.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from app.adapters.thumbnails import Pictures
from app.db.session import Database, Session
from app.domain.accounts import Role
from app.domain.errors import NotAllowed, NotSignedIn
from app.services.comments import count_unread
from app.services.keep_measured import Keeper
from app.services.measure_agreement import Measured
from app.services.measure_progress import Progress
from app.services.ports import Doorbell
from app.services.projects import Access, access_project
from app.services.sign_in import (
    Actor,
    find_actor,
    find_token_actor,
    needs_touch,
    token_needs_touch,
    touch_session,
    touch_token,
)
from app.settings import Settings
from app.web.render import project_info
from app.web.request_meter import RequestCounts

SESSION_COOKIE = "winnow_session"
SECURE_COOKIE = "__Host-winnow_session"


@dataclass(frozen=True)
class Wiring:
    """Everything that ``create_app`` puts together for the routes."""

    settings: Settings
    database: Database
    doorbell: Doorbell
    pictures: Pictures
    agreement: Keeper[Measured]
    progress: Keeper[Progress]
    requests: RequestCounts


async def get_wiring(request: Request) -> Wiring:
    wiring: Wiring = request.app.state.wiring
    return wiring


# Quick ones are coroutines: a plain function would cost a hop to another thread.
WiringDep = Annotated[Wiring, Depends(get_wiring)]


def get_reading(wiring: WiringDep) -> Iterator[Session]:
    with wiring.database.reading() as session:
        yield session


def get_writing(wiring: WiringDep) -> Iterator[Session]:
    with wiring.database.writing() as session:
        yield session


ReadingDep = Annotated[Session, Depends(get_reading, scope="function")]
WritingDep = Annotated[Session, Depends(get_writing, scope="function")]


def cookie_name(settings: Settings) -> str:
    return SECURE_COOKIE if settings.secure_cookies else SESSION_COOKIE


def find_request_actor(request: Request, wiring: Wiring) -> Actor | None:
    """Who makes this request: by API token in the header, or else by session cookie."""
    header = request.headers.get("authorization", "")
    cookie = request.cookies.get(cookie_name(wiring.settings))
    with wiring.database.reading() as session:
        if header.lower().startswith("bearer "):
            return _find_bearer(session, wiring, header[7:].strip())
        if not cookie:
            return None
        settings = wiring.settings
        actor = find_actor(session, cookie, idle=settings.session_idle, absolute=settings.session_absolute)
        stale = actor is not None and needs_touch(session, cookie)
    if stale:
        with wiring.database.writing() as session:
            touch_session(session, cookie)
    return actor


def _find_bearer(session: Session, wiring: Wiring, token: str) -> Actor | None:
    actor = find_token_actor(session, token)
    stale = actor is not None and token_needs_touch(session, token)
    session.rollback()  # what was read must not keep the note below from being written
    if stale:
        with wiring.database.writing() as noting:
            touch_token(noting, token)
    return actor


def get_actor(request: Request, wiring: WiringDep) -> Actor:
    actor = find_request_actor(request, wiring)
    if actor is None:
        raise NotSignedIn("Sign in first.")
    request.state.actor = actor
    return actor


ActorDep = Annotated[Actor, Depends(get_actor)]


async def get_person(actor: ActorDep) -> Actor:
    """Somebody who signed in: a token that leaked must not make more of itself, nor let people in or out."""
    if actor.session_id is None:
        raise NotAllowed("An API token can't do this. Sign in with your password, in the browser.")
    return actor


PersonDep = Annotated[Actor, Depends(get_person)]
SlugPath = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9-]+$")]


def _entering(needed: Role, session_dep: object) -> Callable[..., Access]:
    def enter(request: Request, actor: ActorDep, slug: SlugPath, session: Session) -> Access:
        access = access_project(session, actor, slug, needed)
        # Taken now: a unit of work that fails takes the project's fields with it, and the error page names it.
        is_page = request.method == "GET" and request.scope["path"].startswith("/p/")
        request.state.project = project_info(access, count_unread(session, access) if is_page else 0)
        return access

    enter.__annotations__["session"] = session_dep
    return enter


def reading_project(needed: Role = Role.VIEWER) -> object:
    """Enter a project to look at it; the access shares the route's reading session."""
    return Depends(_entering(needed, ReadingDep), scope="function")


def writing_project(needed: Role = Role.REVIEWER) -> object:
    """Enter a project to change it; the access shares the route's writing session."""
    return Depends(_entering(needed, WritingDep), scope="function")


ViewAccess = Annotated[Access, reading_project(Role.VIEWER)]
ReviewReadAccess = Annotated[Access, reading_project(Role.REVIEWER)]
LeadReadAccess = Annotated[Access, reading_project(Role.LEAD)]
ViewWriteAccess = Annotated[Access, writing_project(Role.VIEWER)]
ReviewAccess = Annotated[Access, writing_project(Role.REVIEWER)]
LeadAccess = Annotated[Access, writing_project(Role.LEAD)]
AdminAccess = Annotated[Access, writing_project(Role.ADMIN)]
