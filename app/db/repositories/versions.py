"""Versions, their samples and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db.models.projects import Sample
from app.db.models.versions import Version, VersionFile, VersionSample
from app.domain.errors import Conflict, NotFound


def list_versions(session: Session, project_id: int) -> list[Version]:
    query = select(Version).where(Version.project_id == project_id).order_by(Version.number.desc())
    return list(session.scalars(query))


def get_version(session: Session, project_id: int, number: int) -> Version:
    row = session.scalar(select(Version).where(Version.project_id == project_id, Version.number == number))
    if row is None:
        raise NotFound(f"This project has no version {number}.")
    return row


def next_number(session: Session, project_id: int) -> int:
    return (session.scalar(select(func.max(Version.number)).where(Version.project_id == project_id)) or 0) + 1


def add_version(session: Session, version: Version) -> None:
    """Add a version.

    Raises:
        Conflict: somebody froze the same number at the same moment.
    """
    session.add(version)
    try:
        session.flush()  # its samples refer to it
    except IntegrityError as error:
        raise Conflict("Somebody froze a version at the same moment. Look at it before you freeze another.") from error


def add_samples(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 10_000):
        session.execute(insert(VersionSample), list(rows[start : start + 10_000]))


def outcomes(session: Session, version_id: int) -> list[tuple[str, dict[str, Any]]]:
    """(sample key, outcome) of a version, by split and key."""
    query = (
        select(Sample.key, VersionSample.outcome)
        .join(Sample, Sample.id == VersionSample.sample_id)
        .where(VersionSample.version_id == version_id)
    )
    # Sorted here: PostgreSQL sorts by the rules of its locale, and the files must be the same everywhere.
    return sorted(
        ((key, outcome) for key, outcome in session.execute(query)), key=lambda row: (row[1]["split"], row[0])
    )


def list_files(session: Session, version_id: int) -> list[VersionFile]:
    query = select(VersionFile).where(VersionFile.version_id == version_id).order_by(VersionFile.name)
    return list(session.scalars(query))


def get_file(session: Session, version_id: int, name: str) -> VersionFile:
    query = select(VersionFile).where(VersionFile.version_id == version_id, VersionFile.name == name)
    row = session.scalar(query)
    if row is None:
        raise NotFound(f"This version has no file {name!r}.")
    return row


def set_files(session: Session, version_id: int, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(delete(VersionFile).where(VersionFile.version_id == version_id))
    session.execute(insert(VersionFile), list(rows))
