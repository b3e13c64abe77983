"""Analyses: Winnow's own detectors over a project's images, as a lead starts and lists them. The work is a job in
stages (``workers.jobs.analyses``); what it finds is an import of the source ``Winnow`` (``collect_analysis``)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.db.models.jobs import Job
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import flags as flags_repository
from app.db.repositories import jobs as jobs_repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.detectors import NEEDS_EMBEDDINGS, Detector
from app.domain.errors import InvalidInput, NotAllowed, NotFound
from app.domain.jobs import JobKind, ShardSpec
from app.services import audit
from app.services.jobs import JobView, start_job, view_job
from app.services.ports import Doorbell
from app.services.projects import Access

READ, EMBED, COMPARE, JUDGE, COLLECT = range(5)
"""The stages of an analysis."""

HOW_TO_EMBED = "Set WINNOW_WEIGHTS to a file of weights of the network (WINNOW_MODEL), and start the server again."


@dataclass(frozen=True)
class AnalysisParams:
    """What to look for. With ``preview`` its flags are shown first, and wait to be applied."""

    detectors: tuple[str, ...] = tuple(detector.value for detector in Detector)
    preview: bool = False
    device: str = "auto"
    batch_size: int = 32


@dataclass(frozen=True)
class AnalysisView:
    """An analysis. ``summary`` is what it found, once it is done: see ``workers.jobs.analyses``."""

    id: int
    created_at: datetime
    created_by: str | None
    detectors: list[str]
    state: str
    error: str | None
    notices: list[str]
    summary: dict[str, Any]
    problems: int
    problems_url: str
    import_url: str | None
    url: str
    job: JobView | None


def start_analysis(
    session: Session, doorbell: Doorbell, access: Access, params: AnalysisParams, *, shard_size: int, has_weights: bool
) -> tuple[Job, bool]:
    """Queue an analysis, or find the live one with the same parameters.

    Without weights, outliers and mislabels are left out, and the analysis says so.

    Raises:
        InvalidInput: a parameter makes no sense, there are no images, or nothing is left to look for.
        NotAllowed: only leads start analyses.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Starting an analysis needs the role lead.")
    wanted = _check(params)
    notices = []
    left_out = [name for name in wanted if name in NEEDS_EMBEDDINGS]
    if left_out and not has_weights:
        told = f"{' and '.join(left_out).capitalize()} were not sought: they need a network's weights. {HOW_TO_EMBED}"
        wanted = [name for name in wanted if name not in NEEDS_EMBEDDINGS]
        if not wanted:
            raise InvalidInput(told)
        notices.append(told)
    shards = _shards(session, access.id, wanted, shard_size)
    raw = {**asdict(params), "detectors": wanted, "notices": notices}
    digest = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()[:16]
    job, is_new = start_job(
        session, doorbell, kind=JobKind.ANALYSE, title=f"Analyse {access.project.name}: {', '.join(wanted)}",
        live_key=f"analyse:{access.id}:{digest}", shards=shards, params=raw,
        project_id=access.id, user_id=access.actor.user_id,
    )  # fmt: skip
    if is_new:
        audit.record(session, "analysis_started", user_id=access.actor.user_id, project_id=access.id, detectors=wanted)
    return job, is_new


def _check(params: AnalysisParams) -> list[str]:
    unknown = [name for name in params.detectors if name not in list(Detector)]
    if unknown or not params.detectors:
        raise InvalidInput(f"Choose from the detectors {', '.join(Detector)}; not {', '.join(unknown) or 'none'}.")
    if not 1 <= params.batch_size <= 4096:
        raise InvalidInput("The batch size is a number from 1 to 4,096; the default is 32.")
    return [detector.value for detector in Detector if detector.value in params.detectors]


def _shards(session: Session, project_id: int, detectors: Sequence[str], size: int) -> list[ShardSpec]:
    parts: list[dict[str, Any]] = []
    for split in projects_repository.splits(projects_repository.class_sizes(session, project_id)):
        bounds = projects_repository.shard_bounds(session, project_id, split, size)
        for first, last, count in bounds:
            parts.append({"split": split, "first": first, "last": last, "part": len(parts), "count": count})
    if not parts:
        raise InvalidInput("The project has no images to look at. Objects of a detection dataset are left out so far.")
    specs = [ShardSpec(READ, "reading images", part, part["count"]) for part in parts]
    if NEEDS_EMBEDDINGS.intersection(detectors):
        specs += [ShardSpec(EMBED, "computing embeddings", part, part["count"], queue="gpu") for part in parts]
    if Detector.DUPLICATES in detectors:
        specs += [ShardSpec(COMPARE, "looking for copies", {"part": part["part"]}) for part in parts]
    return [*specs, ShardSpec(JUDGE, "judging images"), ShardSpec(COLLECT, "applying flags")]


def list_analyses(session: Session, access: Access, results: Path) -> list[AnalysisView]:
    """The project's analyses, the newest first. ``results`` is the folder of jobs' results."""
    jobs = jobs_repository.list_of_kind(session, access.id, JobKind.ANALYSE.value)
    return [_view(session, access, job, results) for job in jobs]


def get_analysis(session: Session, access: Access, job_id: int, results: Path) -> AnalysisView:
    job = jobs_repository.get_job(session, job_id)
    if job.project_id != access.id or job.kind != JobKind.ANALYSE.value:
        raise NotFound(f"This project has no analysis {job_id}.")
    return _view(session, access, job, results)


def list_problems(session: Session, access: Access, job_id: int, results: Path) -> list[tuple[str, str, str]]:
    """Key, problem and message of each image that could not be read."""
    summary = get_analysis(session, access, job_id, results).summary
    return [(key, problem, message) for key, problem, message in summary.get("problem_list", [])]


def _view(session: Session, access: Access, job: Job, results: Path) -> AnalysisView:
    view = view_job(session, job)
    summary = _summary(session, job, results)
    names = accounts_repository.usernames(session, {job.requested_by or 0})
    imported = flags_repository.import_of_job(session, job.id)
    slug = access.project.slug
    notices = summary.get("notices", job.params.get("notices", []))
    return AnalysisView(
        job.id, job.created_at, names.get(job.requested_by or 0), job.params["detectors"], view.state, job.error,
        notices, summary, len(summary.get("problem_list", [])),
        f"/api/v1/projects/{slug}/analyses/{job.id}/problems.csv",
        f"/p/{slug}/imports/{imported.id}" if imported else None, f"/api/v1/projects/{slug}/analyses/{job.id}",
        view if view.finished_at is None or view.error else None,
    )  # fmt: skip


def _summary(session: Session, job: Job, results: Path) -> dict[str, Any]:
    """Empty until images were judged, and where the results were cleared away."""
    judged = [s for s in jobs_repository.list_shards(session, job.id) if s.stage == JUDGE and s.state == "done"]
    if not judged or not judged[0].result_path:
        return {}
    try:
        found: dict[str, Any] = json.loads((results / judged[0].result_path).read_bytes())["summary"]
    except FileNotFoundError:
        return {}
    return found
