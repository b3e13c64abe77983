"""Duplicate groups, and one answer for a whole one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.services import decide_group as deciding
from app.services import view_groups
from app.services.decide_group import GroupAnswer
from app.services.submit_many import BatchResult
from app.services.view_groups import GroupPage
from app.web.api.schemas import GroupBody
from app.web.dependencies import ActorDep, ReviewAccess, SlugPath, WiringDep, WritingDep

router = APIRouter(prefix="/projects/{slug}/groups", tags=["groups"])

GroupName = Annotated[str, Query(max_length=200)]


@router.get("")
def list_groups(
    slug: SlugPath,
    actor: ActorDep,
    wiring: WiringDep,
    cursor: GroupName = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
    show: Annotated[str, Query(pattern="^(open|all)$")] = "open",
    differing: bool = False,
    count: bool = False,
    name: Annotated[list[GroupName] | None, Query(max_length=50)] = None,
) -> GroupPage:
    """Groups of duplicates with a proposed keeper, a page at a time, or those of these names."""
    return view_groups.list_groups(
        wiring.database, wiring.pictures, actor, slug, after=cursor, limit=limit, open_only=show == "open",
        differing_only=differing, count=count, names=name or (),
    )  # fmt: skip


@router.post("/decisions")
def decide(body: GroupBody, access: ReviewAccess, session: WritingDep) -> BatchResult:
    """One image stays, the others go or stay: kept as one step. Safe to repeat with the same ``client_event_id``."""
    answer = GroupAnswer(
        body.keeper, body.going, body.staying, {seen.id: seen.version for seen in body.samples}, body.tag,
        body.keeper_label, body.note,
    )  # fmt: skip
    return deciding.decide_group(session, access, body.group, answer, batch_id=body.client_event_id)
