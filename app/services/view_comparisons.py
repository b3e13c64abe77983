"""Comparisons of trainings as pages and the API show them: how far each run is, its curve, and what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.db.models.jobs import Job, JobShard
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import jobs as jobs_repository
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.errors import InvalidFile, NotAllowed, NotFound
from app.domain.jobs import JobKind
from app.services.comparison_files import FileEntry, find_archive, list_files, read_record
from app.services.jobs import JobView, cancel_job, view_job
from app.services.projects import Access
from app.services.start_comparison import TRAIN, Folders, curve_path

_Curve = Sequence[Mapping[str, float]]
"""A row an epoch."""


@dataclass(frozen=True)
class ConditionView:
    """A condition; of a control ``removed`` and ``relabelled`` are those of the condition that it goes with."""

    name: str
    kind: str
    about: str
    control_of: str | None
    removed: int
    relabelled: int


@dataclass(frozen=True)
class VerdictView:
    condition: str
    finding: str
    follows: str
    does_not_follow: str


@dataclass(frozen=True)
class ComparisonView:
    """A comparison. ``verdicts`` are there once it is done; ``job`` while it is not, and where it failed."""

    id: int
    created_at: datetime
    created_by: str | None
    state: str
    error: str | None
    train_split: str
    test_split: str
    training_images: int
    evaluation_images: int
    model: str
    image_size: int
    epochs: int
    seeds: list[int]
    conditions: list[ConditionView]
    runs_done: int
    runs: int
    verdicts: list[VerdictView]
    files: list[FileEntry]
    zip_url: str | None
    job: JobView | None
    page_url: str
    url: str


@dataclass(frozen=True)
class RunView:
    """One condition trained with one seed. ``loss`` and ``accuracy`` (of the evaluation set, from 0 to 1) have a value
    for each epoch that has ended. ``state`` is waiting, running, done or stopped."""

    condition: str
    seed: int
    state: str
    epochs_done: int
    attempts: int
    loss: list[float]
    accuracy: list[float]


@dataclass(frozen=True)
class ComparisonDetail:
    comparison: ComparisonView
    runs: list[RunView]


def list_comparisons(session: Session, access: Access, results: Path) -> list[ComparisonView]:
    """The project's comparisons, the newest first. ``results`` is the folder of jobs' results."""
    jobs = jobs_repository.list_of_kind(session, access.id, JobKind.COMPARE.value)
    return [_view(session, access, job, results) for job in jobs]


def get_comparison(session: Session, access: Access, job_id: int, folders: Folders, results: Path) -> ComparisonDetail:
    """
    Raises:
        NotFound: this project has no such comparison.
    """
    job = find_job(session, access, job_id)
    view = _view(session, access, job, results)
    shards = [shard for shard in jobs_repository.list_shards(session, job.id) if shard.stage == TRAIN]
    kept = {shard.shard_no: _curve(curve_path(folders, access.id, job.id, shard.shard_no)) for shard in shards}
    if view.files and not all(kept.values()):  # what was kept of the runs was cleared away, or lay in no backup
        kept = _curves_of_report(session, job, results, shards)
    return ComparisonDetail(view, [_run(shard, kept[shard.shard_no]) for shard in shards])


def get_record(session: Session, access: Access, job_id: int, results: Path) -> dict[str, Any] | None:
    """All that came out, as ``report.json`` has it; None until the report is there.

    Raises:
        NotFound: this project has no such comparison.
        InvalidFile: the report is missing from the disk, or was changed there.
    """
    job = find_job(session, access, job_id)
    archive = find_archive(session, job, results)
    return read_record(archive) if archive else None


def cancel_comparison(session: Session, access: Access, job_id: int) -> None:
    """Ask a comparison to stop. Each run stops within seconds and keeps its last whole epoch for another start.

    Raises:
        NotAllowed: only leads cancel comparisons.
        Conflict: it has ended already.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Cancelling a comparison needs the role lead.")
    cancel_job(session, find_job(session, access, job_id).id)


def find_job(session: Session, access: Access, job_id: int) -> Job:
    job = jobs_repository.get_job(session, job_id)
    if job.project_id != access.id or job.kind != JobKind.COMPARE.value:
        raise NotFound(f"This project has no comparison {job_id}.")
    return job


def _view(session: Session, access: Access, job: Job, results: Path) -> ComparisonView:
    told, view = job.params, view_job(session, job)
    trained = [shard for shard in jobs_repository.list_shards(session, job.id) if shard.stage == TRAIN]
    names = accounts_repository.usernames(session, {job.requested_by or 0})
    url = f"/api/v1/projects/{access.project.slug}/comparisons/{job.id}"
    verdicts, files, error = _outcome(session, job, results, url)
    return ComparisonView(
        job.id, job.created_at, names.get(job.requested_by or 0), view.state, job.error or error,
        told["train_split"], told["test_split"], told["training_images"], told["evaluation_images"], told["model"],
        told["image_size"], told["epochs"], told["seeds"],
        [ConditionView(**one) for one in told["conditions"]],
        sum(shard.state == "done" for shard in trained), len(trained), verdicts, files,
        f"{url}/files.zip" if files else None, view if view.finished_at is None or view.error else None,
        f"/p/{access.project.slug}/comparisons/{job.id}", url,
    )  # fmt: skip


def _outcome(
    session: Session, job: Job, results: Path, url: str
) -> tuple[list[VerdictView], list[FileEntry], str | None]:
    """Verdicts and files. Where the report can't be read, what is wrong with it: lists show the others all the same."""
    try:
        archive = find_archive(session, job, results)
        if archive is None:
            return [], [], None
        verdicts = [VerdictView(**one) for one in read_record(archive)["verdicts"]]
        return verdicts, list_files(archive, url), None
    except InvalidFile as error:
        return [], [], error.message


def _curves_of_report(session: Session, job: Job, results: Path, shards: Sequence[JobShard]) -> dict[int, _Curve]:
    archive = find_archive(session, job, results)
    record = read_record(archive) if archive else {"conditions": [], "seeds": []}
    curves = {
        (one["name"], seed): curve
        for one in record["conditions"]
        for seed, curve in zip(record["seeds"], one["curves"], strict=True)
    }
    return {shard.shard_no: curves.get((shard.params["condition"], shard.params["seed"]), []) for shard in shards}


def _run(shard: JobShard, rows: _Curve) -> RunView:
    states = {"queued": "waiting", "failed": "stopped"}
    return RunView(
        shard.params["condition"], shard.params["seed"], states.get(shard.state, shard.state), len(rows),
        shard.attempt, [round(row["loss"], 5) for row in rows],
        [round(row["evaluation_accuracy"], 5) for row in rows],
    )  # fmt: skip


def _curve(path: Path) -> _Curve:
    """Empty before the first epoch has ended, and where what was kept of the runs was cleared away."""
    try:
        found: list[dict[str, float]] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return []
    return found
