"""Writing a version's files from what was frozen: the same bytes whenever they are made again."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adapters.files import sha256_of, write_atomically
from app.db.models.versions import Version
from app.db.repositories import leaks as leaks_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories import versions as repository
from app.db.session import Database, Session
from app.deliverables.catalogue import deliverables
from app.deliverables.content import VersionContent
from app.deliverables.deliverable import Deliverable, NoPictures, Pictures
from app.domain.errors import InvalidFile
from app.services.bulk_history import bulk_events


@dataclass(frozen=True)
class _Written:
    name: str
    rows: int | None


def write_deliverables(database: Database, version_id: int, folder: Path) -> None:
    """Write every file of a version, read each back, then list them. Files that are not listed do not count.

    Raises:
        OutOfSpace: the disk is full; the version stays, and its files can be written again.
        InvalidFile: a file did not read back as it was meant.
    """
    with database.reading() as session:
        version = session.get_one(Version, version_id)
        slug = projects_repository.get_project_by_id(session, version.project_id).slug
        content = load_content(session, version)
    target = folder / slug / f"v{version.number}"
    rows = [_write(target, deliverable, content, NoPictures()) for deliverable in deliverables(content)]
    listed = [_file_row(version_id, target / written.name, written.rows) for written in rows]
    with database.writing() as session:
        repository.set_files(session, version_id, listed)


def load_content(session: Session, version: Version) -> VersionContent:
    outcomes = [outcome for _, outcome in repository.outcomes(session, version.id)]
    events = _events(session, version)
    return VersionContent(
        version.snapshot, outcomes, version.number, version.created_at, version.note, version.digest, events
    )


def _events(session: Session, version: Version) -> list[dict[str, Any]]:
    """Every review, verdict and bulk decision made before the version was frozen, in order."""
    keys = projects_repository.keys_by_id(session, version.project_id)
    reviews = [
        {
            "event": event.kind, "id": event.id, "at": event.created_at.isoformat(), "reviewer": name,
            "image_id": keys[event.sample_id], "reverts": event.reverts_event_id, **event.payload,
        }
        for event, name in reviews_repository.list_events(session, version.project_id)
        if event.id <= version.snapshot["last_review_event"]
    ]  # fmt: skip
    verdicts = [
        {
            "event": "leak_verdict", "id": event.id, "at": event.created_at.isoformat(), "reviewer": name,
            "train_image": train, "test_image": test, "verdict": event.verdict,
        }
        for event, name, train, test in leaks_repository.list_verdict_events(session, version.project_id)
        if event.id <= version.snapshot["last_verdict_event"]
    ]  # fmt: skip
    return [*reviews, *verdicts, *bulk_events(session, version.project_id, version.snapshot)]


def _write(target: Path, deliverable: Deliverable, content: VersionContent, pictures: Pictures) -> _Written:
    buffer = io.BytesIO()
    rows = deliverable.write(buffer, content, pictures)
    data = buffer.getvalue()
    path = target / deliverable.name
    write_atomically(path, lambda stream: stream.write(data))
    if path.read_bytes() != data:
        raise InvalidFile(f"{deliverable.name} did not read back from the disk as it was written.")
    return _Written(deliverable.name, rows)


def _file_row(version_id: int, path: Path, rows: int | None) -> dict[str, Any]:
    return {
        "version_id": version_id, "name": path.name, "bytes": path.stat().st_size, "rows": rows,
        "sha256": sha256_of(path),
    }  # fmt: skip
