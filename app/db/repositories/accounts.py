"""Users, sessions, tokens and one-time links."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.db.models.accounts import ApiToken, Identity, OneTimeLink, User, UserSession
from app.domain.errors import NotFound


def get_user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id}.")
    return user


def lock_user(session: Session, user_id: int) -> None:
    """Let no other transaction that asks for this lock go on until this one ends."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))


def find_user(session: Session, username: str) -> User | None:
    return session.scalar(select(User).where(User.username == username))


def find_user_by_email(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email == email))


def list_users(session: Session) -> list[User]:
    return list(session.scalars(select(User).order_by(User.username)))


def list_admins(session: Session) -> list[User]:
    return list(session.scalars(select(User).where(User.is_admin).order_by(User.username)))


def usernames(session: Session, ids: set[int]) -> dict[int, str]:
    query = select(User.id, User.username).where(User.id.in_(ids))
    return {row.id: row.username or "" for row in session.execute(query)}


def users_by_id(session: Session, ids: set[int]) -> dict[int, User]:
    return {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}


def count_active_admins(session: Session) -> int:
    """Admins who can sign in: by a password, or by a provider's account."""
    can = User.password_hash.is_not(None) | User.id.in_(select(Identity.user_id))
    query = select(func.count()).where(User.is_admin, User.is_active, can)
    return session.scalar(query) or 0


def find_session(session: Session, token_hash: str) -> UserSession | None:
    return session.scalar(select(UserSession).where(UserSession.token_hash == token_hash))


def list_sessions(session: Session, user_id: int) -> list[UserSession]:
    query = select(UserSession).where(UserSession.user_id == user_id).order_by(UserSession.last_seen_at.desc())
    return list(session.scalars(query))


def delete_sessions(session: Session, user_id: int, *, but: int | None = None) -> None:
    session.execute(delete(UserSession).where(UserSession.user_id == user_id, UserSession.id != (but or 0)))


def find_token(session: Session, token_hash: str) -> ApiToken | None:
    return session.scalar(select(ApiToken).where(ApiToken.token_hash == token_hash))


def list_tokens(session: Session, user_id: int) -> list[ApiToken]:
    query = select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)).order_by(ApiToken.id)
    return list(session.scalars(query))


def delete_other_sessions(session: Session, user_id: int, keep: int | None) -> int:
    """End all of somebody's sessions but one; return how many that were."""
    rows = [row for row in list_sessions(session, user_id) if row.id != keep]
    for row in rows:
        session.delete(row)
    return len(rows)


def find_link(session: Session, token_hash: str) -> OneTimeLink | None:
    return session.scalar(select(OneTimeLink).where(OneTimeLink.token_hash == token_hash))


def delete_unused_links(session: Session, user_id: int) -> None:
    session.execute(delete(OneTimeLink).where(OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None)))
