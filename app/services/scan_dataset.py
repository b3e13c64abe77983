"""Listing a project's images: the first job of every project, and again whenever one of its sources has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from app.adapters.datasets.contract import SkippedFile
from app.db.base import utc_now
from app.db.models.jobs import Job
from app.db.models.projects import Listing, Project, Source
from app.db.repositories import listings as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import sources as sources_repository
from app.db.session import Database, Session
from app.domain.errors import InvalidFile, JobCancelled
from app.domain.jobs import JobKind, ShardSpec
from app.domain.samples import PassedOver
from app.services import audit
from app.services.jobs import start_job
from app.services.ports import Doorbell, ShardContext
from app.services.read_sources import ReadSource, read_sources

_FEW = 5_000
"""So many samples are looked up by their keys; for more, the whole project's keys are read at once."""


def scan_key(project_id: int) -> str:
    """The key under which one listing of a project lives at a time."""
    return f"scan:{project_id}"


def start_scan(session: Session, doorbell: Doorbell, project: Project, user_id: int | None) -> Job:
    """Queue a listing of the project's sources, or find the one that is under way."""
    job, _ = start_job(
        session, doorbell, kind=JobKind.SCAN, title=f"List the images of {project.name}",
        live_key=scan_key(project.id), shards=[ShardSpec(0, "listing images")], params={},
        project_id=project.id, user_id=user_id,
    )  # fmt: skip
    return job


def scan_dataset(database: Database, project_id: int, context: ShardContext) -> None:
    """Read the project's sources: add the samples that are new, and replace the list of what was passed over.

    Samples are never taken away: one whose image is gone keeps its flags and reviews, and is listed as gone. Where the
    source gives a sample another label than before, the sample takes it, and keeps its flags and reviews too.

    Raises:
        InvalidFile: a source can't be read, or no image was found in it.
    """
    with database.reading() as session:
        sources = sources_repository.list_sources(session, project_id)
        specs = [(source.id, sources_repository.as_spec(source)) for source in sources]
        classes = projects_repository.class_index(session, project_id)
    read = read_sources(specs, classes, context)
    with database.reading() as session:
        known = projects_repository.labels_by_key(session, project_id)
    for source, part in zip(sources, read, strict=True):
        if not part.samples and source.samples:
            # More likely a disk that is not mounted than a dataset that was deleted.
            raise InvalidFile(
                f"No image is left in {source.root}, so nothing was changed. Is the folder there as it was?"
            )
    found = {sample.key for part in read for sample in part.samples}
    gone = [SkippedFile(key, PassedOver.GONE) for key in sorted(known.keys() - found)]
    skipped = [file for part in read for file in part.skipped]
    context.report(len(found), _problems([*skipped, *gone]))
    listing = _keep_passed_over(database, project_id, [*skipped, *gone], context)
    with database.writing() as session:
        _finish(session, listing, read, Counter(file.reason.value for file in (*skipped, *gone)))
    _forget_older(database, listing)
    for part in read:
        if not part.samples:
            raise InvalidFile(
                f"No image was found in {part.spec.root}. It was read as {part.spec.kind.label}: "
                f"{part.spec.kind.hint}; the project's page names what was passed over ({len(part.skipped):,})."
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


def _finish(session: Session, listing: Listing, read: Sequence[ReadSource], passed_over: Counter[str]) -> None:
    project_id = listing.project_id
    queue_repository.take_turn(session, project_id)
    # A worker that was given up for dead may have added some of them meanwhile.
    found = sum(len(part.samples) for part in read)
    keys = [sample.key for part in read for sample in part.samples] if found <= _FEW else None
    known = projects_repository.labels_by_key(session, project_id, keys)
    added = relabelled = 0
    for part in read:
        source = session.get_one(Source, part.source_id)
        new = [sample for sample in part.samples if sample.key not in known]
        changed = {
            known[sample.key][0]: sample.given_label
            for sample in part.samples
            if sample.key in known and known[sample.key][1] != sample.given_label
        }
        declared = part.classes or sorted({sample.given_label for sample in new} | set(changed.values()))
        projects_repository.add_classes(session, project_id, [name for name in declared if name], part.indices)
        projects_repository.set_titles(session, project_id, part.titles)
        projects_repository.add_samples(session, source, new)
        projects_repository.set_given_labels(session, changed)
        _note_reading(source, part)
        added, relabelled = added + len(new), relabelled + len(changed)
    row = session.get_one(Listing, listing.id)
    row.samples, row.added, row.relabelled = found, added, relabelled
    row.passed_over, row.finished_at = dict(passed_over), utc_now()
    audit.record(
        session, "dataset_listed", user_id=None, project_id=project_id,
        samples=found, added=added, relabelled=relabelled, passed_over=dict(passed_over),
    )  # fmt: skip


def _note_reading(source: Source, part: ReadSource) -> None:
    now = utc_now()
    if source.fingerprint not in (None, part.fingerprint):
        source.changed_at = now
    source.fingerprint, source.samples, source.read_at = part.fingerprint, len(part.samples), now


def _forget_older(database: Database, listing: Listing) -> None:
    more = True
    while more:
        with database.writing() as session:
            more = repository.delete_older(session, listing.project_id, listing.id)
        if more:
            database.let_others_write()


def _problems(files: Sequence[SkippedFile]) -> int:
    """How many files somebody may want to look at; hidden ones are hidden for a reason."""
    return sum(file.reason is not PassedOver.HIDDEN for file in files)
