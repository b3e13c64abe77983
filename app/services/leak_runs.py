"""Leak runs as an admin starts and lists them. The work is a job in stages; see ``workers.jobs.leaks``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from app import __version__
from app.db.models.leaks import LeakRun
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import jobs as jobs_repository
from app.db.repositories import leaks as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.errors import InvalidInput, NotAllowed
from app.domain.jobs import JobKind, ShardSpec
from app.domain.leaks import (
    DEFAULT_MAX_DISTANCE,
    DEFAULT_METHODS,
    DEFAULT_MIN_SIMILARITY,
    MIN_SCORE,
    SMALLEST_CROP,
    MatchMethod,
)
from app.services import audit
from app.services.jobs import JobView, start_job, view_job
from app.services.ports import Doorbell
from app.services.projects import Access

READ, EMBED, COMPARE, SEARCH, VERIFY, COLLECT = range(6)
"""The stages of a run."""


SEARCH_PARTS = 4
"""Parts of the train side that one shard searches."""

LARGEST_THRESHOLD = 16
"""Unrelated pictures begin to match in numbers above this many bits."""


@dataclass(frozen=True)
class LeakParams:
    """What to look for. ``scope`` is ``across`` two splits or ``within`` the train split named."""

    methods: tuple[str, ...] = tuple(method.value for method in DEFAULT_METHODS)
    scope: str = "across"
    train_split: str = "train"
    test_split: str = "test"
    phash_threshold: int = DEFAULT_MAX_DISTANCE
    semantic_threshold: float = DEFAULT_MIN_SIMILARITY
    batch_size: int = 32
    device: str = "auto"
    min_score: float = MIN_SCORE
    smallest_crop: float = SMALLEST_CROP


@dataclass(frozen=True)
class ShardFile:
    """A shard's result, and which side of the comparison it serves."""

    path: str
    role: str
    part: int

    def has(self, role: str, part: int | None = None) -> bool:
        serves = self.role in (role, "both")
        return serves and part in (None, self.part)


@dataclass(frozen=True)
class RunView:
    id: int
    number: int
    created_at: datetime
    created_by: str | None
    methods: list[str]
    scope: str
    parameters: str
    state: str
    candidates: int
    confirmed: int
    rejected: int
    open: int
    problems: int
    job: JobView | None
    report_url: str
    summary_url: str
    problems_url: str


def start_leak_run(
    session: Session, doorbell: Doorbell, access: Access, params: LeakParams, *, shard_size: int
) -> tuple[LeakRun, bool]:
    """Queue a run, or find the live one with the same parameters.

    Raises:
        InvalidInput: a parameter makes no sense, or a split has no images.
        NotAllowed: only leads start runs.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Starting a leak run needs the role lead.")
    _check(params)
    raw = {**asdict(params), "methods": sorted(params.methods)}
    digest = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()[:16]
    shards = _shards(session, access.id, params, shard_size)
    job, is_new = start_job(
        session, doorbell, kind=JobKind.LEAKS, title=f"Leaks in {access.project.name}: {scope_text(params)}",
        live_key=f"leaks:{access.id}:{digest}", shards=shards, params=raw,
        project_id=access.id, user_id=access.actor.user_id,
    )  # fmt: skip
    known = repository.find_run_of_job(session, job.id)
    if known is not None:
        return known, False
    run = LeakRun(
        project_id=access.id, job_id=job.id, number=repository.next_run_number(session, access.id), params=raw,
        code_version=__version__, created_by=access.actor.user_id,
    )  # fmt: skip
    session.add(run)
    session.flush()  # callers show the run's number
    audit.record(session, "leaks_started", user_id=access.actor.user_id, project_id=access.id, run=run.number, **raw)
    return run, is_new


def _check(params: LeakParams) -> None:
    unknown = [name for name in params.methods if name not in list(MatchMethod)]
    if unknown or not params.methods:
        raise InvalidInput(f"Choose from the methods {', '.join(MatchMethod)}; not {', '.join(unknown) or 'none'}.")
    if params.scope not in ("across", "within"):
        raise InvalidInput("The scope is 'across' two splits or 'within' one.")
    if params.scope == "across" and params.train_split == params.test_split:
        raise InvalidInput("Choose two different splits, or look within one.")
    if not 0 <= params.phash_threshold <= LARGEST_THRESHOLD:
        raise InvalidInput(
            f"The pHash threshold is a number of bits from 0 to {LARGEST_THRESHOLD}; the default is 5. "
            "Beyond that most candidates are unrelated pictures."
        )
    if not 0.0 < params.semantic_threshold <= 1.0:
        raise InvalidInput("The semantic threshold is a cosine above 0, up to 1; the default is 0.95.")
    for name, value in (("smallest score", params.min_score), ("smallest crop", params.smallest_crop)):
        if not 0.0 < value <= 1.0:
            raise InvalidInput(f"The {name} is a share above 0, up to 1; not {value}.")
    if not 1 <= params.batch_size <= 4096:
        raise InvalidInput("The batch size is a number from 1 to 4,096; the default is 32.")


def _shards(session: Session, project_id: int, params: LeakParams, size: int) -> list[ShardSpec]:
    sides = {"reference": params.train_split, "query": params.test_split}
    if params.scope == "within":
        sides = {"both": params.train_split}
    parts: list[dict[str, object]] = []
    for role, split in sides.items():
        bounds = projects_repository.shard_bounds(session, project_id, split, size)
        if not bounds:
            raise InvalidInput(f"The split {split!r} has no images. Choose one of the project's splits.")
        parts += [
            {"split": split, "role": role, "first": first, "last": last, "part": number, "count": count}
            for number, (first, last, count) in enumerate(bounds)
        ]
    verifying = _verifying(parts) if MatchMethod.VERIFIED.value in params.methods else []
    return [*_reading(params, parts), *_comparing(parts), *verifying, ShardSpec(COLLECT, "collecting candidates")]


def _reading(params: LeakParams, parts: Sequence[dict[str, object]]) -> list[ShardSpec]:
    specs: list[ShardSpec] = []
    for part in parts:
        total = int(str(part["count"]))
        if set(params.methods) - {MatchMethod.SEMANTIC.value}:
            specs.append(ShardSpec(READ, "reading images", part, total))
        if MatchMethod.SEMANTIC.value in params.methods:
            specs.append(ShardSpec(EMBED, "computing embeddings", part, total, queue="gpu"))
    return specs


def _comparing(parts: Sequence[dict[str, object]]) -> list[ShardSpec]:
    queries = [part for part in parts if part["role"] in ("query", "both")]
    return [ShardSpec(COMPARE, "comparing", {"part": part["part"]}) for part in queries]


def _verifying(parts: Sequence[dict[str, object]]) -> list[ShardSpec]:
    """Candidates are sought for each part of the test side in a few parts of the train side at a time, which takes
    the better part of a minute with photos; then each part of the test side is verified."""
    queries = [part for part in parts if part["role"] in ("query", "both")]
    references = sum(part["role"] in ("reference", "both") for part in parts)
    specs = [
        ShardSpec(SEARCH, "looking for copies", {"part": query["part"], "references": [first, first + SEARCH_PARTS]})
        for query in queries
        for first in range(0, references, SEARCH_PARTS)
    ]
    specs += [
        ShardSpec(VERIFY, "checking pixels", {"part": query["part"]}, int(str(query["count"]))) for query in queries
    ]
    return specs


def scope_text(params: LeakParams) -> str:
    if params.scope == "within":
        return f"inside {params.train_split}"
    return f"{params.train_split} against {params.test_split}"


def params_of(run: LeakRun) -> LeakParams:
    # Runs of earlier versions lack parameters that came later.
    return LeakParams(**{**run.params, "methods": tuple(run.params["methods"])})


def list_runs(session: Session, access: Access) -> list[RunView]:
    runs = repository.list_runs(session, access.id)
    names = accounts_repository.usernames(session, {run.created_by for run in runs if run.created_by})
    return [_view(session, access, run, names) for run in runs]


def _view(session: Session, access: Access, run: LeakRun, names: dict[int, str]) -> RunView:
    params = params_of(run)
    job = view_job(session, jobs_repository.get_job(session, run.job_id))
    counts = repository.count_verdicts(session, access.id, run.id)
    base = f"/api/v1/projects/{access.project.slug}/leaks/runs/{run.id}"
    return RunView(
        id=run.id,
        number=run.number,
        created_at=run.created_at,
        created_by=names.get(run.created_by or 0),
        methods=list(params.methods),
        scope=scope_text(params),
        parameters=parameters_text(params),
        state=job.state,
        candidates=sum(counts.values()),
        confirmed=counts["confirmed"],
        rejected=counts["rejected"],
        open=counts["open"],
        problems=int(run.counts.get("problems", 0)),
        job=job if job.finished_at is None or job.error else None,
        report_url=f"{base}/report.csv",
        summary_url=f"{base}/summary.txt",
        problems_url=f"{base}/problems.csv",
    )


def parameters_text(params: LeakParams) -> str:
    parts = []
    if MatchMethod.PERCEPTUAL.value in params.methods:
        parts.append(f"pHash distance at most {params.phash_threshold}")
    if MatchMethod.SEMANTIC.value in params.methods:
        parts.append(f"cosine at least {params.semantic_threshold}")
    if MatchMethod.VERIFIED.value in params.methods:
        parts.append(f"score at least {params.min_score}")
    return ", ".join(parts) or "identical files and pixels"
