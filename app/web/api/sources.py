"""Where a project's images lie: its sources, and names to read for its classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path

from app.services import projects, sources
from app.services.projects import ClassView
from app.services.sources import MoveView, SourceView
from app.web.api.schemas import MoveBody, SourceBody, TitlesBody
from app.web.dependencies import (
    AdminActor,
    LeadAccess,
    ReadingDep,
    ViewAccess,
    ViewWriteAccess,
    WiringDep,
    WritingDep,
)

router = APIRouter(prefix="/projects/{slug}", tags=["sources"])

SourceId = Annotated[int, Path(ge=1, le=2**62)]


@dataclass(frozen=True)
class SourceList:
    items: list[SourceView]


@dataclass(frozen=True)
class ClassList:
    items: list[ClassView]


@dataclass(frozen=True)
class TitlesSet:
    changed: int


@router.get("/sources")
def list_sources(access: ViewAccess, session: ReadingDep) -> SourceList:
    return SourceList(sources.view_sources(session, access))


@router.post("/sources", status_code=201)
def add_source(
    body: SourceBody, _admin: AdminActor, access: ViewWriteAccess, session: WritingDep, wiring: WiringDep
) -> SourceView:
    """Add a folder, table or set of shards below one of the server's dataset roots, and start to read it."""
    return sources.add_source(
        session, wiring.doorbell, access, root=body.root, roots=wiring.settings.roots, kind=body.kind,
        options=body.options,
    )  # fmt: skip


@router.post("/sources/{source_id}/move")
def move_source(
    body: MoveBody,
    source_id: SourceId,
    _admin: AdminActor,
    access: ViewWriteAccess,
    session: WritingDep,
    wiring: WiringDep,
) -> MoveView:
    """Say where a source lies now. With ``dry_run`` only tell what would be found there."""
    roots = wiring.settings.roots
    if body.dry_run:
        return sources.look_at_move(session, access, source_id, body.root, roots)
    return sources.move_source(
        session, wiring.doorbell, access, source_id, root=body.root, roots=roots, accept_missing=body.accept_missing
    )  # fmt: skip


@router.get("/classes")
def list_classes(access: ViewAccess, session: ReadingDep) -> ClassList:
    """The classes in the dataset's own coding, with their names to read."""
    return ClassList(projects.list_classes(session, access))


@router.post("/classes/titles")
def set_titles(body: TitlesBody, access: LeadAccess, session: WritingDep) -> TitlesSet:
    """Give classes names to read, by class; an empty one takes it away. Labels stay what they are."""
    return TitlesSet(projects.set_titles(session, access, body.titles))
