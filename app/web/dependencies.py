"""What routes ask for: a session, who is there, a project they may enter.

The session's scope is ``function``: it commits before the answer goes out, so nobody is told "saved" of what was not
(docs/decisions/0002-commit-before-answer.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from app.adapters.oidc_provider import OidcProvider
from app.adapters.thumbnails import Pictures
from app.db.session import Database, Session
from app.domain.accounts import Role
from app.domain.errors import NotAllowed, NotSignedIn
from app.services.api_tokens import find_token_actor, token_needs_touch, touch_token
from app.services.comments import count_unread
from app.services.keep_measured import Keeper
from app.services.limit_tries import count_wrong_token
from app.services.look_at_finish import FinishLook
from app.services.measure_agreement import Measured
from app.services.measure_progress import Progress
from app.services.ports import Doorbell
from app.services.projects import Access, access_project
from app.services.sign_in import Actor, Browser, find_actor, needs_touch, touch_session
from app.services.users import require_admin
from app.settings import Settings
from app.web.render import project_info
from app.web.request_meter import RequestCounts
from app.web.token_scopes import check_token

SESSION_COOKIE = "winnow_session"
SECURE_COOKIE = "__Host-winnow_session"


@dataclass(frozen=True)
class Wiring:
    """Everything that ``create_app`` puts together for the routes; ``provider`` is None without single sign-on."""

    settings: Settings
    database: Database
    doorbell: Doorbell
    pictures: Pictures
    agreement: Keeper[Measured]
    progress: Keeper[Progress]
    finish: Keeper[FinishLook]
    requests: RequestCounts
    provider: OidcProvider | None = None


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
            return _find_bearer(session, wiring, header[7:].strip(), browser_of(request, wiring))
        if not cookie:
            return None
        settings = wiring.settings
        actor = find_actor(session, cookie, idle=settings.session_idle, absolute=settings.session_absolute)
        stale = actor is not None and needs_touch(session, cookie)
    if stale:
        with wiring.database.writing() as session:
            touch_session(session, cookie, browser_of(request, wiring).address)
    return actor


def browser_of(request: Request, wiring: Wiring) -> Browser:
    """Where a request comes from. Behind a proxy that is trusted, the address is its client's."""
    address = request.client.host if request.client else ""
    agent = request.headers.get("user-agent", "")
    return Browser(address, agent, request.cookies.get(cookie_name(wiring.settings), ""))


async def get_browser(request: Request, wiring: WiringDep) -> Browser:
    return browser_of(request, wiring)


BrowserDep = Annotated[Browser, Depends(get_browser)]


def _find_bearer(session: Session, wiring: Wiring, token: str, browser: Browser) -> Actor | None:
    actor = find_token_actor(session, token)
    stale = actor is not None and token_needs_touch(session, token)
    session.rollback()  # what was read must not keep the note below from being written
    if actor is None:
        with wiring.database.writing() as counting:
            count_wrong_token(counting, browser.address)
    elif stale:
        with wiring.database.writing() as noting:
            touch_token(noting, token)
    return actor


def get_actor(request: Request, wiring: WiringDep) -> Actor:
    actor = find_request_actor(request, wiring)
    if actor is None:
        raise NotSignedIn("Sign in first.")
    request.state.actor = actor
    check_token(actor, request.scope)
    return actor


ActorDep = Annotated[Actor, Depends(get_actor)]


async def get_person(actor: ActorDep) -> Actor:
    """Somebody who signed in: a token that leaked must not make more of itself, nor let people in or out."""
    if actor.session_id is None:
        raise NotAllowed("An API token can't do this. Sign in with your password, in the browser.")
    return actor


PersonDep = Annotated[Actor, Depends(get_person)]


def get_admin(actor: ActorDep) -> Actor:
    """An admin of the server: who says which of its folders are read."""
    require_admin(actor)
    return actor


AdminActor = Annotated[Actor, Depends(get_admin)]
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
