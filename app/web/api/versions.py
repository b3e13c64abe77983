"""Versions and their deliverables."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import FileResponse, StreamingResponse

from app.services import freeze_version, version_files
from app.services.freeze_version import VersionView
from app.web.api.schemas import VersionBody
from app.web.dependencies import LeadReadAccess, ReadingDep, ViewAccess, WiringDep

router = APIRouter(prefix="/projects/{slug}/versions", tags=["versions"])


@dataclass(frozen=True)
class VersionList:
    items: list[VersionView]


@router.get("")
def list_versions(access: ViewAccess, session: ReadingDep) -> VersionList:
    return VersionList(freeze_version.list_versions(session, access))


@router.post("", status_code=202)
def freeze(body: VersionBody, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep) -> VersionView:
    """Freeze the outcome as it stands; its files are written in the background."""
    actor, slug = access.actor, access.project.slug
    session.rollback()  # what was read must not keep others from writing meanwhile
    version = freeze_version.freeze_version(
        wiring.database, wiring.doorbell, actor, slug, note=body.note, accept=body.accept
    )
    return version_files.get_version(session, access, version.number)


@router.get("/{number}")
def get_version(number: int, access: ViewAccess, session: ReadingDep) -> VersionView:
    return version_files.get_version(session, access, number)


@router.get("/{number}/files/{name}")
def get_file(number: int, name: str, access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> FileResponse:
    path = version_files.find_file(session, access, number, name, wiring.settings.folder("versions"))
    return FileResponse(path, filename=name, media_type="application/octet-stream")


@router.get("/{number}/deliverables.zip")
def get_zip(number: int, access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> StreamingResponse:
    """All files of a version and ``MANIFEST.json`` with the digest of each."""
    data = version_files.make_zip(session, access, number, wiring.settings.folder("versions"))
    name = f"{access.project.slug}_v{number}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(data, media_type="application/zip", headers=headers)
