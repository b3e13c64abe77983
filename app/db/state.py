"""What state a database is in, for those who run the server: version, journal, migrations, size, clock, jobs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.db.base import utc_now
from app.db.models.bulk import BulkEvent
from app.db.models.jobs import Job, JobShard
from app.db.models.leaks import LeakVerdictEvent
from app.db.models.projects import Source
from app.db.models.reviews import ReviewEvent
from app.db.repositories.clock import database_now
from app.db.repositories.jobs import LEASE_SECONDS
from app.db.session import Database
from app.domain.errors import WinnowError
from app.domain.jobs import LIVE

REVISIONS = "alembic_version"


class Unreachable(WinnowError):
    """The database does not answer; the message is its driver's."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """``clock_ahead`` is how many seconds the database's clock is before this machine's."""

    version: str
    journal: str | None
    revision: str | None
    clock_ahead: float


def open_to_look(url: str) -> Database:
    """A database by its address.

    Raises:
        Unreachable: the address makes no sense; says why, without its password.
    """
    try:
        return Database(url)
    except (sa.exc.SQLAlchemyError, ImportError, ValueError) as error:
        raise Unreachable(str(error).replace(url, "the address")) from error


def read_state(database: Database) -> DatabaseState:
    """Ask the database about itself.

    Raises:
        Unreachable: it does not answer.
    """
    try:
        with database.reading() as session:
            ahead = database_now(session) - time.time()
            return DatabaseState(_version(session), _journal(session), read_revision(session), ahead)
    except (sa.exc.OperationalError, sa.exc.DatabaseError) as error:
        raise Unreachable(str(error.orig).strip().splitlines()[0]) from error


def _version(session: Session) -> str:
    sqlite = session.get_bind().dialect.name == "sqlite"
    return str(session.scalar(sa.text("SELECT sqlite_version()" if sqlite else "SHOW server_version")))


def _journal(session: Session) -> str | None:
    sqlite = session.get_bind().dialect.name == "sqlite"
    return str(session.scalar(sa.text("PRAGMA journal_mode"))) if sqlite else None


def read_revision(session: Session) -> str | None:
    """The migration at which the database stands; None when it has no tables."""
    if not sa.inspect(session.connection()).has_table(REVISIONS):
        return None
    found: str | None = session.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def project_roots(session: Session) -> list[Path]:
    return [Path(root) for root in session.scalars(select(Source.root).distinct().order_by(Source.root))]


def database_bytes(session: Session) -> int:
    sqlite = session.get_bind().dialect.name == "sqlite"
    if not sqlite:
        return session.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0
    pages, size = (session.scalar(sa.text(f"PRAGMA {name}")) or 0 for name in ("page_count", "page_size"))
    return int(pages * size)


def jobs_by_state(session: Session) -> dict[tuple[str, str], int]:
    """How many jobs there are of each kind and state."""
    rows = session.execute(select(Job.kind, Job.state, func.count()).group_by(Job.kind, Job.state))
    return {(kind, state): count for kind, state, count in rows}


def shards_waiting(session: Session) -> dict[tuple[str, str], int]:
    """How many shards of jobs under way nobody works on, by queue and kind of job."""
    rows = session.execute(
        select(JobShard.queue, Job.kind, func.count())
        .join(Job, Job.id == JobShard.job_id)
        .where(Job.state.in_(LIVE), JobShard.state == "queued")
        .group_by(JobShard.queue, Job.kind)
    )
    return {(queue, kind): count for queue, kind, count in rows}


def newest_events(session: Session) -> dict[str, int]:
    """The number of the newest event of each kind: one step down an index, where counting would read them all.

    On PostgreSQL, tries that were rolled back have numbers, too.
    """
    kinds = {"review": ReviewEvent.id, "leak": LeakVerdictEvent.id, "bulk": BulkEvent.id}
    return {kind: session.scalar(select(func.max(number))) or 0 for kind, number in kinds.items()}


def workers_seen(session: Session) -> dict[str, float]:
    """When each worker gave its last sign of life, in seconds since 1970; of those of the last day."""
    held = select(JobShard.lease_owner, func.max(JobShard.lease_until)).where(JobShard.state == "running")
    seen = {
        owner: until - LEASE_SECONDS
        for owner, until in session.execute(held.group_by(JobShard.lease_owner))
        if owner is not None and until is not None
    }
    yesterday = utc_now() - timedelta(days=1)
    recent = (
        select(JobShard.lease_owner, func.max(JobShard.finished_at))
        .join(Job, Job.id == JobShard.job_id)
        .where(JobShard.finished_at >= yesterday, or_(Job.finished_at.is_(None), Job.finished_at >= yesterday))
    )
    for owner, finished in session.execute(recent.group_by(JobShard.lease_owner)):
        if owner is not None and finished is not None:
            seen[owner] = max(seen.get(owner, 0.0), finished.timestamp())
    return seen
