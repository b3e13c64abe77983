"""Wrong tries at passwords, links and tokens, and the addresses from which people signed in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.db.base import utc_now
from app.db.models.accounts import KnownAddress, SignInFailure

_LOCK = 0x77696E74
"""Marks the lock below."""


def take_turn(session: Session) -> None:
    """Let tries be counted one after the other until this transaction ends; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def list_tries(session: Session, subject: str, since: datetime) -> list[datetime]:
    query = select(SignInFailure.at).where(SignInFailure.subject == subject, SignInFailure.at >= since)
    return list(session.scalars(query))


def add_try(session: Session, subject: str) -> None:
    session.add(SignInFailure(subject=subject))


def forget_tries(session: Session, subject: str) -> None:
    session.execute(delete(SignInFailure).where(SignInFailure.subject == subject))


def forget_newest(session: Session, subject: str) -> None:
    newest = select(func.max(SignInFailure.id)).where(SignInFailure.subject == subject).scalar_subquery()
    session.execute(delete(SignInFailure).where(SignInFailure.id == newest))


def forget_before(session: Session, before: datetime) -> None:
    session.execute(delete(SignInFailure).where(SignInFailure.at < before))


def is_known(session: Session, user_id: int, address: str, since: datetime) -> bool:
    row = session.get(KnownAddress, (user_id, address))
    return row is not None and row.last_at >= since


def note_address(session: Session, user_id: int, address: str) -> None:
    session.merge(KnownAddress(user_id=user_id, address=address, last_at=utc_now()))
