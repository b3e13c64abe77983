"""Edited manifests: send one, see row by row what it would change, then apply or discard it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.domain.manifest_differences import Kind
from app.services import manifest_imports
from app.services.compare_manifest import COLUMNS, Comparison, as_table
from app.services.manifest_imports import Applied, ManifestView
from app.web.api.imports import read_body
from app.web.api.schemas import ApplyManifestBody
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, WiringDep, WritingDep
from app.web.downloads import download_table

router = APIRouter(prefix="/projects/{slug}/manifests", tags=["manifests"])


@dataclass(frozen=True)
class ManifestList:
    items: list[ManifestView]


@dataclass(frozen=True)
class DifferenceView:
    line: int
    image: str
    what: str
    in_project: str
    in_file: str
    why: str


@dataclass(frozen=True)
class Compared:
    """``digest`` goes back with the request to apply. ``differences`` are those of a kind, in the file's order."""

    manifest: ManifestView
    digest: str
    counts: dict[str, int]
    differences: list[DifferenceView]


@router.get("")
def list_manifests(access: LeadReadAccess, session: ReadingDep) -> ManifestList:
    return ManifestList(manifest_imports.list_manifests(session, access))


@router.post("", status_code=201)
def send_manifest(
    data: Annotated[bytes, Depends(read_body)],
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    file_name: Annotated[str, Query(max_length=300)] = "manifest.csv",
    reviewer: Annotated[str, Query(max_length=100)] = "",
) -> ManifestView:
    """Send an edited manifest as the raw body, to be looked at; ``reviewer`` is whose answers its rows are."""
    row = manifest_imports.keep_manifest(
        session, access, folder=wiring.settings.folder("uploads"), file_name=file_name, data=data,
        reviewer=reviewer or None,
    )  # fmt: skip
    return manifest_imports.view_manifest(session, access, row)


@router.get("/{manifest_id}")
def get_manifest(
    manifest_id: int,
    access: LeadReadAccess,
    session: ReadingDep,
    wiring: WiringDep,
    what: Kind | None = None,
    limit: Annotated[int, Query(ge=0, le=10_000)] = 1_000,
) -> Compared:
    """What its rows would change, as the project stands; ``what`` narrows them to one kind."""
    manifest = manifest_imports.get_manifest(session, access, manifest_id)
    found = _compare(access, session, wiring, manifest_id)
    shown = [d for d in found.differences if what in (None, d.kind)][:limit]
    rows = [DifferenceView(d.line, d.image, d.kind.value, d.before, d.after, d.reason) for d in shown]
    return Compared(manifest, found.digest, found.counts, rows)


def _compare(access: LeadReadAccess, session: ReadingDep, wiring: WiringDep, manifest_id: int) -> Comparison:
    return manifest_imports.compare_kept(session, access, manifest_id, wiring.settings.folder("uploads"))


@router.get("/{manifest_id}/differences.csv")
def get_differences(manifest_id: int, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    """Every row with what becomes of it and why."""
    found = _compare(access, session, wiring, manifest_id)
    return download_table(f"manifest_{manifest_id}_differences.csv", COLUMNS, as_table(found.differences))


@router.post("/{manifest_id}/apply")
def apply(
    manifest_id: int, body: ApplyManifestBody, access: LeadAccess, session: WritingDep, wiring: WiringDep
) -> Applied:
    """Keep the answers that were shown; refused rows are left out. Where the project changed since, nothing is."""
    return manifest_imports.apply_kept(
        session, access, manifest_id, wiring.settings.folder("uploads"), digest=body.digest,
        over_later=body.over_later,
    )  # fmt: skip


@router.post("/{manifest_id}/discard")
def discard(manifest_id: int, access: LeadAccess, session: WritingDep) -> ManifestView:
    return manifest_imports.discard_kept(session, access, manifest_id)
