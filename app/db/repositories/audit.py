"""The record of who did what, read by those who look after the server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.db.models.accounts import AuditEntry, User
from app.db.models.projects import Project

Entry = tuple[AuditEntry, str | None, str | None]
"""An entry, the user's name and the project's slug."""

Found: TypeAlias = "Select[AuditEntry, str | None, str]"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is looked for; None is no limit. ``by_nobody``: what no person did. ``until`` is not part of it."""

    username: str | None = None
    by_nobody: bool = False
    action: str | None = None
    project: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def _matching(wanted: AuditFilter) -> Found:
    query = (
        select(AuditEntry, User.username, Project.slug)
        .outerjoin(User, User.id == AuditEntry.user_id)
        .outerjoin(Project, Project.id == AuditEntry.project_id)
    )
    if wanted.by_nobody:
        query = query.where(AuditEntry.user_id.is_(None))
    if wanted.username is not None:
        query = query.where(User.username == wanted.username)
    if wanted.action is not None:
        query = query.where(AuditEntry.action == wanted.action)
    if wanted.project is not None:
        query = query.where(Project.slug == wanted.project)
    if wanted.since is not None:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEntry.at < wanted.until)
    return query


def list_entries(
    session: Session, wanted: AuditFilter, *, limit: int, before: int | None = None, after: int | None = None
) -> list[Entry]:
    """Entries, the newest first: the newest of all, those before a number, or the next ones after it."""
    query = _matching(wanted).limit(limit)
    if after is not None:
        return _entries(session, query.where(AuditEntry.id > after).order_by(AuditEntry.id))[::-1]
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return _entries(session, query.order_by(AuditEntry.id.desc()))


def _entries(session: Session, query: Found) -> list[Entry]:
    return [(entry, name, slug) for entry, name, slug in session.execute(query)]


def stream_entries(session: Session, wanted: AuditFilter) -> Iterator[Entry]:
    """All of them from the oldest on, without holding them in memory."""
    query = _matching(wanted).order_by(AuditEntry.id).execution_options(yield_per=1000)
    yield from ((entry, name, slug) for entry, name, slug in session.execute(query))


def list_actions(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)))


def list_actors(session: Session) -> list[str]:
    """Names of those who have an entry."""
    acted = select(AuditEntry.user_id).where(AuditEntry.user_id.is_not(None)).distinct()
    names = session.scalars(select(User.username).where(User.id.in_(acted)).order_by(User.username))
    return [name for name in names if name is not None]


def list_slugs(session: Session) -> list[str]:
    return list(session.scalars(select(Project.slug).order_by(Project.slug)))
