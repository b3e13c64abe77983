"""Invitations: who was invited by whom, to what, and what came of it."""

from __future__ import annotations

from typing import TypeAlias

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.db.models.accounts import Invitation, User
from app.db.models.projects import Project

Listed: TypeAlias = tuple[Invitation, User, Project | None]
"""An invitation, who made it, and the project it leads into."""


def find_invitation(session: Session, token_hash: str) -> Listed | None:
    return _first(session, Invitation.token_hash == token_hash)


def get_invitation(session: Session, invitation_id: int) -> Listed | None:
    return _first(session, Invitation.id == invitation_id)


def lock_invitation(session: Session, token_hash: str) -> Invitation | None:
    """Read it anew so that nobody else uses it before this transaction ends."""
    query = select(Invitation).where(Invitation.token_hash == token_hash).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def list_open(session: Session, project_id: int | None = None) -> list[Listed]:
    """Those that were neither used nor revoked, the newest first; of one project where it is given."""
    wanted: list[ColumnElement[bool]] = [Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)]
    if project_id is not None:
        wanted.append(Invitation.project_id == project_id)
    return _found(session, *wanted)


def count_open_by(session: Session, user_id: int) -> int:
    query = select(func.count()).where(
        Invitation.invited_by == user_id, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
    )
    return session.scalar(query) or 0


def _first(session: Session, *conditions: ColumnElement[bool]) -> Listed | None:
    return next(iter(_found(session, *conditions)), None)


def _found(session: Session, *conditions: ColumnElement[bool]) -> list[Listed]:
    query = (
        select(Invitation, User, Project)
        .join(User, User.id == Invitation.invited_by)
        .outerjoin(Project, Project.id == Invitation.project_id)
        .where(*conditions)
        .order_by(Invitation.id.desc())
    )
    return [(invitation, user, project) for invitation, user, project in session.execute(query)]
