"""Edited manifests: the list with its upload form, and one with what it would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from app.db.session import Session
from app.domain.errors import Conflict, InvalidInput
from app.domain.manifest_differences import Difference, Kind
from app.services import manifest_imports
from app.services.answer_for import list_reviewers
from app.services.manifest_imports import ManifestView
from app.services.projects import Access
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, Wiring, WiringDep, WritingDep
from app.web.render import render

router = APIRouter(prefix="/p/{slug}/manifests")

SHOWN = 200
"""Rows of each kind on the page; the CSV has all."""


@dataclass(frozen=True)
class ManifestsPage:
    manifests: list[ManifestView]
    reviewers: list[str]
    me: str
    error: str | None


@dataclass(frozen=True)
class Part:
    """Rows with which the same happens."""

    kind: str
    count: int
    rows: list[Difference]


@dataclass(frozen=True)
class ManifestPage:
    item: ManifestView
    parts: list[Part]
    counts: dict[str, int]
    digest: str
    answers: int
    error: str | None


@router.get("")
def show_manifests(request: Request, access: LeadReadAccess, session: ReadingDep) -> Response:
    return render(request, "pages/manifests.html", _list_page(session, access))


def _list_page(session: Session, access: Access, error: str | None = None) -> ManifestsPage:
    found = manifest_imports.list_manifests(session, access)
    return ManifestsPage(found, list_reviewers(session, access), access.actor.username, error)


@router.post("")
def send_manifest(
    request: Request,
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    file: Annotated[UploadFile, File()],
    reviewer: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    try:
        row = manifest_imports.keep_manifest(
            session, access, folder=wiring.settings.folder("uploads"), file_name=file.filename or "manifest.csv",
            data=file.file.read(), reviewer=reviewer or None,
        )  # fmt: skip
    except InvalidInput as error:
        return render(request, "pages/manifests.html", _list_page(session, access, error.message), 400)
    return RedirectResponse(f"/p/{access.project.slug}/manifests/{row.id}", 303)


@router.get("/{manifest_id}")
def show_manifest(
    request: Request, manifest_id: int, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep
) -> Response:
    return render(request, "pages/manifest_detail.html", _page(session, access, wiring, manifest_id))


def _page(session: Session, access: Access, wiring: Wiring, manifest_id: int, error: str | None = None) -> ManifestPage:
    item = manifest_imports.get_manifest(session, access, manifest_id)
    found = manifest_imports.compare_kept(session, access, manifest_id, wiring.settings.folder("uploads"))
    parts = [Part(kind.value, found.counts[kind], found.of(kind)[:SHOWN]) for kind in Kind]
    answers = found.counts[Kind.NEW] + found.counts[Kind.CHANGED]
    return ManifestPage(item, parts, found.counts, found.digest, answers, error)


@router.post("/{manifest_id}/apply")
def apply(
    request: Request,
    manifest_id: int,
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    digest: Annotated[str, Form(max_length=100)],
    over_later: Annotated[bool, Form()] = False,
) -> Response:
    folder = wiring.settings.folder("uploads")
    try:
        with session.begin_nested():
            manifest_imports.apply_kept(session, access, manifest_id, folder, digest=digest, over_later=over_later)
    except (Conflict, InvalidInput) as error:
        page = _page(session, access, wiring, manifest_id, error.message)
        return render(request, "pages/manifest_detail.html", page, 409 if isinstance(error, Conflict) else 400)
    return RedirectResponse(f"/p/{access.project.slug}/manifests/{manifest_id}", 303)


@router.post("/{manifest_id}/discard")
def discard(manifest_id: int, access: LeadAccess, session: WritingDep) -> Response:
    manifest_imports.discard_kept(session, access, manifest_id)
    return RedirectResponse(f"/p/{access.project.slug}/manifests", 303)
