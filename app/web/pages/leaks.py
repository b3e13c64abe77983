"""Leak runs, and their candidates side by side."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.errors import InvalidInput
from app.domain.leak_words import TRANSFORM_WORDS
from app.domain.leaks import DEFAULT_METHODS, MatchMethod
from app.services import leak_overview, leak_pairs, leak_runs, list_samples
from app.services.leak_overview import RunOverview
from app.services.leak_runs import LeakParams, RunView
from app.web.api.leaks import pair_filter
from app.web.api.samples import Share, Text
from app.web.dependencies import LeadAccess, ReadingDep, ViewAccess, WiringDep, WritingDep
from app.web.render import as_json, render

router = APIRouter(prefix="/p/{slug}/leaks")

Run = Annotated[str | None, Query(max_length=18, pattern=r"^\d*$")]


@dataclass(frozen=True)
class LeaksPage:
    runs: list[RunView]
    can_start: bool
    splits: list[str]
    defaults: dict[str, Any]
    counts: dict[str, int]
    overview: RunOverview | None


@dataclass(frozen=True)
class PairsPage:
    """``has_scores`` is whether any run verified its candidates: only then can they be filtered by score."""

    data: dict[str, Any]
    filters: dict[str, Any]
    counts: dict[str, int]
    runs: list[RunView]
    methods: list[str]
    transforms: dict[str, str]
    has_scores: bool


def _defaults(splits: list[str]) -> dict[str, Any]:
    test = next((name for name in splits if name != "train"), splits[0] if splits else "")
    return {**asdict(LeakParams()), "train_split": splits[0] if splits else "", "test_split": test}


@router.get("")
def show_leaks(request: Request, access: ViewAccess, session: ReadingDep, run: Run = None) -> Response:
    """The runs; what ``run`` found is added up, else what the newest finished one found."""
    splits = list_samples.filter_options(session, access).splits
    counts = leak_pairs.list_pairs(session, access, leak_pairs.PairFilter()).counts
    params = LeakParams()
    defaults = {
        "methods": [method.value for method in DEFAULT_METHODS], "max_distance": params.phash_threshold,
        "min_similarity": params.semantic_threshold, "batch_size": params.batch_size, "device": params.device,
        "min_score": params.min_score, "smallest_crop": params.smallest_crop,
    }  # fmt: skip
    runs = leak_runs.list_runs(session, access)
    shown = int(run) if run else next((view.id for view in runs if view.job is None), None)
    overview = leak_overview.run_overview(session, access, shown) if shown is not None else None
    page = LeaksPage(runs, access.is_lead, splits, defaults, counts, overview)
    return render(request, "pages/leaks.html", page)


@router.post("")
def start_run(
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    methods: Annotated[list[str] | None, Form()] = None,
    scope: Annotated[str, Form(max_length=10)] = "across",
    train_split: Annotated[str, Form(max_length=100)] = "train",
    test_split: Annotated[str, Form(max_length=100)] = "test",
    phash_threshold: Annotated[str, Form(max_length=10)] = "5",
    semantic_threshold: Annotated[str, Form(max_length=20)] = "0.95",
    batch_size: Annotated[str, Form(max_length=10)] = "32",
    device: Annotated[str, Form(max_length=40)] = "auto",
    min_score: Annotated[str, Form(max_length=20)] = str(LeakParams().min_score),
    smallest_crop: Annotated[str, Form(max_length=20)] = str(LeakParams().smallest_crop),
) -> Response:
    params = LeakParams(
        tuple(methods or ()), scope, train_split, test_split, _whole(phash_threshold, "The pHash threshold"),
        _number(semantic_threshold, "The semantic threshold"), _whole(batch_size, "The batch size"), device or "auto",
        _number(min_score, "The smallest score"), _number(smallest_crop, "The smallest crop"),
    )  # fmt: skip
    leak_runs.start_leak_run(session, wiring.doorbell, access, params, shard_size=wiring.settings.shard_size)
    return RedirectResponse(f"/p/{access.project.slug}/leaks", 303)


def _whole(text: str, name: str) -> int:
    if not text.strip().isdigit():
        raise InvalidInput(f"{name} is a whole number, not {text!r}.")
    return int(text)


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{name} is a number, not {text!r}.") from None


@router.get("/pairs")
def show_pairs(
    request: Request,
    access: ViewAccess,
    session: ReadingDep,
    verdict: Text = "open",
    method: Text = None,
    run: Run = None,
    min_similarity: Share = None,
    transform: Text = None,
    min_score: Share = None,
) -> Response:
    wanted = pair_filter(verdict, method, run, min_similarity, transform, min_score)
    first = leak_pairs.list_pairs(session, access, wanted)
    filters = {
        "verdict": verdict or "",
        "method": method or "",
        "run": run or "",
        "min_similarity": min_similarity or "",
        "transform": transform or "",
        "min_score": min_score or "",
    }
    data = {"first": first, "filters": filters, "api": f"/api/v1/projects/{access.project.slug}/leaks/pairs"}
    runs = leak_runs.list_runs(session, access)
    page = PairsPage(
        as_json(data), filters, first.counts, runs, list(MatchMethod),
        {name.value: words for name, words in TRANSFORM_WORDS.items()},
        any(MatchMethod.VERIFIED in view.methods for view in runs),
    )  # fmt: skip
    return render(request, "pages/leak_pairs.html", page)
