"""To the OpenID Connect provider and back. Without one, each address leads to the ordinary page."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.errors import NotAllowed, NotFound, WinnowError
from app.services import invitations, sign_in_oidc
from app.services.sign_in_oidc import FLOW_LIFETIME, Answer, Rules
from app.settings import Settings
from app.web.dependencies import BrowserDep, PersonDep, Wiring, WiringDep, find_request_actor
from app.web.pages.sign_in import safe_next, sign_in_page, signed_in
from app.web.render import render_refusal

router = APIRouter()

_INVITATION = "/invitation/"
Given = Annotated[str, Query(max_length=4000)]


def _cookie(settings: Settings) -> str:
    return "__Host-winnow_oidc" if settings.secure_cookies else "winnow_oidc"


def _callback(request: Request) -> str:
    return f"{request.base_url}sign-in/oidc/callback"


@router.get("/sign-in/oidc")
def begin(
    request: Request, wiring: WiringDep, target: Annotated[str, Query(alias="next", max_length=2000)] = "/"
) -> Response:
    return _send_off(request, wiring, safe_next(target), None)


@router.get("/account/oidc")
def connect(request: Request, actor: PersonDep, wiring: WiringDep) -> Response:
    """Connect an account at the provider to one's own. Another site could otherwise have theirs connected."""
    if request.headers.get("sec-fetch-site") != "same-origin":
        raise NotAllowed("Open your account page and begin there.")
    return _send_off(request, wiring, "/account", actor.user_id)


def _send_off(request: Request, wiring: Wiring, target: str, user_id: int | None) -> Response:
    if wiring.provider is None:
        return RedirectResponse("/account" if user_id else "/sign-in", 303)
    try:
        url, cookie = sign_in_oidc.begin(wiring.database, wiring.provider, _callback(request), user_id=user_id)
    except WinnowError as error:
        return render_refusal(
            request, "pages/sign_in.html", sign_in_page(wiring, target, error=error.message), error
        )  # fmt: skip
    response = RedirectResponse(url, 303)
    # Lax: the provider's redirect is another site's, and has to bring it back.
    response.set_cookie(
        _cookie(wiring.settings), f"{cookie}:{quote(target, safe='')}", max_age=int(FLOW_LIFETIME.total_seconds()),
        httponly=True, samesite="lax", secure=wiring.settings.secure_cookies, path="/",
    )  # fmt: skip
    return response


@router.get("/sign-in/oidc/callback")
def finish(
    request: Request,
    wiring: WiringDep,
    browser: BrowserDep,
    state: Given = "",
    code: Given = "",
    error: Annotated[str, Query(max_length=100)] = "",
    iss: Given = "",
) -> Response:
    if wiring.provider is None:
        return RedirectResponse("/sign-in", 303)
    settings = wiring.settings
    cookie, _, quoted = request.cookies.get(_cookie(settings), "").partition(":")
    target = safe_next(unquote(quoted))
    rules = Rules(settings.oidc_new_users, settings.oidc_link_by_email, tuple(settings.oidc_email_domains))
    try:
        token = sign_in_oidc.finish(
            wiring.database, wiring.provider, rules, Answer(cookie, state, code, error, iss),
            redirect_uri=_callback(request), browser=browser, actor=find_request_actor(request, wiring),
            is_invited=_is_invited(wiring, target),
        )  # fmt: skip
    except WinnowError as refusal:
        page = sign_in_page(wiring, target, error=refusal.message)
        response: Response = render_refusal(request, "pages/sign_in.html", page, refusal)
    else:
        response = signed_in(settings, token, target) if token else RedirectResponse("/account", 303)
    response.delete_cookie(
        _cookie(settings), path="/", secure=settings.secure_cookies, httponly=True, samesite="lax"
    )  # fmt: skip
    return response


def _is_invited(wiring: Wiring, target: str) -> bool:
    """Whether the browser came from an invitation that works: then its person may get an account."""
    if not target.startswith(_INVITATION):
        return False
    with wiring.database.reading() as session:
        try:
            invitations.find(session, target.removeprefix(_INVITATION))
        except NotFound:
            return False
    return True


@router.get("/sign-out/oidc")
def sign_out_there(request: Request, wiring: WiringDep) -> Response:
    """Lead to where the provider ends its own session; ours has ended before."""
    url = wiring.provider.sign_out_url(f"{request.base_url}sign-in") if wiring.provider else None
    return RedirectResponse(url or "/sign-in", 303)
