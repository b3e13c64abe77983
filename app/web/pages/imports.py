"""Imports: the list with its upload form, and one import in detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from app.db.session import Session
from app.domain.errors import InvalidInput
from app.services import import_presets, preview_import, projects, view_imports
from app.services.import_flags import start_import
from app.services.import_presets import PresetView
from app.services.projects import Access
from app.services.summarise_import import ImportPreview
from app.services.view_imports import FormatView, ImportView, RejectView, UnknownLabel
from app.services.view_listing import ListingView, view_listing
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, WiringDep, WritingDep
from app.web.render import render

router = APIRouter(prefix="/p/{slug}")

SHOWN_REJECTS = 200


@dataclass(frozen=True)
class ImportsPage:
    imports: list[ImportView]
    error: str | None
    listing: ListingView
    formats: list[FormatView]
    presets: list[PresetView]


@dataclass(frozen=True)
class ImportDetailPage:
    item: ImportView
    rejects: list[RejectView]
    rejects_total: int
    rejects_url: str
    warnings: list[str]
    unknown_labels: list[UnknownLabel]
    preview: ImportPreview | None
    formats: list[FormatView]


@router.get("/imports")
def show_imports(request: Request, access: LeadReadAccess, session: ReadingDep) -> Response:
    return render(request, "pages/imports.html", _imports_page(session, access))


def _imports_page(session: Session, access: Access, error: str | None = None) -> ImportsPage:
    return ImportsPage(
        view_imports.list_imports(session, access), error, view_listing(session, access), view_imports.list_formats(),
        import_presets.list_presets(session, access),
    )  # fmt: skip


@router.post("/imports")
def send_import(
    request: Request,
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    file: Annotated[UploadFile, File()],
    source: Annotated[str, Form(max_length=100)] = "",
    confidence_in_percent: Annotated[bool, Form()] = False,
    format: Annotated[str, Form(max_length=40)] = "",
    ignore_case: Annotated[bool, Form()] = False,
    preset: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    try:
        row = start_import(
            session, wiring.doorbell, access, folder=wiring.settings.folder("uploads"),
            file_name=file.filename or "export.csv", data=file.file.read(), source=source,
            confidence_in_percent=confidence_in_percent, format=format, ignore_case=ignore_case,
            mapping=import_presets.load_preset(session, access, preset) if preset else None, preview=True,
        )  # fmt: skip
    except InvalidInput as error:
        return render(request, "pages/imports.html", _imports_page(session, access, error.message), 400)
    return RedirectResponse(f"/p/{access.project.slug}/imports/{row.id}", 303)


@router.get("/imports/{import_id}")
def show_import(request: Request, import_id: int, access: LeadReadAccess, session: ReadingDep) -> Response:
    found = view_imports.get_import(session, access, import_id)
    rejects = view_imports.list_rejects(session, access, import_id, SHOWN_REJECTS)
    unknown = view_imports.unknown_labels(session, access)
    preview = preview_import.find_preview(session, access, import_id) if found.has_preview else None
    page = ImportDetailPage(
        found, rejects, found.rows_rejected, found.rejects_url, found.warnings, unknown, preview,
        view_imports.list_formats(),
    )  # fmt: skip
    if found.state == "unmapped":
        return RedirectResponse(f"/p/{access.project.slug}/imports/{import_id}/mapping", 303)
    return render(request, "pages/import_detail.html", page)


@router.post("/classes")
def add_classes(
    request: Request, access: LeadAccess, session: WritingDep, name: Annotated[list[str] | None, Form()] = None
) -> Response:
    projects.add_classes(session, access, name or [])
    return RedirectResponse(f"/p/{access.project.slug}/imports", 303)
