"""Imports: send an export, see what came of it, download what was refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.domain.accounts import Role
from app.domain.errors import InvalidFile
from app.services import import_presets, view_imports
from app.services.import_flags import start_import
from app.services.projects import access_project
from app.services.view_imports import ImportView
from app.web.dependencies import (
    ActorDep,
    LeadAccess,
    LeadReadAccess,
    ReadingDep,
    SlugPath,
    WiringDep,
    WritingDep,
    get_wiring,
)
from app.web.downloads import download_table

router = APIRouter(prefix="/projects/{slug}/imports", tags=["imports"])


@dataclass(frozen=True)
class ImportList:
    items: list[ImportView]


def check_lead(actor: ActorDep, slug: SlugPath, wiring: WiringDep) -> None:
    """Ask who sends before the body is read, in a session of its own: uploads are slow, and sessions hold locks."""
    with wiring.database.reading() as session:
        access_project(session, actor, slug, Role.LEAD)


async def read_body(request: Request, _: Annotated[None, Depends(check_lead)]) -> bytes:
    """The raw body, up to the server's limit; read before the route runs in its thread."""
    limit = (await get_wiring(request)).settings.max_upload
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise InvalidFile(f"The file is larger than {limit:,} bytes. Split it, or raise WINNOW_MAX_UPLOAD.")
        parts.append(chunk)
    return b"".join(parts)


@router.get("")
def list_imports(access: LeadReadAccess, session: ReadingDep) -> ImportList:
    return ImportList(view_imports.list_imports(session, access))


@router.post("", status_code=202)
def send_import(
    data: Annotated[bytes, Depends(read_body)],
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    file_name: Annotated[str, Query(max_length=300)] = "export.csv",
    source: Annotated[str, Query(max_length=100)] = "",
    confidence_in_percent: bool = False,
    format: Annotated[str, Query(max_length=40)] = "",
    ignore_case: bool = False,
    preset: Annotated[str, Query(max_length=100)] = "",
    preview: bool = False,
) -> ImportView:
    """Send an export as the raw body; it is checked and applied in the background.

    What it is, is recognised from its content; ``format`` reads it as that one, ``preset`` by a mapping of columns that
    the project keeps. ``ignore_case`` lets paths match that differ in upper and lower case alone. With ``preview`` it
    is only checked: see what it would do, then apply or discard it. A table that is no known export is kept then, too,
    and waits for a mapping.
    """
    mapping = import_presets.load_preset(session, access, preset) if preset else None
    row = start_import(
        session, wiring.doorbell, access, folder=wiring.settings.folder("uploads"), file_name=file_name, data=data,
        source=source, confidence_in_percent=confidence_in_percent, format=format, ignore_case=ignore_case,
        mapping=mapping, preview=preview,
    )  # fmt: skip
    return view_imports.view_import(session, access, row)


@router.get("/{import_id}")
def get_import(import_id: int, access: LeadReadAccess, session: ReadingDep) -> ImportView:
    return view_imports.get_import(session, access, import_id)


@router.get("/{import_id}/rejects.csv")
def get_rejects(import_id: int, access: LeadReadAccess, session: ReadingDep) -> Response:
    """Every row that was not taken, with its line and the reason."""
    rejects = view_imports.list_rejects(session, access, import_id, None)
    rows = [(reject.line, reject.code, reject.reason, reject.raw) for reject in rejects]
    return download_table(f"import_{import_id}_rejected_rows.csv", ("line", "code", "reason", "row"), rows)
