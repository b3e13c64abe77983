"""Signing in and out, the first sign-in by link, and one's own account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.accounts import check_repeated
from app.domain.errors import InvalidInput, WinnowError
from app.services import sign_in, users
from app.settings import Settings
from app.web.dependencies import ActorDep, PersonDep, ReadingDep, WiringDep, WritingDep, cookie_name, find_request_actor
from app.web.render import render

router = APIRouter()

Field = Annotated[str, Form(max_length=2000)]
_NEXT = re.compile(r"/(?![/\\])[A-Za-z0-9_\-./?=&%+,]*")


@dataclass(frozen=True)
class SignInPage:
    error: str | None
    username: str
    next: str


@dataclass(frozen=True)
class FirstSignInPage:
    error: str | None
    username: str
    display_name: str
    token: str
    kind: str


@dataclass(frozen=True)
class SessionView:
    id: int
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    current: bool


@dataclass(frozen=True)
class TokenView:
    id: int
    name: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class AccountPage:
    sessions: list[SessionView]
    tokens: list[TokenView]
    new_token: str | None
    error: str | None


def safe_next(target: str) -> str:
    """Only a path on this site; anything else leads to the start page."""
    return target if _NEXT.fullmatch(target) else "/"


def _signed_in(settings: Settings, token: str, target: str) -> Response:
    response = RedirectResponse(target, 303)
    response.set_cookie(
        cookie_name(settings), token, max_age=int(settings.session_absolute.total_seconds()),
        httponly=True, samesite="lax", secure=settings.secure_cookies, path="/",
    )  # fmt: skip
    return response


@router.get("/sign-in")
def show_sign_in(
    request: Request, wiring: WiringDep, target: Annotated[str, Query(alias="next", max_length=2000)] = "/"
) -> Response:
    if find_request_actor(request, wiring) is not None:
        return RedirectResponse(safe_next(target), 303)
    return render(request, "pages/sign_in.html", SignInPage(None, "", safe_next(target)))


@router.post("/sign-in")
def do_sign_in(
    request: Request,
    wiring: WiringDep,
    username: Field = "",
    password: Field = "",
    target: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    address = request.client.host if request.client else ""
    agent = request.headers.get("user-agent", "")
    try:
        token = sign_in.sign_in(wiring.database, username, password, address=address, user_agent=agent)
    except WinnowError as error:
        page = SignInPage(error.message, username, safe_next(target))
        return render(request, "pages/sign_in.html", page, 400 if isinstance(error, InvalidInput) else 429)
    if token is None:
        page = SignInPage("The user name or the password is wrong.", username, safe_next(target))
        return render(request, "pages/sign_in.html", page, 401)
    return _signed_in(wiring.settings, token, safe_next(target))


@router.post("/sign-out")
def do_sign_out(request: Request, session: WritingDep, wiring: WiringDep) -> Response:
    name = cookie_name(wiring.settings)
    sign_in.sign_out(session, request.cookies.get(name, ""))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(name, path="/", secure=wiring.settings.secure_cookies, httponly=True, samesite="lax")
    return response


@router.get("/welcome/{token}")
def show_welcome(request: Request, token: str, session: ReadingDep) -> Response:
    link, user = sign_in.get_link(session, token)
    page = FirstSignInPage(None, user.username or "", user.display_name, token, link.purpose)
    return render(request, "pages/first_sign_in.html", page)


@router.post("/welcome/{token}")
def do_welcome(
    request: Request,
    token: str,
    session: WritingDep,
    wiring: WiringDep,
    username: Field = "",
    display_name: Field = "",
    password: Field = "",
    password_again: Field = "",
) -> Response:
    link, _ = sign_in.get_link(session, token)
    kind = link.purpose
    agent = request.headers.get("user-agent", "")
    try:
        check_repeated(password, password_again)
        new = sign_in.use_link(
            session, token, username=username, display_name=display_name, password=password, user_agent=agent
        )
    except InvalidInput as error:
        page = FirstSignInPage(error.message, username, display_name, token, kind)
        return render(request, "pages/first_sign_in.html", page, 400)
    return _signed_in(wiring.settings, new, "/")


@router.get("/account")
def show_account(request: Request, actor: ActorDep, session: ReadingDep) -> Response:
    return render(request, "pages/account.html", _account(session, actor))


def _account(
    session: ReadingDep, actor: ActorDep, *, new_token: str | None = None, error: str | None = None
) -> AccountPage:
    sessions = [
        SessionView(row.id, row.created_at, row.last_seen_at, row.user_agent, row.id == actor.session_id)
        for row in users.list_sessions(session, actor.user_id)
    ]
    tokens = [
        TokenView(row.id, row.name, row.created_at, row.expires_at, row.last_used_at)
        for row in users.list_tokens(session, actor.user_id)
    ]
    return AccountPage(sessions, tokens, new_token, error)


@router.post("/account/password")
def change_password(
    request: Request, actor: PersonDep, session: WritingDep, current: Field = "", new: Field = "", new_again: Field = ""
) -> Response:
    try:
        check_repeated(new, new_again)
        sign_in.change_password(session, actor, current, new)
    except WinnowError as error:
        return render(request, "pages/account.html", _account(session, actor, error=error.message), 400)
    return RedirectResponse("/account", 303)


@router.post("/account/sessions/{session_id}/revoke")
def end_session(session_id: int, actor: PersonDep, session: WritingDep) -> Response:
    users.end_session(session, actor, session_id)
    return RedirectResponse("/account", 303)


@router.post("/account/tokens")
def make_token(request: Request, actor: PersonDep, session: WritingDep, name: Field = "", days: Field = "") -> Response:
    try:
        token = users.make_token(session, actor, name=name, days=_read_days(days))
    except InvalidInput as error:
        return render(request, "pages/account.html", _account(session, actor, error=error.message), 400)
    session.flush()  # the new token stands in the list that is shown
    return render(request, "pages/account.html", _account(session, actor, new_token=token))


def _read_days(days: str) -> int | None:
    if days and not (days.isdigit() and len(days) < 6):
        raise InvalidInput("A token lives for a number of days, or for ever when left empty.")
    return int(days) if days else None


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(token_id: int, actor: PersonDep, session: WritingDep) -> Response:
    users.revoke_token(session, actor, token_id)
    return RedirectResponse("/account", 303)
