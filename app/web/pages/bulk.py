"""Bulk with proof: strata worth a look, drawing from one, and what the drawn samples prove."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.bulk import DEFAULT_WIDTH, MIN_LOOKS
from app.domain.errors import InvalidInput
from app.domain.taxonomy import STANDARD_TAGS, Decision
from app.services import decide_bulk, draw_bulk, list_samples, rank_strata, view_bulk
from app.services.draw_bulk import BulkProposal, StratumPreview, filters_json
from app.services.list_samples import FilterOptions
from app.services.rank_strata import StratumView
from app.services.view_bulk import BulkView, LookView
from app.web.api.samples import SampleFilterDep, Text
from app.web.dependencies import LeadAccess, ReadingDep, ReviewReadAccess, WiringDep, WritingDep
from app.web.render import render

router = APIRouter(prefix="/p/{slug}/bulk")

EventField = Annotated[str, Form(max_length=64)]


@dataclass(frozen=True)
class StratumRow:
    view: StratumView
    url: str


@dataclass(frozen=True)
class BulkPage:
    strata: list[StratumRow]
    decisions: list[BulkView]
    width: float
    min_looks: int


@dataclass(frozen=True)
class NewBulkPage:
    """``query`` is the address part with the filters, for the form that draws."""

    filters: dict[str, Any]
    query: str
    preview: StratumPreview
    decision: str
    over_bulk: bool
    tags: list[str]
    width: float
    options: FilterOptions
    event_id: str


@dataclass(frozen=True)
class BulkDetailPage:
    bulk: BulkView
    looks: list[LookView]
    api: str
    event_id: str
    min_looks: int


@router.get("")
def show_bulk(request: Request, access: ReviewReadAccess, session: ReadingDep) -> Response:
    base = f"/p/{access.project.slug}/bulk/new"
    rows = [StratumRow(view, f"{base}?{_query(view)}") for view in rank_strata.rank_strata(session, access)]
    page = BulkPage(rows, view_bulk.list_bulk(session, access), DEFAULT_WIDTH, MIN_LOOKS)
    return render(request, "pages/bulk.html", page)


def _query(view: StratumView) -> str:
    return urlencode({**filters_json(view.filters), **({"answer": view.answer} if view.answer else {})})


@router.get("/new")
def show_new(
    request: Request,
    access: ReviewReadAccess,
    session: ReadingDep,
    wanted: SampleFilterDep,
    answer: Text = None,
    over_bulk: bool = False,
) -> Response:
    """A stratum before anything is drawn: how many samples it has, and how many would be looked at."""
    chosen = _decision(answer or Decision.KEEP.value)
    filters = filters_json(wanted)
    page = NewBulkPage(
        filters, urlencode(filters), draw_bulk.preview_stratum(session, access, wanted, chosen, over_bulk=over_bulk),
        chosen.value, over_bulk,
        [tag.name for tag in STANDARD_TAGS if tag.implies in (None, chosen) and not tag.needs_discussion],
        DEFAULT_WIDTH, list_samples.filter_options(session, access),
        str(uuid.uuid4()),
    )  # fmt: skip
    return render(request, "pages/bulk_new.html", page)


def _decision(text: str) -> Decision:
    if text not in list(Decision):
        raise InvalidInput(f"The answer is keep, remove or relabel, not {text!r}.")
    return Decision(text)


@router.post("")
def draw(
    access: ReviewReadAccess,
    session: ReadingDep,
    wiring: WiringDep,
    wanted: SampleFilterDep,
    client_event_id: EventField,
    answer: Annotated[str, Form(max_length=10)],
    tags: Annotated[list[str] | None, Form()] = None,
    width: Annotated[str, Form(max_length=20)] = str(DEFAULT_WIDTH),
    over_bulk: Annotated[bool, Form()] = False,
) -> Response:
    proposal = BulkProposal(wanted, _decision(answer), tags or [], _width(width), over_bulk)
    actor, slug = access.actor, access.project.slug
    session.rollback()  # what was read must not keep others from writing meanwhile
    bulk_id = draw_bulk.draw_bulk(wiring.database, actor, slug, proposal, client_event_id=client_event_id)
    return RedirectResponse(f"/p/{slug}/bulk/{bulk_id}", 303)


def _width(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"The interval's width is a number, not {text!r}.") from None


@router.get("/{bulk_id}")
def show_one(request: Request, bulk_id: int, access: ReviewReadAccess, session: ReadingDep) -> Response:
    found = view_bulk.get_bulk(session, access, bulk_id)
    api = f"/api/v1/projects/{access.project.slug}/bulk/{bulk_id}?count=false"
    page = BulkDetailPage(found.bulk, found.looks, api, str(uuid.uuid4()), MIN_LOOKS)
    return render(request, "pages/bulk_detail.html", page)


@router.post("/{bulk_id}/apply")
def apply(
    bulk_id: int,
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    client_event_id: EventField,
    decided: Annotated[int, Form(ge=0)],
    agreeing: Annotated[int, Form(ge=0)],
) -> Response:
    decide_bulk.apply_bulk(
        session, wiring.doorbell, access, bulk_id, client_event_id=client_event_id, seen=(decided, agreeing)
    )
    return RedirectResponse(f"/p/{access.project.slug}/bulk/{bulk_id}", 303)


@router.post("/{bulk_id}/revoke")
def revoke(
    bulk_id: int,
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    client_event_id: EventField,
    reason: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    decide_bulk.revoke_bulk(session, wiring.doorbell, access, bulk_id, client_event_id=client_event_id, reason=reason)
    return RedirectResponse(f"/p/{access.project.slug}/bulk/{bulk_id}", 303)
