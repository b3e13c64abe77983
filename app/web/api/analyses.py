"""Analyses: let Winnow's own detectors look over the images, see how far they are and what they found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.services import analyses, view_map
from app.services import set_thresholds as thresholds
from app.services.analyses import AnalysisParams, AnalysisView
from app.services.take_numbers import KeptNumbers, NumberKind, keep_numbers
from app.services.view_map import MapData, PickView
from app.web.api.imports import read_body
from app.web.api.schemas import AnalysisBody, PickBody, ThresholdsBody
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, WiringDep, WritingDep
from app.web.downloads import download_table

router = APIRouter(prefix="/projects/{slug}/analyses", tags=["analyses"])


@dataclass(frozen=True)
class AnalysisList:
    items: list[AnalysisView]


@dataclass(frozen=True)
class AnalysisStarted:
    """``is_new`` is false when an analysis with the same parameters is under way: ``id`` then names that one."""

    id: int
    job_id: int
    is_new: bool


@router.get("")
def list_analyses(access: LeadReadAccess, session: ReadingDep, wiring: WiringDep) -> AnalysisList:
    return AnalysisList(analyses.list_analyses(session, access, wiring.settings.folder("results")))


@router.post("", status_code=202)
def start_analysis(body: AnalysisBody, access: LeadAccess, session: WritingDep, wiring: WiringDep) -> AnalysisStarted:
    """Start an analysis. Its flags become an import of the source Winnow; with ``preview`` they wait to be applied.

    Cancel it by its job: ``POST /api/v1/jobs/{job_id}/cancel``.
    """
    params = AnalysisParams(
        tuple(body.detectors), body.preview, body.device, body.batch_size, body.features, body.epochs, body.seed,
        body.vectors, body.probabilities,
    )  # fmt: skip
    job, is_new = analyses.start_analysis(
        session, wiring.doorbell, access, params, shard_size=wiring.settings.shard_size,
        has_weights=wiring.settings.weights is not None, uploads=wiring.settings.folder("uploads"),
    )  # fmt: skip
    return AnalysisStarted(job.id, job.id, is_new)


@router.post("/files", status_code=201)
def send_numbers(
    access: LeadAccess, session: WritingDep, wiring: WiringDep, body: Annotated[bytes, Depends(read_body)],
    kind: NumberKind, file_name: Annotated[str, Query(max_length=300)] = "",
) -> KeptNumbers:  # fmt: skip
    """Send vectors or probabilities by image, as the raw body: NPY, NPZ, CSV or Parquet.

    ``file`` of the answer is what ``vectors`` or ``probabilities`` name when an analysis is started.
    """
    return keep_numbers(
        session, access, wiring.settings.folder("uploads"), kind=kind, file_name=file_name, data=body
    )  # fmt: skip


@router.post("/{analysis_id}/thresholds", status_code=202)
def set_thresholds(
    analysis_id: int, body: ThresholdsBody, access: LeadAccess, session: WritingDep, wiring: WiringDep
) -> AnalysisStarted:
    """Flag by other thresholds what an analysis measured; no image is read again. Flags that they do not bear out go,
    except on images that somebody answered on."""
    job, is_new = thresholds.set_thresholds(
        session, wiring.doorbell, access, analysis_id, body.thresholds, wiring.settings.folder("results")
    )
    return AnalysisStarted(job.id, job.id, is_new)


@router.get("/{analysis_id}")
def get_analysis(analysis_id: int, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep) -> AnalysisView:
    return analyses.get_analysis(session, access, analysis_id, wiring.settings.folder("results"))


@router.get("/{analysis_id}/map")
def get_map(analysis_id: int, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep) -> MapData:
    """Where the images lie by what the analysis compared them by: what is alike lies close together."""
    return view_map.get_map(session, access, analysis_id, wiring.settings.folder("results"))


@router.post("/picks", status_code=201)
def pick_samples(body: PickBody, access: LeadAccess, session: WritingDep) -> PickView:
    """Keep a selection of samples; ``?pick=`` its number narrows queue, grid and list to those of them that are
    flagged."""
    return view_map.pick_samples(session, access, body.sample_ids)


@router.get("/{analysis_id}/problems.csv")
def get_problems(analysis_id: int, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    """Images that could not be read, each with the reason."""
    rows = analyses.list_problems(session, access, analysis_id, wiring.settings.folder("results"))
    return download_table(f"{access.project.slug}_analysis_unreadable.csv", ("image", "problem", "message"), rows)
