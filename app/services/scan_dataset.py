"""Listing a project's images: the first job of every project."""

from __future__ import annotations

from pathlib import Path

from app.adapters.folder_dataset import SkippedFile, list_samples
from app.db.repositories import projects as repository
from app.db.session import Database
from app.domain.errors import InvalidFile, JobCancelled
from app.domain.samples import SampleRef
from app.services import audit
from app.services.ports import ShardContext

_SHOWN_SKIPS = 200


def scan_dataset(database: Database, project_id: int, context: ShardContext) -> None:
    """List the project's folder and keep its samples and classes, all or nothing.

    Running it again adds what is new and changes nothing else.

    Raises:
        InvalidFile: no image was found where ``split/class/file`` should be.
    """
    with database.reading() as session:
        root = Path(repository.get_project_by_id(session, project_id).root)
    samples, skipped = _list(root, context)
    if not samples:
        raise InvalidFile(f"No image was found in {root}. Winnow reads folders laid out as split/class/file.")
    with database.writing() as session:
        known = repository.sample_ids_by_key(session, project_id)
        repository.add_classes(session, project_id, sorted({sample.given_label for sample in samples}))
        repository.add_samples(session, project_id, [sample for sample in samples if sample.key not in known])
        shown = [[skip.key, skip.reason] for skip in skipped[:_SHOWN_SKIPS]]
        audit.record(
            session, "dataset_listed", user_id=None, project_id=project_id,
            samples=len(samples), skipped=len(skipped), skipped_files=shown,
        )  # fmt: skip


def _list(root: Path, context: ShardContext) -> tuple[list[SampleRef], list[SkippedFile]]:
    samples: list[SampleRef] = []
    skipped: list[SkippedFile] = []
    for found in list_samples(root):
        if isinstance(found, SkippedFile):
            skipped.append(found)
        else:
            samples.append(found)
        if (len(samples) + len(skipped)) % 5000 == 0:
            context.report(len(samples), len(skipped))
            if context.should_stop():
                raise JobCancelled("The listing was cancelled.")
    context.report(len(samples), len(skipped))
    return samples, skipped
