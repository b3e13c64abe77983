"""Versions, their samples and files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Text, cast, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from app.db.base import utc_now
from app.db.models.projects import Sample
from app.db.models.versions import Version, VersionFile, VersionSample
from app.domain.errors import Conflict, NotFound

_AT_ONCE = (
    "Somebody is freezing a version at this moment. Look at it before you freeze another. "
    "If that was cut off, wait five minutes."
)


def list_versions(session: Session, project_id: int) -> list[Version]:
    """The versions that are frozen, the newest first."""
    query = select(Version).where(Version.project_id == project_id, Version.job_id.is_not(None))
    return list(session.scalars(query.order_by(Version.number.desc())))


def get_version(session: Session, project_id: int, number: int) -> Version:
    query = select(Version).where(Version.project_id == project_id, Version.number == number)
    row = session.scalar(query.where(Version.job_id.is_not(None)))
    if row is None:
        raise NotFound(f"This project has no version {number}.")
    return row


def next_number(session: Session, project_id: int) -> int:
    return (session.scalar(select(func.max(Version.number)).where(Version.project_id == project_id)) or 0) + 1


def add_version(session: Session, version: Version, *, patience: timedelta) -> None:
    """Add a version that is not frozen yet. One that was begun before ``patience`` and never frozen makes room for it.

    So does one of the future, which was begun before the clock was set back.

    Raises:
        Conflict: somebody else is freezing a version of this project.
    """
    begun = session.scalar(
        select(Version).where(Version.project_id == version.project_id, Version.job_id.is_(None)).with_for_update()
    )
    if begun is not None and abs(utc_now() - begun.created_at) < patience:
        raise Conflict(_AT_ONCE)
    if begun is not None:
        delete_unfrozen(session, begun)
    version.number = next_number(session, version.project_id)
    session.add(version)
    try:
        session.flush()  # its samples refer to it
    except IntegrityError as error:
        raise Conflict(_AT_ONCE) from error


def delete_unfrozen(session: Session, version: Version) -> None:
    """Delete a version that was never frozen, if it is still there."""
    held = find_unfrozen(session, version)
    if held is not None:
        session.execute(delete(VersionSample).where(VersionSample.version_id == held.id))
        session.delete(held)
        session.flush()  # its number is free again


def find_unfrozen(session: Session, version: Version) -> Version | None:
    """The row of a version that is being frozen, held so that nobody gives it up before this transaction ends."""
    # SQLite gives the number of a row that was deleted to the next one: the time tells the two apart.
    same = (Version.id == version.id) & (Version.created_at == version.created_at)
    return session.scalar(select(Version).where(same, Version.job_id.is_(None)).with_for_update())


def add_samples(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    session.execute(insert(VersionSample), list(rows))


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


def differing_outcomes(session: Session, earlier_id: int, later_id: int) -> list[tuple[int, Any, Any]]:
    """(sample id, outcome in one version, outcome in the other) where they are not the same; None where one has none.

    The database leaves out what is written alike, so that two versions of 200,000 samples need not both be read.
    """
    earlier, later = aliased(VersionSample), aliased(VersionSample)
    same_sample = (later.sample_id == earlier.sample_id) & (later.version_id == later_id)
    unlike = cast(later.outcome, Text) != cast(earlier.outcome, Text)
    gone_or_changed = (
        select(earlier.sample_id, earlier.outcome, later.outcome)
        .outerjoin(later, same_sample)
        .where(earlier.version_id == earlier_id, later.sample_id.is_(None) | unlike)
    )
    came = (
        select(later.sample_id, later.outcome)
        .outerjoin(earlier, (earlier.sample_id == later.sample_id) & (earlier.version_id == earlier_id))
        .where(later.version_id == later_id, earlier.sample_id.is_(None))
    )
    found = [(sample_id, first, second) for sample_id, first, second in session.execute(gone_or_changed)]
    return found + [(sample_id, None, second) for sample_id, second in session.execute(came)]


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
