"""Analyses: Winnow's own detectors over a project's images, as a lead starts and lists them. The work is a job in
stages (``workers.jobs.analyses``); what it finds is an import of the source ``Winnow`` (``collect_analysis``)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
from app.domain.detectors import DEFAULT_EPOCHS, NEEDS_EMBEDDINGS, WITH_THRESHOLDS, Detector, Features
from app.domain.errors import InvalidInput, NotAllowed, NotFound
from app.domain.jobs import JobKind, ShardSpec
from app.services import audit
from app.services.jobs import JobView, start_job, view_job
from app.services.ports import Doorbell
from app.services.projects import Access
from app.services.take_numbers import NumberKind, find_kept

READ, LEARN, EMBED, COMPARE, JUDGE, COLLECT = range(6)
"""The stages of an analysis."""

HOW_TO_EMBED = "Set WINNOW_WEIGHTS to a file of weights of the network (WINNOW_MODEL), and start the server again."


@dataclass(frozen=True)
class AnalysisParams:
    """What to look for. With ``preview`` its flags are shown first, and wait to be applied.

    ``features`` says by what pictures are compared; ``epochs`` and ``seed`` are of a training on the images.
    ``vectors`` and ``probabilities`` name files that ``take_numbers`` keeps: features, and what judges labels.
    ``thresholds`` by issue are set by hand; ``base`` is the analysis whose measures are judged (``set_thresholds``).
    """

    detectors: tuple[str, ...] = tuple(detector.value for detector in Detector)
    preview: bool = False
    device: str = "auto"
    batch_size: int = 32
    features: str = Features.AUTO.value
    epochs: int = DEFAULT_EPOCHS
    seed: int = 0
    vectors: str = ""
    probabilities: str = ""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    base: int | None = None


@dataclass(frozen=True)
class AnalysisView:
    """An analysis. ``summary`` is what it found, once it is done: see ``workers.jobs.analyses``."""

    id: int
    created_at: datetime
    created_by: str | None
    detectors: list[str]
    features: str
    base: int | None
    thresholds: dict[str, float]
    map_url: str | None
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
    session: Session, doorbell: Doorbell, access: Access, params: AnalysisParams, *, shard_size: int,
    has_weights: bool, uploads: Path,
) -> tuple[Job, bool]:  # fmt: skip
    """Queue an analysis, or find the live one with the same parameters. ``uploads`` is where ``take_numbers`` keeps.

    Raises:
        InvalidInput: a parameter makes no sense, or there are no images.
        NotAllowed: only leads start analyses.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Starting an analysis needs the role lead.")
    wanted = _check(params)
    features = _choose_features(access.id, params, has_weights, uploads)
    shards = _shards(session, access.id, wanted, features, shard_size)
    raw = {**asdict(params), "detectors": wanted, "features": features.value, "notices": []}
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
    if strange := sorted(set(params.thresholds) - set(WITH_THRESHOLDS)):
        raise InvalidInput(f"There is no threshold for {', '.join(strange)}, but for {', '.join(WITH_THRESHOLDS)}.")
    if not 1 <= params.epochs <= 1000 or not 0 <= params.seed < 2**31:
        raise InvalidInput("A training sees the images 1 to 1,000 times (epochs); its seed is 0 to 2,147,483,647.")
    return [detector.value for detector in Detector if detector.value in params.detectors]


def _choose_features(project_id: int, params: AnalysisParams, has_weights: bool, uploads: Path) -> Features:
    if params.features not in list(Features):
        raise InvalidInput(f"Choose the features from {', '.join(Features)}; not {params.features!r}.")
    chosen = Features(params.features)
    if params.probabilities:
        find_kept(project_id, uploads, NumberKind.PROBABILITIES, params.probabilities)
    if params.vectors:
        find_kept(project_id, uploads, NumberKind.VECTORS, params.vectors)
        return Features.FILE
    if chosen is Features.FILE:
        raise InvalidInput("The features 'file' need a file of vectors: NPY, NPZ, CSV or Parquet.")
    if chosen is Features.NETWORK and not has_weights:
        raise InvalidInput(f"A network needs weights. {HOW_TO_EMBED} Or choose the features 'patches' or 'learned'.")
    if chosen is Features.AUTO:
        return Features.NETWORK if has_weights else Features.PATCHES
    return chosen


def _shards(
    session: Session, project_id: int, detectors: Sequence[str], features: Features, size: int
) -> list[ShardSpec]:
    parts: list[dict[str, Any]] = []
    for split in projects_repository.splits(projects_repository.class_sizes(session, project_id)):
        bounds = projects_repository.shard_bounds(session, project_id, split, size)
        for first, last, count in bounds:
            parts.append({"split": split, "first": first, "last": last, "part": len(parts), "count": count})
    if not parts:
        raise InvalidInput("The project has no images to look at. Objects of a detection dataset are left out so far.")
    specs = [ShardSpec(READ, "reading images", part, part["count"]) for part in parts]
    if NEEDS_EMBEDDINGS.intersection(detectors):
        specs += _embedding(parts, features)
    if Detector.DUPLICATES in detectors:
        specs += [ShardSpec(COMPARE, "looking for copies", {"part": part["part"]}) for part in parts]
    return [*specs, ShardSpec(JUDGE, "judging images"), ShardSpec(COLLECT, "applying flags")]


def _embedding(parts: Sequence[dict[str, Any]], features: Features) -> list[ShardSpec]:
    """What makes vectors: learning first, where there is something to learn, then part by part. Patches and files need
    no GPU."""
    if features is Features.FILE:
        return []  # they are there
    queue = "cpu" if features is Features.PATCHES else "gpu"
    embed = [ShardSpec(EMBED, "computing embeddings", part, part["count"], queue=queue) for part in parts]
    if features is Features.NETWORK:
        return embed
    return [
        ShardSpec(LEARN, "learning from the images", total=sum(part["count"] for part in parts), queue=queue),
        *embed,
    ]


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
        job.id, job.created_at, names.get(job.requested_by or 0), job.params["detectors"],
        job.params.get("features", Features.NETWORK.value), job.params.get("base"),
        job.params.get("thresholds", {}),
        f"/p/{slug}/analyses/{job.id}/map" if summary.get("on_map") else None, view.state, job.error,
        notices, summary, len(summary.get("problem_list", [])),
        f"/api/v1/projects/{slug}/analyses/{job.id}/problems.csv",
        f"/p/{slug}/imports/{imported.id}" if imported else None, f"/api/v1/projects/{slug}/analyses/{job.id}",
        view if view.finished_at is None or view.error else None,
    )  # fmt: skip


def map_path(path: Path) -> Path:
    """Where the map lies that belongs to the claims at ``path``."""
    return path.with_name(f"{path.stem}.map.npz")


def judged_path(session: Session, job_id: int, results: Path) -> Path | None:
    """The claims of an analysis; None until images were judged."""
    judged = [s for s in jobs_repository.list_shards(session, job_id) if s.stage == JUDGE and s.state == "done"]
    return results / judged[0].result_path if judged and judged[0].result_path else None


def _summary(session: Session, job: Job, results: Path) -> dict[str, Any]:
    """Empty until images were judged, and where the results were cleared away."""
    path = judged_path(session, job.id, results)
    if path is None:
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())["summary"]
    except FileNotFoundError:
        return {}
    return found
