"""A comparison of trainings as a lead starts it for a project: everything that can be refused is refused before a
worker hears of it. The work is a job in stages, a shard for each condition and seed (``workers.jobs.comparisons``)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adapters.files import write_atomically
from app.db.models.jobs import Job
from app.db.session import Database
from app.domain.accounts import Role
from app.domain.errors import InvalidInput
from app.domain.jobs import JobKind, ShardSpec
from app.domain.retraining.conditions import LabelledSet, assemble_conditions, check_base
from app.domain.retraining.plan import ComparisonPlan, EvaluationSet, TrainingConfig, check_plan
from app.domain.retraining.plan_file import write_plan
from app.services import audit
from app.services.jobs import start_job
from app.services.ports import Doorbell
from app.services.projects import access_project
from app.services.sign_in import Actor
from app.services.training_sets import TrainingSets, read_training_sets
from app.settings import Settings

PREPARE, TRAIN, REPORT = range(3)
"""The stages of a comparison."""

MODELS = ("small", "resnet18-32", "resnet18")
"""What the page offers; a worker takes any model of torchvision's by its name, and refuses others first of all."""

MOST_RUNS = 2000
_DEVICES = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


@dataclass(frozen=True, slots=True)
class ComparisonParams:
    """What to compare. ``versions`` are numbers; ``flags`` is the condition of flags applied unseen. The rest is as in
    ``winnow compare`` (``TrainingConfig``)."""

    versions: tuple[int, ...] = ()
    flags: bool = True
    min_confidence: float = 0.0
    controls: bool = True
    seeds: tuple[int, ...] = (0, 1, 2)
    train_split: str = "train"
    test_split: str = "test"
    model: str = "resnet18-32"
    image_size: int = 32
    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.05
    weight_decay: float = 5e-4
    augment: bool = True
    threads: int = 1
    device: str = "auto"
    robustness_images: int = 0
    curve_images: int = 0
    resamples: int = 10_000
    acknowledge_leaks: bool = False
    leave_out_unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Folders:
    """Where files of versions and what comparisons keep lie."""

    versions: Path
    trainings: Path

    def of_project(self, project_id: int) -> Path:
        """Plans and runs of a project: a run that one comparison did is done for all."""
        return self.trainings / f"project-{project_id}"

    def of_job(self, project_id: int, job_id: int) -> Path:
        """What one comparison keeps while it is under way: pictures, and the curves that pages show."""
        return self.of_project(project_id) / f"job-{job_id}"


def folders_of(settings: Settings) -> Folders:
    return Folders(settings.folder("versions"), settings.folder("trainings"))


def plan_path(folders: Folders, project_id: int, digest: str) -> Path:
    return folders.of_project(project_id) / f"plan-{digest}.json"


def curve_path(folders: Folders, project_id: int, job_id: int, shard_no: int) -> Path:
    return folders.of_job(project_id, job_id) / f"curve-{shard_no}.json"


def start_comparison(
    database: Database, doorbell: Doorbell, actor: Actor, slug: str, params: ComparisonParams, folders: Folders
) -> tuple[Job, bool]:
    """Queue a comparison, or find the live one of the same plan. Reading the project's lists keeps nobody waiting.

    Raises:
        InvalidInput: what can't be compared, or would say nothing; the message says what to change.
        NotAllowed: only leads start comparisons.
        NotFound: there is no such version.
        NotReady: a version's files are still being written.
        OutOfSpace: the disk is full; nothing was started.
    """
    with database.moment() as session:
        access = access_project(session, actor, slug, Role.LEAD)
        _check(params)
        sets = read_training_sets(
            session, access, train_split=params.train_split, test_split=params.test_split, versions=params.versions,
            flags=params.flags, min_confidence=params.min_confidence, folder=folders.versions,
        )  # fmt: skip
        project_id = access.id
    plan = make_plan(sets, params)
    data = write_plan(plan)
    # What counts beside the plan: acknowledged leaks may still turn up in pictures.
    told = f"{params.acknowledge_leaks} {params.leave_out_unreadable} {params.resamples}".encode()
    digest = hashlib.sha256(data + told).hexdigest()[:32]
    write_atomically(plan_path(folders, project_id, digest), lambda stream: stream.write(data))
    with database.writing() as session:
        access = access_project(session, actor, slug, Role.LEAD)
        job, is_new = start_job(
            session, doorbell, kind=JobKind.COMPARE, title=_title(plan), live_key=f"compare:{project_id}:{digest}",
            shards=_shards(plan), params=_describe(plan, params, digest), project_id=project_id,
            user_id=actor.user_id,
        )  # fmt: skip
        if is_new:
            audit.record(
                session, "comparison_started", user_id=actor.user_id, project_id=project_id, job=job.id,
                conditions=[one.name for one in plan.conditions], seeds=list(plan.seeds),
            )  # fmt: skip
    return job, is_new


def _check(params: ComparisonParams) -> None:
    """What can be said without looking at the project."""
    if params.train_split == params.test_split:
        raise InvalidInput("Choose two different splits: models are measured on images that they were not trained on.")
    if not re.fullmatch(r"[a-z0-9_-]{1,60}", params.model):
        raise InvalidInput(f"{params.model[:60]!r} is no model. Take {', '.join(MODELS)}, or a name of torchvision's.")
    if not _DEVICES.fullmatch(params.device):
        raise InvalidInput(f"The device is auto, cpu, cuda or cuda:N, not {params.device[:20]!r}.")
    if not 1 <= params.resamples <= 1_000_000:
        raise InvalidInput("The bootstrap takes 1 to 1,000,000 resamples; the default is 10,000.")
    if not params.flags and not params.versions:
        raise InvalidInput("There is nothing to compare with the raw data. Choose a version, or flags applied unseen.")


def make_plan(sets: TrainingSets, params: ComparisonParams) -> ComparisonPlan:
    """The plan, checked, but for leaks that only pictures show.

    Raises:
        InvalidInput: what can't be compared, or would say nothing.
    """
    config = TrainingConfig(
        params.model, params.image_size, params.epochs, params.batch_size, params.learning_rate,
        weight_decay=params.weight_decay, augment=params.augment, threads=params.threads, device=params.device,
        robustness_images=params.robustness_images, curve_images=params.curve_images,
    )  # fmt: skip
    if not sets.conditions:
        raise InvalidInput(
            f"No image of the split {params.train_split!r} is flagged, and no version was chosen: there is nothing to "
            "compare with the raw data."
        )
    base = LabelledSet(sets.train.ids, sets.train.labels, sets.classes)
    check_base(base)
    conditions = assemble_conditions(base, sets.conditions, None if params.controls else ())
    evaluation = EvaluationSet(sets.evaluation.ids, sets.evaluation.labels, sets.leaked, sets.corrected)
    plan = ComparisonPlan(sets.name, base, evaluation, tuple(conditions), tuple(params.seeds), config)
    check_plan(plan, acknowledge_leaks=params.acknowledge_leaks)
    if len(plan.runs()) > MOST_RUNS:
        raise InvalidInput(
            f"These are {len(plan.runs()):,} trainings, above {MOST_RUNS:,}. Take fewer versions or seeds."
        )
    return plan


def _title(plan: ComparisonPlan) -> str:
    return f"Compare trainings of {plan.name}: {len(plan.conditions)} conditions, {len(plan.seeds)} seeds"[:300]


def _describe(plan: ComparisonPlan, params: ComparisonParams, digest: str) -> dict[str, Any]:
    """What pages show without reading the plan, which names every image."""
    return {
        "plan": digest, "train_split": params.train_split, "test_split": params.test_split,
        "versions": sorted(set(params.versions)), "min_confidence": params.min_confidence,
        "model": params.model, "image_size": params.image_size, "epochs": params.epochs, "device": params.device,
        "seeds": list(plan.seeds), "resamples": params.resamples, "acknowledge_leaks": params.acknowledge_leaks,
        "leave_out_unreadable": params.leave_out_unreadable,
        "training_images": len(plan.base.ids), "evaluation_images": len(plan.evaluation.ids),
        "conditions": [
            {
                "name": one.name, "kind": one.kind.value, "about": one.about, "control_of": one.control_of,
                "removed": len(one.lists.removed), "relabelled": len(one.lists.relabelled),
            }
            for one in plan.conditions
        ],
    }  # fmt: skip


def _shards(plan: ComparisonPlan) -> list[ShardSpec]:
    """Progress is counted in epochs; reading pictures and the report count as one each."""
    # The device is found out where pictures are read, so that must be where models are trained.
    queue = "cpu" if plan.config.device == "cpu" else "gpu"
    return [
        ShardSpec(PREPARE, "reading pictures", queue=queue),
        *(
            ShardSpec(TRAIN, "training", {"condition": one.name, "seed": seed}, plan.config.epochs, queue)
            for one, seed in plan.runs()
        ),
        ShardSpec(REPORT, "statistics and report"),
    ]
