"""Versions: freezing one, its page, what changed since another, putting it away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.deliverables.changes import Change
from app.services import freeze_version, start_export, view_versions
from app.services.picture_urls import thumb_url
from app.services.view_versions import Comparison, VersionDetail
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, ViewAccess, WiringDep, WritingDep
from app.web.pages.finish import policy_words
from app.web.render import render

router = APIRouter(prefix="/p/{slug}/versions")

PAGE = 60
"""Changed samples shown at a time."""


@dataclass(frozen=True)
class VersionPage:
    detail: VersionDetail
    policies: dict[str, str]
    others: list[int]
    can_change: bool


@dataclass(frozen=True)
class ChangesPage:
    comparison: Comparison
    kinds: list[tuple[str, str, int]]
    chosen: str
    thumbs: dict[str, str]
    versions: list[int]
    offset: int
    csv_url: str


@router.post("")
def freeze(
    access: LeadReadAccess,
    session: ReadingDep,
    wiring: WiringDep,
    note: Annotated[str, Form(max_length=2000)] = "",
    accept: Annotated[list[str] | None, Form()] = None,
) -> Response:
    actor, slug = access.actor, access.project.slug
    session.rollback()  # what was read must not keep others from writing meanwhile
    version = freeze_version.freeze_version(
        wiring.database, wiring.doorbell, actor, slug, note=note, accept=accept or []
    )
    return RedirectResponse(f"/p/{slug}/versions/{version.number}", 303)


@router.get("/{number}")
def show_version(number: int, request: Request, access: ViewAccess, session: ReadingDep) -> Response:
    detail = view_versions.view_detail(session, access, number)
    others = [v.number for v in view_versions.list_versions(session, access) if v.number != number]
    page = VersionPage(detail, policy_words(detail.policies), others, access.is_lead)
    return render(request, "pages/version.html", page)


@router.get("/{number}/changes")
def show_changes(
    number: int,
    request: Request,
    access: ViewAccess,
    session: ReadingDep,
    since: Annotated[int, Query(ge=1, le=2**62)],
    change: Annotated[str, Query(max_length=30)] = "",
    offset: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> Response:
    chosen = Change(change) if change in list(Change) else None
    found = view_versions.compare_versions(session, access, since, number, change=chosen, offset=offset, limit=PAGE)
    page = ChangesPage(
        found,
        [(kind.value, kind.text, count) for kind, count in found.counts.items()],
        chosen.value if chosen else "",
        {key: thumb_url(sample_id) for key, sample_id in found.sample_ids.items()},
        [v.number for v in view_versions.list_versions(session, access)],
        offset,
        f"/api/v1/projects/{access.project.slug}/versions/{number}/changes.csv?since={since}",
    )
    return render(request, "pages/version_changes.html", page)


@router.post("/{number}/archive")
def archive(number: int, access: LeadAccess, session: WritingDep, archived: Annotated[bool, Form()] = True) -> Response:
    view_versions.archive_version(session, access, number, archived=archived)
    return RedirectResponse(f"/p/{access.project.slug}/versions/{number}", 303)


@router.post("/{number}/files")
def write_files(number: int, access: LeadAccess, session: WritingDep, wiring: WiringDep) -> Response:
    start_export.write_again(session, wiring.doorbell, access, number)
    return RedirectResponse(f"/p/{access.project.slug}/versions/{number}", 303)
