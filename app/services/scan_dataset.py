"""Listing a project's images: the first job of every project, and again whenever its folder has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from app.adapters.folder_dataset import SkippedFile, list_samples
from app.db.base import utc_now
from app.db.models.jobs import Job
from app.db.models.projects import Listing, Project
from app.db.repositories import listings as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.session import Database, Session
from app.domain.errors import InvalidFile, JobCancelled
from app.domain.jobs import JobKind, ShardSpec
from app.domain.samples import PassedOver, SampleRef
from app.services import audit
from app.services.jobs import start_job
from app.services.ports import Doorbell, ShardContext

_FEW = 5_000
"""So many samples are looked up by their keys; for more, the whole project's keys are read at once."""


def scan_key(project_id: int) -> str:
    """The key under which one listing of a project lives at a time."""
    return f"scan:{project_id}"


def start_scan(session: Session, doorbell: Doorbell, project: Project, user_id: int | None) -> Job:
    """Queue a listing of the project's folder, or find the one that is under way."""
    job, _ = start_job(
        session, doorbell, kind=JobKind.SCAN, title=f"List the images of {project.name}",
        live_key=scan_key(project.id), shards=[ShardSpec(0, "listing images")], params={},
        project_id=project.id, user_id=user_id,
    )  # fmt: skip
    return job


def scan_dataset(database: Database, project_id: int, context: ShardContext) -> None:
    """List the project's folder: add the samples that are new, and replace the list of what was passed over.

    Samples are never taken away: one whose file is gone keeps its flags and reviews, and is listed as gone.

    Raises:
        InvalidFile: the folder can't be opened, or no image was found where ``split/class/file`` should be.
    """
    with database.reading() as session:
        root = Path(projects_repository.get_project_by_id(session, project_id).root)
    samples, skipped = _list(root, context)
    with database.reading() as session:
        known = projects_repository.sample_ids_by_key(session, project_id)
    if not samples and known:
        # More likely a disk that is not mounted than a dataset that was deleted.
        raise InvalidFile(f"No image is left in {root}, so nothing was changed. Is the folder there as it was?")
    found = {sample.key for sample in samples}
    gone = [SkippedFile(key, PassedOver.GONE) for key in sorted(known.keys() - found)]
    new = [sample for sample in samples if sample.key not in known]
    context.report(len(samples), _problems([*skipped, *gone]))
    listing = _keep_passed_over(database, project_id, [*skipped, *gone], context)
    with database.writing() as session:
        _finish(session, listing, len(samples), new, Counter(file.reason.value for file in (*skipped, *gone)))
    _forget_older(database, listing)
    if not samples:
        raise InvalidFile(
            f"No image was found in {root}. Winnow reads folders laid out as split/class/file; "
            f"the project's page names what was passed over ({len(skipped):,})."
        )


def _keep_passed_over(
    database: Database, project_id: int, files: Sequence[SkippedFile], context: ShardContext
) -> Listing:
    """Write the files in short transactions, so that nobody waits; they count once their listing is finished."""
    with database.writing() as session:
        listing = repository.add_listing(session, project_id)
    for start in range(0, len(files), repository.CHUNK):
        if context.should_stop():
            raise JobCancelled("The listing was cancelled.")
        part = [(file.key, file.reason.value) for file in files[start : start + repository.CHUNK]]
        with database.writing() as session:
            repository.add_files(session, listing.id, part)
        database.let_others_write()
    return listing


def _finish(
    session: Session, listing: Listing, found: int, new: Sequence[SampleRef], passed_over: Counter[str]
) -> None:
    project_id = listing.project_id
    queue_repository.take_turn(session, project_id)
    # A worker that was given up for dead may have added some of them meanwhile.
    keys = [sample.key for sample in new] if len(new) <= _FEW else None
    known = projects_repository.sample_ids_by_key(session, project_id, keys)
    new = [sample for sample in new if sample.key not in known]
    projects_repository.add_classes(session, project_id, sorted({sample.given_label for sample in new}))
    projects_repository.add_samples(session, project_id, new)
    row = session.get_one(Listing, listing.id)
    row.samples, row.added, row.passed_over, row.finished_at = found, len(new), dict(passed_over), utc_now()
    audit.record(
        session, "dataset_listed", user_id=None, project_id=project_id,
        samples=found, added=len(new), passed_over=dict(passed_over),
    )  # fmt: skip


def _forget_older(database: Database, listing: Listing) -> None:
    more = True
    while more:
        with database.writing() as session:
            more = repository.delete_older(session, listing.project_id, listing.id)
        if more:
            database.let_others_write()


def _list(root: Path, context: ShardContext) -> tuple[list[SampleRef], list[SkippedFile]]:
    samples: list[SampleRef] = []
    skipped: list[SkippedFile] = []
    for found in list_samples(root):
        if isinstance(found, SkippedFile):
            skipped.append(found)
        else:
            samples.append(found)
        if (len(samples) + len(skipped)) % 5000 == 0:
            context.report(len(samples))
            if context.should_stop():
                raise JobCancelled("The listing was cancelled.")
    return samples, skipped


def _problems(files: Sequence[SkippedFile]) -> int:
    """How many files somebody may want to look at; hidden ones are hidden for a reason."""
    return sum(file.reason is not PassedOver.HIDDEN for file in files)
