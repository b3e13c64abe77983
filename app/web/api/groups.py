"""Groups of duplicates and of leaks, and one answer for a whole one."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.services import decide_group as deciding
from app.services import decide_leak_group as leaks
from app.services.decide_group import GroupAnswer
from app.services.decide_leak_group import LeakGroupAnswer, LeakGroupResult
from app.services.submit_many import BatchResult
from app.services.view_groups import GroupPage, list_groups
from app.services.view_leak_groups import list_leak_groups
from app.web.api.group_schemas import GroupBody, LeakGroupBackBody, LeakGroupBody
from app.web.dependencies import ActorDep, ReviewAccess, SlugPath, WiringDep, WritingDep

router = APIRouter(prefix="/projects/{slug}/groups", tags=["groups"])

GroupName = Annotated[str, Query(max_length=200)]


@router.get("")
def find_groups(
    slug: SlugPath,
    actor: ActorDep,
    wiring: WiringDep,
    cursor: GroupName = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
    show: Annotated[str, Query(pattern="^(open|all)$")] = "open",
    differing: bool = False,
    count: bool = False,
    name: Annotated[list[GroupName] | None, Query(max_length=50)] = None,
    kind: Literal["duplicate", "leak"] = "duplicate",
) -> GroupPage:
    """Groups of duplicates or of leaks with a proposed keeper, a page at a time, or those of these names."""
    find = list_leak_groups if kind == "leak" else list_groups
    return find(
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


@router.post("/leaks/decisions")
def decide_leaks(body: LeakGroupBody, access: ReviewAccess, session: WritingDep) -> LeakGroupResult:
    """Confirm or reject the pairs of a group of leaks, kept as one step. Safe to repeat with the same
    ``client_event_id``."""
    answer = LeakGroupAnswer(
        body.keeper, body.going, body.staying, body.apart, {seen.id: seen.version for seen in body.pairs},
        {seen.id: seen.version for seen in body.samples}, body.tag, body.keeper_label, body.note,
    )  # fmt: skip
    return leaks.decide_leak_group(session, access, answer, batch_id=body.client_event_id)


@router.post("/leaks/undo")
def take_back_leaks(body: LeakGroupBackBody, access: ReviewAccess, session: WritingDep) -> LeakGroupResult:
    """Take one answer to a group of leaks back, unless somebody judged a pair of it since."""
    return leaks.take_back_leak_group(session, access, body.pairs, of=body.of, client_event_id=body.client_event_id)
