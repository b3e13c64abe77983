"""One's own account: password, where one is signed in, tokens, and an account at a provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.accounts import Scope, check_repeated
from app.domain.browsers import describe_browser
from app.domain.errors import InvalidInput, NotFound, WinnowError
from app.services import api_tokens, dashboard, sign_in, sign_in_oidc, users
from app.services.api_tokens import TokenView
from app.web.dependencies import ActorDep, BrowserDep, PersonDep, ReadingDep, Wiring, WiringDep, WritingDep
from app.web.pages.sign_in import Field
from app.web.render import render, render_refusal

router = APIRouter(prefix="/account")


@dataclass(frozen=True)
class SessionView:
    id: int
    created_at: datetime
    last_seen_at: datetime
    browser: str
    user_agent: str
    address: str
    signed_in_by: str
    current: bool


@dataclass(frozen=True)
class IdentityView:
    id: int
    email: str | None
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True)
class AccountPage:
    """``provider`` is the name of a single sign-on, None without one; ``projects`` are (slug, name)."""

    has_password: bool
    sessions: list[SessionView]
    tokens: list[TokenView]
    scopes: list[str]
    projects: list[tuple[str, str]]
    provider: str | None
    identities: list[IdentityView]
    new_token: str | None
    error: str | None


@router.get("")
def show_account(request: Request, actor: ActorDep, session: ReadingDep, wiring: WiringDep) -> Response:
    return render(request, "pages/account.html", _account(session, actor, wiring))


def _account(
    session: ReadingDep, actor: ActorDep, wiring: Wiring, *, new_token: str | None = None, error: str | None = None
) -> AccountPage:
    sessions = [
        SessionView(
            row.id, row.created_at, row.last_seen_at, describe_browser(row.user_agent), row.user_agent, row.address,
            row.signed_in_by, row.id == actor.session_id,
        )
        for row in users.list_sessions(session, actor.user_id)
    ]  # fmt: skip
    identities = [
        IdentityView(row.id, row.email, row.created_at, row.last_used_at)
        for row in sign_in_oidc.list_identities(session, actor)
    ]
    return AccountPage(
        users.has_password(session, actor.user_id),
        sessions,
        api_tokens.list_tokens(session, actor),
        [scope.value for scope in Scope],
        [(project.slug, project.name) for project in dashboard.list_enterable(session, actor)],
        wiring.provider.name if wiring.provider else None,
        identities,
        new_token,
        error,
    )


@router.post("/password")
def change_password(
    request: Request,
    actor: PersonDep,
    session: WritingDep,
    wiring: WiringDep,
    browser: BrowserDep,
    current: Field = "",
    new: Field = "",
    new_again: Field = "",
) -> Response:
    try:
        check_repeated(new, new_again)
        sign_in.change_password(session, actor, current, new, browser)
    except WinnowError as error:
        page = _account(session, actor, wiring, error=error.message)
        return render_refusal(request, "pages/account.html", page, error)
    return RedirectResponse("/account", 303)


@router.post("/sessions/{session_id}/revoke")
def end_session(session_id: int, actor: PersonDep, session: WritingDep) -> Response:
    sign_in.end_session(session, actor, session_id)
    return RedirectResponse("/account", 303)


@router.post("/sessions/revoke-others")
def end_other_sessions(actor: PersonDep, session: WritingDep) -> Response:
    sign_in.end_other_sessions(session, actor)
    return RedirectResponse("/account", 303)


@router.post("/tokens")
def make_token(
    request: Request,
    actor: PersonDep,
    session: WritingDep,
    wiring: WiringDep,
    name: Field = "",
    scope: Field = Scope.READ.value,
    project: Field = "",
    days: Field = "",
) -> Response:
    try:
        token = api_tokens.make_token(
            session, actor, name=name, scope=scope, days=_read_days(days), project=project or None
        )
    except (InvalidInput, NotFound) as error:
        page = _account(session, actor, wiring, error=error.message)
        return render_refusal(request, "pages/account.html", page, error)
    session.flush()  # the new token stands in the list that is shown
    return render(request, "pages/account.html", _account(session, actor, wiring, new_token=token))


def _read_days(days: str) -> int | None:
    if days and not (days.isdecimal() and len(days) < 6):
        raise InvalidInput("A token lives for a number of days, or for ever when left empty.")
    return int(days) if days else None


@router.post("/tokens/{token_id}/revoke")
def revoke_token(token_id: int, actor: PersonDep, session: WritingDep) -> Response:
    api_tokens.revoke_token(session, actor, token_id)
    return RedirectResponse("/account", 303)


@router.post("/identities/{identity_id}/remove")
def remove_identity(
    request: Request, identity_id: int, actor: PersonDep, session: WritingDep, wiring: WiringDep
) -> Response:
    try:
        sign_in_oidc.remove_identity(session, actor, identity_id)
    except InvalidInput as error:
        page = _account(session, actor, wiring, error=error.message)
        return render_refusal(request, "pages/account.html", page, error)
    return RedirectResponse("/account", 303)
