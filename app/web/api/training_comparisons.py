"""Comparisons of trainings: did cleaning help? Start one, see how far it is, fetch what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from pydantic import Field

from app.db.session import Session
from app.domain.errors import NotReady
from app.services import view_comparisons
from app.services.comparison_files import checked, find_archive, read_file
from app.services.projects import Access
from app.services.start_comparison import ComparisonParams, folders_of, start_comparison
from app.services.view_comparisons import ComparisonDetail, ComparisonView
from app.web.api.schemas import Body, Word
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, ViewAccess, Wiring, WiringDep, WritingDep

_NOT_YET = "This comparison has no report yet: its runs are not all done. Ask again later."

router = APIRouter(prefix="/projects/{slug}/comparisons", tags=["comparisons of trainings"])


@dataclass(frozen=True)
class ComparisonList:
    items: list[ComparisonView]


@dataclass(frozen=True)
class ComparisonStarted:
    """``is_new`` is false when the same comparison is under way: ``id`` then names that one."""

    id: int
    job_id: int
    is_new: bool


class ComparisonBody(Body):
    """What to compare, as ``winnow compare`` takes it. Numbers out of their limits are refused in words."""

    versions: list[Annotated[int, Field(ge=1, le=2**31)]] = Field(default_factory=list, max_length=20)
    flags: bool = True
    min_confidence: float = 0.0
    controls: bool = True
    seeds: list[int] = Field(default_factory=lambda: [0, 1, 2], max_length=1000)
    train_split: Word = "train"
    test_split: Word = "test"
    model: Word = "resnet18-32"
    image_size: int = 32
    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.05
    weight_decay: float = 5e-4
    augment: bool = True
    threads: int = 1
    device: Word = "auto"
    robustness_images: int = 0
    curve_images: int = 0
    resamples: int = 10_000
    acknowledge_leaks: bool = False
    leave_out_unreadable: bool = False

    def as_params(self) -> ComparisonParams:
        return ComparisonParams(**{**self.model_dump(), "versions": tuple(self.versions), "seeds": tuple(self.seeds)})


@router.get("")
def list_training_comparisons(access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> ComparisonList:
    return ComparisonList(view_comparisons.list_comparisons(session, access, wiring.settings.folder("results")))


@router.post("", status_code=202)
def start_training_comparison(
    body: ComparisonBody, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep
) -> ComparisonStarted:
    """Train on raw data, on the chosen versions, on flags applied unseen and on random controls, each with every seed.

    What can't be compared is refused here. Runs that an earlier comparison of the project did are not done again.
    """
    actor, slug = access.actor, access.project.slug
    session.rollback()  # what was read must not keep others from writing meanwhile
    job, is_new = start_comparison(
        wiring.database, wiring.doorbell, actor, slug, body.as_params(), folders_of(wiring.settings)
    )  # fmt: skip
    return ComparisonStarted(job.id, job.id, is_new)


@router.get("/{comparison_id}")
def get_training_comparison(
    comparison_id: int, access: ViewAccess, session: ReadingDep, wiring: WiringDep
) -> ComparisonDetail:
    """How far each run is, with its curve so far."""
    results = wiring.settings.folder("results")
    return view_comparisons.get_comparison(session, access, comparison_id, folders_of(wiring.settings), results)


@router.post("/{comparison_id}/cancel", status_code=202)
def cancel_training_comparison(
    comparison_id: int, access: LeadAccess, session: WritingDep, wiring: WiringDep
) -> ComparisonDetail:
    """Ask it to stop. Runs keep their last whole epoch: the same comparison started again goes on from there."""
    view_comparisons.cancel_comparison(session, access, comparison_id)
    results = wiring.settings.folder("results")
    return view_comparisons.get_comparison(session, access, comparison_id, folders_of(wiring.settings), results)


@router.get("/{comparison_id}/results")
def get_results(comparison_id: int, access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    """Every figure of the report: what ``report.json`` holds."""
    return Response(_read(session, access, wiring, comparison_id, "report.json"), media_type="application/json")


@router.get("/{comparison_id}/files/{name}")
def get_comparison_file(
    comparison_id: int, name: str, access: ViewAccess, session: ReadingDep, wiring: WiringDep
) -> Response:
    """One file by its name, such as ``report.html``, ``slides.pptx`` or ``hugging-face.zip``."""
    data = _read(session, access, wiring, comparison_id, name)
    # What was read is one of our own names.
    headers = {"Content-Disposition": f'attachment; filename="{access.project.slug}_comparison_{comparison_id}_{name}"'}
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/{comparison_id}/files.zip")
def get_comparison_zip(
    comparison_id: int, access: ViewAccess, session: ReadingDep, wiring: WiringDep
) -> FileResponse:  # fmt: skip
    """All files."""
    job = view_comparisons.find_job(session, access, comparison_id)
    archive = find_archive(session, job, wiring.settings.folder("results"))
    if archive is None:
        raise NotReady(_NOT_YET)
    name = f"{access.project.slug}_comparison_{comparison_id}.zip"
    return FileResponse(checked(archive), filename=name, media_type="application/zip")


def _read(session: Session, access: Access, wiring: Wiring, comparison_id: int, name: str) -> bytes:
    job = view_comparisons.find_job(session, access, comparison_id)
    archive = find_archive(session, job, wiring.settings.folder("results"))
    if archive is None:
        raise NotReady(_NOT_YET)
    return read_file(archive, name)
