"""Invitations: making and revoking them for the server or a project, and what their link opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.accounts import check_repeated
from app.domain.errors import InvalidInput, NotAllowed, TooManyAttempts
from app.services import invitations, limit_tries
from app.services.invitations import Found, Offer
from app.web.dependencies import (
    BrowserDep,
    LeadAccess,
    PersonDep,
    ReadingDep,
    WiringDep,
    WritingDep,
    find_request_actor,
)
from app.web.pages.admin import show_users_page
from app.web.pages.members import show_members_page
from app.web.pages.sign_in import Field, LinkToken, signed_in
from app.web.render import render

router = APIRouter()

_REFUSALS = (InvalidInput, NotAllowed, TooManyAttempts)


@dataclass(frozen=True)
class InvitationPage:
    """``signed_in_as`` is the user name of who has an account already; ``provider`` names a single sign-on."""

    error: str | None
    found: Found
    token: str
    signed_in_as: str | None
    provider: str | None
    username: str
    display_name: str


def _offer(
    name: Annotated[str, Form(max_length=200)] = "",
    email: Annotated[str, Form(max_length=320)] = "",
    role: Annotated[str, Form(max_length=10)] = "reviewer",
    is_admin: Annotated[bool, Form()] = False,
    days: Annotated[int, Form()] = 7,
) -> Offer:
    return Offer(name, email, role, is_admin, days)


OfferDep = Annotated[Offer, Depends(_offer)]


def _url(request: Request, token: str) -> str:
    return f"{request.base_url}invitation/{token}"


@router.post("/users/invitations")
def invite_to_server(
    request: Request,
    actor: PersonDep,
    session: WritingDep,
    offer: OfferDep,
    project: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    try:
        token = invitations.invite_to_server(session, actor, offer, project or None)
    except (InvalidInput, TooManyAttempts) as error:
        return show_users_page(request, session, error=error)
    return show_users_page(request, session, link=_url(request, token))


@router.post("/users/invitations/{invitation_id}/revoke")
def revoke_on_server(invitation_id: int, actor: PersonDep, session: WritingDep) -> Response:
    invitations.revoke(session, actor, invitation_id)
    return RedirectResponse("/users", 303)


@router.post("/p/{slug}/invitations")
def invite_to_project(
    request: Request, _: PersonDep, access: LeadAccess, session: WritingDep, offer: OfferDep
) -> Response:
    try:
        token = invitations.invite_to_project(session, access, offer)
    except _REFUSALS as error:
        return show_members_page(request, session, access, error=error)
    return show_members_page(request, session, access, link=_url(request, token))


@router.post("/p/{slug}/invitations/{invitation_id}/revoke")
def revoke_in_project(invitation_id: int, _: PersonDep, access: LeadAccess, session: WritingDep) -> Response:
    invitations.revoke(session, access.actor, invitation_id, access.id)
    return RedirectResponse(f"/p/{access.project.slug}/members", 303)


def try_link(token: LinkToken, wiring: WiringDep, browser: BrowserDep) -> None:
    """Before the route's own session begins: a link that does not work counts as a try."""
    limit_tries.try_link(wiring.database, browser.address, lambda session: invitations.find(session, token))


@router.get("/invitation/{token}", dependencies=[Depends(try_link)])
def show_invitation(request: Request, token: LinkToken, session: ReadingDep, wiring: WiringDep) -> Response:
    actor = find_request_actor(request, wiring)
    found = invitations.find(session, token)
    provider = wiring.provider.name if wiring.provider else None
    page = InvitationPage(None, found, token, actor.username if actor else None, provider, "", found.name)
    return render(request, "pages/invitation.html", page)


@router.post("/invitation/{token}", dependencies=[Depends(try_link)])
def accept_as_new(
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
    try:
        check_repeated(password, password_again)
        new, target = invitations.accept_as_new(
            session, token, username=username, display_name=display_name, password=password, browser=browser
        )
    except InvalidInput as error:
        provider = wiring.provider.name if wiring.provider else None
        found = invitations.find(session, token)
        page = InvitationPage(error.message, found, token, None, provider, username, display_name)
        return render(request, "pages/invitation.html", page, 400)
    return signed_in(wiring.settings, new, target)


@router.post("/invitation/{token}/accept")
def accept_as_oneself(
    token: LinkToken, actor: PersonDep, _: Annotated[None, Depends(try_link)], session: WritingDep
) -> Response:
    return RedirectResponse(invitations.accept_as_oneself(session, actor, token), 303)
