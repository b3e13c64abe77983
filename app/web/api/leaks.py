"""Leak runs and candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.domain.leaks import Verdict
from app.services import leak_groups, leak_pairs, leak_runs, leak_summary
from app.services.leak_pairs import PairFilter, PairPage, PairView
from app.services.leak_runs import LeakParams, RunView
from app.web.api.samples import Share, Text, read_share
from app.web.api.schemas import LeakRunBody, VerdictBody
from app.web.dependencies import LeadAccess, ReadingDep, ReviewAccess, ViewAccess, WiringDep, WritingDep
from app.web.downloads import download, download_table

router = APIRouter(prefix="/projects/{slug}/leaks", tags=["leaks"])


@dataclass(frozen=True)
class RunList:
    items: list[RunView]


@dataclass(frozen=True)
class RunStarted:
    """``is_new`` is false when a run with the same parameters is under way: ``id`` then names that one."""

    id: int
    job_id: int
    is_new: bool


@router.get("/runs")
def list_runs(access: ViewAccess, session: ReadingDep) -> RunList:
    return RunList(leak_runs.list_runs(session, access))


@router.post("/runs", status_code=202)
def start_run(body: LeakRunBody, access: LeadAccess, session: WritingDep, wiring: WiringDep) -> RunStarted:
    params = LeakParams(**{**body.model_dump(), "methods": tuple(body.methods)})
    size = wiring.settings.shard_size
    run, is_new = leak_runs.start_leak_run(session, wiring.doorbell, access, params, shard_size=size)
    return RunStarted(run.id, run.job_id, is_new)


@router.get("/runs/{run_id}/report.csv")
def get_report(run_id: int, access: ViewAccess, session: ReadingDep, include_rejected: bool = False) -> Response:
    """Candidates as CSV, a line a method; ``include_rejected=1`` adds those that the check of the pixels rejected."""
    name, text = leak_summary.run_report(session, access, run_id, include_rejected=include_rejected)
    return download(name, text, "text/csv")


@router.get("/runs/{run_id}/summary.txt")
def get_summary(run_id: int, access: ViewAccess, session: ReadingDep) -> Response:
    name, text = leak_summary.run_summary(session, access, run_id)
    return download(name, text, "text/plain")


@router.get("/runs/{run_id}/problems.csv")
def get_problems(run_id: int, access: ViewAccess, session: ReadingDep) -> Response:
    """Images that the run could not read, each with the reason."""
    rows = leak_summary.run_problems(session, access, run_id)
    return download_table(f"{access.project.slug}_leaks_unreadable.csv", ("image", "problem", "message"), rows)


@router.get("/runs/{run_id}/groups.csv")
def get_groups(run_id: int, access: ViewAccess, session: ReadingDep) -> Response:
    """Groups of images that are one shot, a line an image, with the images of the group that it is paired with."""
    rows = leak_groups.run_groups(session, access, run_id)
    return download_table(f"{access.project.slug}_leaks_groups.csv", leak_groups.GROUP_COLUMNS, rows)


@router.get("/pairs")
def list_pairs(
    access: ViewAccess,
    session: ReadingDep,
    verdict: Text = None,
    method: Text = None,
    run: Annotated[str | None, Query(max_length=18, pattern=r"^\d*$")] = None,
    min_similarity: Share = None,
    transform: Text = None,
    min_score: Share = None,
    cursor: Text = None,
) -> PairPage:
    """Candidates, the surest first: by score where the run verified, else by similarity."""
    wanted = pair_filter(verdict, method, run, min_similarity, transform, min_score)
    return leak_pairs.list_pairs(session, access, wanted, cursor)


def pair_filter(
    verdict: str | None,
    method: str | None,
    run: str | None,
    min_similarity: str | None,
    transform: str | None,
    min_score: str | None,
) -> PairFilter:
    """Empty parameters count as not given, because forms send them so."""
    return PairFilter(
        verdict or None, method or None, int(run) if run else None, read_share(min_similarity, "min_similarity"),
        transform or None, read_share(min_score, "min_score"),
    )  # fmt: skip


@router.post("/pairs/{pair_id}/verdicts")
def decide(pair_id: int, body: VerdictBody, access: ReviewAccess, session: WritingDep) -> PairView:
    """Confirm or reject a candidate, or take that back with ``open``."""
    return leak_pairs.decide_pair(
        session, access, pair_id, Verdict(body.verdict), client_event_id=body.client_event_id,
        base_version=body.base_version,
    )  # fmt: skip
