"""Analyses: what Winnow's own detectors found, and the form that starts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from app.domain.detectors import DEFAULT_EPOCHS, Detector, Features
from app.domain.errors import InvalidInput
from app.services import analyses
from app.services import set_thresholds as thresholds
from app.services.analyses import HOW_TO_EMBED, AnalysisParams, AnalysisView
from app.services.take_numbers import NumberKind, keep_numbers
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, WiringDep, WritingDep
from app.web.render import render

router = APIRouter(prefix="/p/{slug}/analyses")


@dataclass(frozen=True)
class AnalysesPage:
    analyses: list[AnalysisView]
    detectors: list[Detector]
    features: Sequence[Features]
    has_weights: bool
    how_to_embed: str
    epochs: int
    error: str | None


@dataclass(frozen=True)
class MapPage:
    analysis: AnalysisView


def _page(access: LeadReadAccess, session: ReadingDep, wiring: WiringDep, error: str | None = None) -> AnalysesPage:
    found = analyses.list_analyses(session, access, wiring.settings.folder("results"))
    features = [one for one in Features if one is not Features.FILE]
    return AnalysesPage(
        found, list(Detector), features, wiring.settings.weights is not None, HOW_TO_EMBED, DEFAULT_EPOCHS, error
    )


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
    features: Annotated[str, Form(max_length=20)] = Features.AUTO.value,
    epochs: Annotated[int, Form()] = DEFAULT_EPOCHS,
    vectors: Annotated[UploadFile | None, File()] = None,
    probabilities: Annotated[UploadFile | None, File()] = None,
) -> Response:
    uploads = wiring.settings.folder("uploads")
    try:
        kept = {
            kind: keep_numbers(session, access, uploads, kind=kind, file_name=file.filename, data=file.file.read()).file
            for kind, file in ((NumberKind.VECTORS, vectors), (NumberKind.PROBABILITIES, probabilities))
            if file is not None and file.filename
        }
        params = AnalysisParams(
            tuple(detectors or ()), preview, features=features, epochs=epochs,
            vectors=kept.get(NumberKind.VECTORS, ""), probabilities=kept.get(NumberKind.PROBABILITIES, ""),
        )  # fmt: skip
        analyses.start_analysis(
            session, wiring.doorbell, access, params, shard_size=wiring.settings.shard_size,
            has_weights=wiring.settings.weights is not None, uploads=uploads,
        )  # fmt: skip
    except InvalidInput as error:
        return render(request, "pages/analyses.html", _page(access, session, wiring, error.message), 400)
    return RedirectResponse(f"/p/{access.project.slug}/analyses", 303)


@router.get("/{analysis_id}/map")
def show_map(
    request: Request, analysis_id: int, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep
) -> Response:
    found = analyses.get_analysis(session, access, analysis_id, wiring.settings.folder("results"))
    return render(request, "pages/analysis_map.html", MapPage(found))


@router.post("/{analysis_id}/thresholds")
def set_threshold(
    request: Request, analysis_id: int, access: LeadAccess, session: WritingDep, wiring: WiringDep,
    issue: Annotated[str, Form(max_length=40)], step: Annotated[int, Form()],
) -> Response:  # fmt: skip
    results = wiring.settings.folder("results")
    try:
        value = thresholds.value_at(session, access, analysis_id, issue, step, results)
        thresholds.set_thresholds(session, wiring.doorbell, access, analysis_id, {issue: value}, results)
    except InvalidInput as error:
        return render(request, "pages/analyses.html", _page(access, session, wiring, error.message), 400)
    return RedirectResponse(f"/p/{access.project.slug}/analyses", 303)
