"""Comparisons of trainings: the form that starts one, and a page for each with its runs and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.errors import InvalidFile, InvalidInput, NotFound, NotReady
from app.domain.retraining.verdicts import tell_p
from app.services import view_comparisons
from app.services.list_samples import filter_options
from app.services.projects import Access
from app.services.start_comparison import MODELS, ComparisonParams, folders_of, start_comparison
from app.services.view_comparisons import ComparisonView, ConditionView, RunView
from app.services.view_versions import VersionView, list_versions
from app.web.dependencies import LeadReadAccess, ReadingDep, ViewAccess, Wiring, WiringDep
from app.web.render import render

router = APIRouter(prefix="/p/{slug}/comparisons")

MOST_SEEDS = 100


@dataclass(frozen=True)
class ComparisonsPage:
    comparisons: list[ComparisonView]
    can_start: bool
    versions: list[VersionView]
    splits: list[str]
    models: Sequence[str]
    given: ComparisonParams
    error: str | None


@dataclass(frozen=True)
class ComparisonPage:
    """``rows`` are conditions, each with its runs in the order of the seeds and their places in the API's answer;
    ``record`` is there once it is done."""

    comparison: ComparisonView
    rows: list[tuple[ConditionView, list[tuple[int, RunView]]]]
    record: dict[str, Any] | None
    error: str | None


def _page(
    access: Access, session: ReadingDep, wiring: Wiring, given: ComparisonParams | None = None, error: str | None = None
) -> ComparisonsPage:
    found = view_comparisons.list_comparisons(session, access, wiring.settings.folder("results"))
    versions = [version for version in list_versions(session, access) if version.archived_at is None and version.files]
    splits = filter_options(session, access).splits
    if given is None:
        newest = tuple(version.number for version in versions[:1])
        train = "train" if "train" in splits else (splits or ["train"])[0]
        given = ComparisonParams(newest, train_split=train, test_split=_other(splits, train))
    return ComparisonsPage(found, access.is_lead, versions, splits, MODELS, given, error)


def _other(splits: Sequence[str], train: str) -> str:
    others = [split for split in splits if split != train]
    return "test" if "test" in others else (others or ["test"])[0]


@router.get("")
def show_comparisons(request: Request, access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    return render(request, "pages/training_comparisons.html", _page(access, session, wiring))


@router.post("")
def start(
    request: Request, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep,
    versions: Annotated[list[int] | None, Form()] = None,
    flags: Annotated[bool, Form()] = False,
    min_confidence: Annotated[float, Form()] = 0.0,
    controls: Annotated[bool, Form()] = False,
    seeds: Annotated[int, Form(le=MOST_SEEDS)] = 3,
    train_split: Annotated[str, Form(max_length=100)] = "train",
    test_split: Annotated[str, Form(max_length=100)] = "test",
    model: Annotated[str, Form(max_length=100)] = "resnet18-32",
    image_size: Annotated[int, Form()] = 32,
    epochs: Annotated[int, Form()] = 30,
    batch_size: Annotated[int, Form()] = 128,
    learning_rate: Annotated[float, Form()] = 0.05,
    augment: Annotated[bool, Form()] = False,
    threads: Annotated[int, Form()] = 1,
    robustness_images: Annotated[int, Form()] = 0,
    device: Annotated[str, Form(max_length=20)] = "auto",
    acknowledge_leaks: Annotated[bool, Form()] = False,
    leave_out_unreadable: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    params = ComparisonParams(
        tuple(number for number in versions or () if 0 < number < 2**31), flags, min_confidence, controls,
        tuple(range(seeds)), train_split, test_split, model, image_size, epochs, batch_size, learning_rate,
        augment=augment, threads=threads, robustness_images=robustness_images, device=device,
        acknowledge_leaks=acknowledge_leaks, leave_out_unreadable=leave_out_unreadable,
    )  # fmt: skip
    actor, slug = access.actor, access.project.slug
    session.rollback()  # what was read must not keep others from writing meanwhile
    try:
        job, _ = start_comparison(wiring.database, wiring.doorbell, actor, slug, params, folders_of(wiring.settings))
    except (InvalidInput, NotReady, NotFound) as error:
        page = _page(access, session, wiring, params, error.message)
        return render(request, "pages/training_comparisons.html", page, 400)
    return RedirectResponse(f"/p/{slug}/comparisons/{job.id}", 303)


@router.get("/{comparison_id}")
def show_comparison(
    request: Request, comparison_id: int, access: ViewAccess, session: ReadingDep, wiring: WiringDep
) -> Response:
    results = wiring.settings.folder("results")
    found = view_comparisons.get_comparison(session, access, comparison_id, folders_of(wiring.settings), results)
    record, error = None, found.comparison.error
    try:
        record = view_comparisons.get_record(session, access, comparison_id, results)
    except InvalidFile as broken:
        error = broken.message
    rows = [
        (one, [(place, run) for place, run in enumerate(found.runs) if run.condition == one.name])
        for one in found.comparison.conditions
    ]
    page = ComparisonPage(found.comparison, rows, _shown(record) if record else None, error)
    return render(request, "pages/training_comparison.html", page)


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a record, with the ends of the line on which accuracies are drawn."""
    accuracy = record["parts"][0]["accuracy"]
    ends = [end for one in accuracy.values() for end in (one["low"], one["high"], one["mean"])]
    low, high = max(0.0, min(ends) - 0.01), min(1.0, max(ends) + 0.01)
    return {
        "verdicts": record["verdicts"], "parts": record["parts"], "leaks": record["leaks"], "low": low,
        "span": max(high - low, 1e-6), "high": high, "resamples": record["resamples"], "facts": record["facts"],
        "conditions": [
            {"name": one["name"], "control_of": one["control_of"], "about": one["about"], "training": one["training"],
             "calibration_error": one["calibration_error"]["mean"]}
            for one in record["conditions"]
        ],
        "p": {one["p_holm"]: tell_p(one["p_holm"]).removeprefix("= ") for part in record["parts"]
              for one in part["comparisons"]},
    }  # fmt: skip
