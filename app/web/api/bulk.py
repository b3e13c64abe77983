"""Bulk decisions: draw a sample of a stratum, see what it proves, apply the answer to the others, take it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature

from fastapi import APIRouter

from app.domain.errors import InvalidInput
from app.services import decide_bulk, draw_bulk, rank_strata, view_bulk
from app.services.draw_bulk import BulkProposal
from app.services.rank_strata import StratumView
from app.services.review_queue import SampleFilter
from app.services.view_bulk import BulkDetail, BulkView
from app.web.api.samples import sample_filter
from app.web.api.schemas import ApplyBody, BulkBody, RevokeBody
from app.web.dependencies import LeadAccess, ReadingDep, ReviewReadAccess, WiringDep, WritingDep

router = APIRouter(prefix="/projects/{slug}/bulk", tags=["bulk decisions"])


@dataclass(frozen=True)
class BulkList:
    items: list[BulkView]


@dataclass(frozen=True)
class StratumList:
    items: list[StratumView]


@router.get("")
def list_bulk(access: ReviewReadAccess, session: ReadingDep) -> BulkList:
    return BulkList(view_bulk.list_bulk(session, access))


@router.get("/strata")
def list_strata(access: ReviewReadAccess, session: ReadingDep) -> StratumList:
    """Flags by issue type, source and confidence; those of which one more look settles the most come first."""
    return StratumList(rank_strata.rank_strata(session, access))


@router.post("", status_code=201)
def draw(body: BulkBody, access: ReviewReadAccess, session: ReadingDep, wiring: WiringDep) -> BulkDetail:
    """Draw a random sample of what the filters take in. Safe to repeat with the same ``client_event_id``."""
    proposal = BulkProposal(read_filters(body.filters), body.decision, body.tags, body.width, body.over_bulk)
    actor, slug = access.actor, access.project.slug
    session.rollback()  # what was read must not keep others from writing meanwhile
    bulk_id = draw_bulk.draw_bulk(
        wiring.database, actor, slug, proposal, client_event_id=body.client_event_id, seed=body.seed
    )
    return view_bulk.get_bulk(session, access, bulk_id)


def read_filters(given: Mapping[str, str | int | float | None]) -> SampleFilter:
    """Filters of a body, by the rules of those in an address."""
    known = list(signature(sample_filter).parameters)
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InvalidInput(f"There is no filter {unknown[0]!r}. The filters are: {', '.join(known)}.")
    return sample_filter(**{name: None if value is None else str(value) for name, value in given.items()})


@router.get("/{bulk_id}")
def get_bulk(bulk_id: int, access: ReviewReadAccess, session: ReadingDep, count: bool = True) -> BulkDetail:
    """A bulk decision with its drawn samples. ``count=false`` leaves out ``remaining``, which is quicker."""
    return view_bulk.get_bulk(session, access, bulk_id, count=count)


@router.post("/{bulk_id}/apply", status_code=202)
def apply(bulk_id: int, body: ApplyBody, access: LeadAccess, session: WritingDep, wiring: WiringDep) -> BulkDetail:
    """Give the answer to the others of the stratum; a job does it. One that stopped goes on."""
    event = body.client_event_id
    decide_bulk.apply_bulk(session, wiring.doorbell, access, bulk_id, client_event_id=event, seen=body.seen)
    return view_bulk.get_bulk(session, access, bulk_id, count=False)


@router.post("/{bulk_id}/revoke", status_code=202)
def revoke(bulk_id: int, body: RevokeBody, access: LeadAccess, session: WritingDep, wiring: WiringDep) -> BulkDetail:
    """Take a bulk decision back whole; a job lets its samples go."""
    event = body.client_event_id
    decide_bulk.revoke_bulk(session, wiring.doorbell, access, bulk_id, client_event_id=event, reason=body.reason)
    return view_bulk.get_bulk(session, access, bulk_id, count=False)
