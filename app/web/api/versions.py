"""Versions and their deliverables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse, StreamingResponse

from app.deliverables.changes import Change, write_changes
from app.services import freeze_version, start_export, version_files, view_versions
from app.services.view_versions import VersionView
from app.web.api.schemas import ArchiveBody, VersionBody
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, ViewAccess, WiringDep, WritingDep
from app.web.downloads import download_spooled

router = APIRouter(prefix="/projects/{slug}/versions", tags=["versions"])

Since = Annotated[int, Query(ge=1, le=2**62)]


@dataclass(frozen=True)
class VersionList:
    items: list[VersionView]


@dataclass(frozen=True)
class ChangeView:
    sample_id: int
    key: str
    split: str
    given_label: str
    change: str
    before: str
    after: str
    by: list[str]
    rule: str
    explanation: str


@dataclass(frozen=True)
class ChangeList:
    """``counts`` is over all changes; ``next_cursor`` asks for the next page."""

    earlier: int
    later: int
    counts: dict[str, int]
    by_person: dict[str, int]
    policies: list[tuple[str, str, str]]
    items: list[ChangeView]
    total: int
    next_cursor: int | None


@router.get("")
def list_versions(
    access: ViewAccess, session: ReadingDep, archived: Literal["all", "yes", "no"] = "all"
) -> VersionList:
    versions = view_versions.list_versions(session, access)
    wanted = [v for v in versions if archived == "all" or (v.archived_at is not None) == (archived == "yes")]
    return VersionList(wanted)


@router.post("", status_code=202)
def freeze(body: VersionBody, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep) -> VersionView:
    """Freeze the outcome as it stands; its files are written in the background."""
    actor, slug = access.actor, access.project.slug
    session.rollback()  # what was read must not keep others from writing meanwhile
    version = freeze_version.freeze_version(
        wiring.database, wiring.doorbell, actor, slug, note=body.note, accept=body.accept
    )
    return view_versions.get_version(session, access, version.number)


@router.get("/{number}")
def get_version(number: int, access: ViewAccess, session: ReadingDep) -> VersionView:
    return view_versions.get_version(session, access, number)


@router.post("/{number}/archive")
def archive(number: int, body: ArchiveBody, access: LeadAccess, session: WritingDep) -> VersionView:
    """Put a version away, or bring it back; its files can be fetched as before."""
    return view_versions.archive_version(session, access, number, archived=body.archived)


@router.post("/{number}/files", status_code=202)
def write_files(number: int, access: LeadAccess, session: WritingDep, wiring: WiringDep) -> VersionView:
    """Write the files again from the database; ``job`` in the answer tells how far that is."""
    start_export.write_again(session, wiring.doorbell, access, number)
    return view_versions.get_version(session, access, number)


@router.get("/{number}/changes")
def list_changes(
    number: int,
    since: Since,
    access: ViewAccess,
    session: ReadingDep,
    change: Change | None = None,
    cursor: Annotated[int, Query(ge=0, le=2**62)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> ChangeList:
    """What this version does otherwise than version ``since``."""
    found = view_versions.compare_versions(session, access, since, number, change=change, offset=cursor, limit=limit)
    items = [
        ChangeView(
            found.sample_ids[c.key], c.key, c.split, c.given_label, c.change.value, c.before, c.after, list(c.by),
            c.rule, c.explanation,
        )
        for c in found.changes
    ]  # fmt: skip
    counts = {kind.value: count for kind, count in found.counts.items()}
    return ChangeList(
        found.earlier, found.later, counts, found.by_person, found.policies, items, found.total, found.next_offset
    )


@router.get("/{number}/changes.csv")
def get_changes(number: int, since: Since, access: ViewAccess, session: ReadingDep) -> Response:
    found = view_versions.compare_versions(session, access, since, number, limit=None)
    name = f"{access.project.slug}_v{since}_to_v{number}_changes.csv"
    return download_spooled(name, lambda stream: write_changes(stream, found.changes), "text/csv")


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
