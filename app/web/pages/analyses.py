"""Analyses: what Winnow's own detectors found, and the form that starts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.detectors import NEEDS_EMBEDDINGS, Detector
from app.domain.errors import InvalidInput
from app.services import analyses
from app.services.analyses import HOW_TO_EMBED, AnalysisParams, AnalysisView
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, WiringDep, WritingDep
from app.web.render import render

router = APIRouter(prefix="/p/{slug}/analyses")


@dataclass(frozen=True)
class Choice:
    """A detector in the form; ``missing`` says why it can't be had here."""

    name: str
    label: str
    missing: str


@dataclass(frozen=True)
class AnalysesPage:
    analyses: list[AnalysisView]
    detectors: list[Choice]
    error: str | None


def _page(access: LeadReadAccess, session: ReadingDep, wiring: WiringDep, error: str | None = None) -> AnalysesPage:
    has_weights = wiring.settings.weights is not None
    choices = [
        Choice(one.value, one.label, HOW_TO_EMBED if one in NEEDS_EMBEDDINGS and not has_weights else "")
        for one in Detector
    ]
    found = analyses.list_analyses(session, access, wiring.settings.folder("results"))
    return AnalysesPage(found, choices, error)


@router.get("")
def show_analyses(request: Request, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    return render(request, "pages/analyses.html", _page(access, session, wiring))


@router.post("")
def start_analysis(
    request: Request,
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    detectors: Annotated[list[str] | None, Form()] = None,
    preview: Annotated[bool, Form()] = False,
) -> Response:
    params = AnalysisParams(tuple(detectors or ()), preview)
    try:
        analyses.start_analysis(
            session, wiring.doorbell, access, params, shard_size=wiring.settings.shard_size,
            has_weights=wiring.settings.weights is not None,
        )  # fmt: skip
    except InvalidInput as error:
        return render(request, "pages/analyses.html", _page(access, session, wiring, error.message), 400)
    return RedirectResponse(f"/p/{access.project.slug}/analyses", 303)
