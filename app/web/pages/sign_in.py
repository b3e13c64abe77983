"""Signing in and out by password, and links by which somebody chooses a new one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.accounts import check_repeated
from app.domain.errors import InvalidInput, WinnowError
from app.services import limit_tries, one_time_links, sign_in
from app.settings import Settings
from app.web.dependencies import BrowserDep, ReadingDep, Wiring, WiringDep, WritingDep, cookie_name, find_request_actor
from app.web.render import render, render_refusal

router = APIRouter()

Field = Annotated[str, Form(max_length=2000)]
LinkToken = Annotated[str, Path(max_length=200)]
_NEXT = re.compile(r"/(?![/\\])[A-Za-z0-9_\-./?=&%+,]*")


@dataclass(frozen=True)
class SignInPage:
    """``provider`` is the name of a single sign-on; ``signed_out`` is "oidc" for who had come by it."""

    error: str | None
    username: str
    next: str
    provider: str | None
    signed_out: str = ""


@dataclass(frozen=True)
class FirstSignInPage:
    error: str | None
    username: str
    display_name: str
    token: str
    kind: str


def safe_next(target: str) -> str:
    """Only a path on this site; anything else leads to the start page."""
    return target if _NEXT.fullmatch(target) else "/"


def signed_in(settings: Settings, token: str, target: str) -> Response:
    """Give the browser its session, and send it on."""
    response = RedirectResponse(target, 303)
    response.set_cookie(
        cookie_name(settings), token, max_age=int(settings.session_absolute.total_seconds()),
        httponly=True, samesite="lax", secure=settings.secure_cookies, path="/",
    )  # fmt: skip
    return response


def sign_in_page(wiring: Wiring, target: str, *, error: str | None = None, username: str = "") -> SignInPage:
    provider = wiring.provider.name if wiring.provider else None
    return SignInPage(error, username, safe_next(target), provider)


@router.get("/sign-in")
def show_sign_in(
    request: Request,
    wiring: WiringDep,
    target: Annotated[str, Query(alias="next", max_length=2000)] = "/",
    signed_out: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    if find_request_actor(request, wiring) is not None:
        return RedirectResponse(safe_next(target), 303)
    page = sign_in_page(wiring, target)
    return render(
        request, "pages/sign_in.html", SignInPage(None, "", page.next, page.provider, signed_out)
    )  # fmt: skip


@router.post("/sign-in")
def do_sign_in(
    request: Request,
    wiring: WiringDep,
    browser: BrowserDep,
    username: Field = "",
    password: Field = "",
    target: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    try:
        token = sign_in.sign_in(wiring.database, username, password, browser)
    except WinnowError as error:
        page = sign_in_page(wiring, target, error=error.message, username=username)
        return render_refusal(request, "pages/sign_in.html", page, error)
    if token is None:
        page = sign_in_page(wiring, target, error="The user name or the password is wrong.", username=username)
        return render(request, "pages/sign_in.html", page, 401)
    return signed_in(wiring.settings, token, safe_next(target))


@router.post("/sign-out")
def do_sign_out(request: Request, session: WritingDep, wiring: WiringDep) -> Response:
    name = cookie_name(wiring.settings)
    had_come_by = sign_in.sign_out(session, request.cookies.get(name, ""))
    by_provider = had_come_by == "oidc" and wiring.provider is not None
    response = RedirectResponse("/sign-in?signed_out=oidc" if by_provider else "/sign-in", 303)
    response.headers["Clear-Site-Data"] = '"cache"'  # pictures; unsent answers stay, their owner may come back
    response.delete_cookie(name, path="/", secure=wiring.settings.secure_cookies, httponly=True, samesite="lax")
    return response


def try_link(token: LinkToken, wiring: WiringDep, browser: BrowserDep) -> None:
    """Before the route's own session begins: a link that does not work counts as a try."""
    limit_tries.try_link(wiring.database, browser.address, lambda session: one_time_links.get_link(session, token))


@router.get("/welcome/{token}", dependencies=[Depends(try_link)])
def show_welcome(request: Request, token: LinkToken, session: ReadingDep) -> Response:
    link, user = one_time_links.get_link(session, token)
    page = FirstSignInPage(None, user.username or "", user.display_name, token, link.purpose)
    return render(request, "pages/first_sign_in.html", page)


@router.post("/welcome/{token}", dependencies=[Depends(try_link)])
def do_welcome(
    request: Request,
    token: LinkToken,
    session: WritingDep,
    wiring: WiringDep,
    browser: BrowserDep,
    username: Field = "",
    display_name: Field = "",
    password: Field = "",
    password_again: Field = "",
) -> Response:
    link, _ = one_time_links.get_link(session, token)
    kind = link.purpose
    try:
        check_repeated(password, password_again)
        new = one_time_links.use_link(
            session, token, username=username, display_name=display_name, password=password, browser=browser
        )
    except InvalidInput as error:
        page = FirstSignInPage(error.message, username, display_name, token, kind)
        return render(request, "pages/first_sign_in.html", page, 400)
    return signed_in(wiring.settings, new, "/")
