"""How a team works together: agreement, check samples, and comments that name somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.errors import InvalidInput
from app.services import check_samples, comments
from app.services.check_samples import CheckList
from app.services.comments import MentionView
from app.services.projects import policies_of
from app.web.api.agreement import agreement_of
from app.web.dependencies import (
    LeadAccess,
    LeadReadAccess,
    ReadingDep,
    ReviewAccess,
    ReviewReadAccess,
    WiringDep,
    WritingDep,
)
from app.web.render import render

router = APIRouter(prefix="/p/{slug}")


@dataclass(frozen=True)
class ChecksPage:
    checks: CheckList
    check_share: float
    error: str | None
    text: str


@dataclass(frozen=True)
class MentionsPage:
    mentions: list[MentionView]
    unread: int


@router.get("/agreement")
def show_agreement(
    request: Request,
    access: ReviewReadAccess,
    session: ReadingDep,
    wiring: WiringDep,
    a: Annotated[str, Query(max_length=64)] = "",
    b: Annotated[str, Query(max_length=64)] = "",
    issue: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """``a`` and ``b`` name the reviewers whose confusion of decisions is shown."""
    return render(request, "pages/agreement.html", agreement_of(access, session, wiring, a, b, issue))


@router.get("/checks")
def show_checks(request: Request, access: LeadReadAccess, session: ReadingDep) -> Response:
    share = policies_of(access.project).check_share
    return render(request, "pages/checks.html", ChecksPage(check_samples.list_checks(session, access), share, None, ""))


@router.post("/checks")
def add_checks(
    request: Request,
    access: LeadAccess,
    session: WritingDep,
    source: Annotated[str, Form(max_length=20)] = "list",
    text: Annotated[str, Form(max_length=900_000)] = "",
) -> Response:
    try:
        if source == "adjudicated":
            check_samples.add_adjudicated(session, access)
        else:
            check_samples.add_listed(session, access, text)
    except InvalidInput as error:
        share = policies_of(access.project).check_share
        page = ChecksPage(check_samples.list_checks(session, access), share, error.message, text)
        return render(request, "pages/checks.html", page, 400)
    return RedirectResponse(f"/p/{access.project.slug}/checks", 303)


@router.post("/checks/{sample_id}/remove")
def remove_check(sample_id: int, access: LeadAccess, session: WritingDep) -> Response:
    check_samples.remove(session, access, sample_id)
    return RedirectResponse(f"/p/{access.project.slug}/checks", 303)


@router.get("/mentions")
def show_mentions(request: Request, access: ReviewReadAccess, session: ReadingDep) -> Response:
    mentions = comments.list_mentions(session, access)
    return render(request, "pages/mentions.html", MentionsPage(mentions, sum(m.is_unread for m in mentions)))


@router.post("/mentions/read")
def read_mentions(access: ReviewAccess, session: WritingDep) -> Response:
    comments.mark_read(session, access)
    return RedirectResponse(f"/p/{access.project.slug}/mentions", 303)
