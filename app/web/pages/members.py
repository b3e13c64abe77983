"""Members and policies of a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.consensus import Rule
from app.domain.errors import InvalidInput, WinnowError
from app.domain.merge import LeakSide, Policies
from app.services import invitations, projects, view_members
from app.services.invitations import InvitationView
from app.services.projects import Access
from app.services.view_members import MemberView, UserView
from app.web.dependencies import AdminAccess, LeadAccess, LeadReadAccess, ReadingDep, WritingDep
from app.web.render import render, render_refusal

router = APIRouter(prefix="/p/{slug}")


@dataclass(frozen=True)
class MembersPage:
    """``invitable`` are the roles that the reader may invite to; ``link`` shows this once."""

    members: list[MemberView]
    users: list[UserView]
    roles: list[str]
    invitable: list[str]
    invitations: list[InvitationView]
    policies: dict[str, Any]
    can_edit: bool
    can_set_rules: bool
    link: str | None
    error: str | None


def show_members_page(
    request: Request, session: Session, access: Access, *, link: str | None = None, error: WinnowError | None = None
) -> Response:
    """The page of members; ``link`` is an invitation just made, which shows this once."""
    session.flush()  # what was made just now is listed
    members, others = view_members.list_members(session, access)
    page = MembersPage(
        members,
        others,
        [role.value for role in Role],
        [role.value for role in Role if may(access.role, role)],
        invitations.list_invitations(session, access.id),
        projects.policies_as_json(projects.policies_of(access.project)),
        may(access.role, Role.ADMIN),
        access.is_lead,
        link,
        error.message if error else None,
    )
    if error is not None:
        return render_refusal(request, "pages/members.html", page, error)
    return render(request, "pages/members.html", page)


@router.get("/members")
def show_members(request: Request, access: LeadReadAccess, session: ReadingDep) -> Response:
    return show_members_page(request, session, access)


@router.post("/members")
def set_member(
    access: AdminAccess,
    session: WritingDep,
    user_id: Annotated[int, Form()],
    role: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    if role and role not in list(Role):
        raise InvalidInput(f"There is no role {role!r}.")
    projects.set_member(session, access, user_id, Role(role) if role else None)
    return RedirectResponse(f"/p/{access.project.slug}/members", 303)


@router.post("/policies")
def set_policies(
    access: LeadAccess,
    session: WritingDep,
    min_submitted: Annotated[int, Form()],
    rule: Annotated[Rule, Form()],
    leak_side: Annotated[LeakSide, Form()],
    max_class_share: Annotated[float, Form()],
    mislabel_threshold: Annotated[float, Form()],
    blind: Annotated[bool, Form()] = False,
    overlap_share: Annotated[float, Form()] = 0.0,
    check_share: Annotated[float, Form()] = 0.0,
    suggestion_threshold: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    policies = Policies(
        min_submitted, rule, leak_side, max_class_share, mislabel_threshold, blind, overlap_share, check_share,
        _threshold(suggestion_threshold),
    )  # fmt: skip
    projects.set_policies(session, access, policies)
    return RedirectResponse(f"/p/{access.project.slug}/members", 303)


def _threshold(text: str) -> float | None:
    """An empty field says that no suggestion counts unseen."""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is no confidence. Give a number between 0 and 1, or leave the field empty."
        ) from None
