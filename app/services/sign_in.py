"""Signing in and out: passwords, one-time links, sessions, and the limit on wrong tries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.adapters.passwords import hash_password, is_password, new_token, token_hash
from app.db.base import utc_now
from app.db.models.accounts import OneTimeLink, SignInFailure, User, UserSession
from app.db.repositories import accounts as repository
from app.db.session import Database, Session
from app.domain.accounts import MAX_PASSWORD_BYTES, check_password, check_username
from app.domain.errors import InvalidInput, NotFound, NotSignedIn, TooManyAttempts
from app.services import audit

LINK_LIFETIME = timedelta(days=7)
NOTED_EVERY = timedelta(minutes=5)
"""So often it is noted that a session or a token is in use."""

_LIMITS = ((timedelta(minutes=1), 5), (timedelta(hours=1), 20))


@dataclass(frozen=True)
class Actor:
    """Who makes a request, and by what: a session, or an API token."""

    user_id: int
    username: str
    display_name: str
    is_admin: bool
    session_id: int | None = None


def sign_in(database: Database, username: str, password: str, *, address: str, user_agent: str) -> str | None:
    """Check name and password; return the new session's token, or None after a wrong try (which is recorded).

    Checking takes long by design, so it is done between two transactions. A try counts as wrong until it is known to be
    right: many at once get no further than one after the other.

    Raises:
        TooManyAttempts: too many wrong tries for this name from this address.
        InvalidInput: the password is longer than any can be.
    """
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise InvalidInput(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
    name = username.strip().lower()
    with database.writing() as session:
        failure = _record_try(session, f"{name[:64]}|{address}")
        user = repository.find_user(session, name)
        known = user.password_hash if user else None
    if not is_password(known, password):
        return None
    with database.writing() as session:
        user = repository.find_user(session, name)
        if user is None or not user.is_active or user.password_hash != known:
            return None
        repository.forget_failure(session, failure.id)
        audit.record(session, "sign_in", user_id=user.id, address=address)
        return open_session(session, user, user_agent)


def _record_try(session: Session, subject: str) -> SignInFailure:
    _check_limits(session, subject)
    failure = SignInFailure(subject=subject)
    session.add(failure)
    return failure


def _check_limits(session: Session, subject: str) -> None:
    now = utc_now()
    for window, limit in _LIMITS:
        if repository.count_failures(session, subject, now - window) >= limit:
            minutes = max(1, int(window.total_seconds() // 60))
            raise TooManyAttempts(f"Too many wrong tries. Try again in {minutes} minute{'s' * (minutes > 1)}.")
    repository.forget_failures(session, now - timedelta(days=1))


def open_session(session: Session, user: User, user_agent: str) -> str:
    token = new_token()
    session.add(UserSession(user_id=user.id, token_hash=token_hash(token), user_agent=user_agent[:300]))
    return token


def find_actor(session: Session, token: str, *, idle: timedelta, absolute: timedelta) -> Actor | None:
    """Say who a session's cookie belongs to, or None when it has ended."""
    row = repository.find_session(session, token_hash(token))
    now = utc_now()
    if row is None or row.last_seen_at + idle < now or row.created_at + absolute < now:
        return None
    user = repository.get_user(session, row.user_id)
    return _actor(user, row.id) if user.is_active else None


def needs_touch(session: Session, token: str) -> bool:
    """Whether the session's last request is long enough ago to be noted again."""
    row = repository.find_session(session, token_hash(token))
    return row is not None and row.last_seen_at + NOTED_EVERY < utc_now()


def touch_session(session: Session, token: str) -> None:
    row = repository.find_session(session, token_hash(token))
    if row is not None:
        row.last_seen_at = utc_now()


def find_token_actor(session: Session, token: str) -> Actor | None:
    """Say who an API token belongs to, or None when it is unknown, revoked or expired."""
    row = repository.find_token(session, token_hash(token))
    if row is None or row.revoked_at or (row.expires_at and row.expires_at < utc_now()):
        return None
    user = repository.get_user(session, row.user_id)
    return _actor(user, None) if user.is_active else None


def token_needs_touch(session: Session, token: str) -> bool:
    """Whether the token's last use is long enough ago to be noted again."""
    row = repository.find_token(session, token_hash(token))
    return row is not None and (row.last_used_at is None or row.last_used_at + NOTED_EVERY < utc_now())


def touch_token(session: Session, token: str) -> None:
    row = repository.find_token(session, token_hash(token))
    if row is not None:
        row.last_used_at = utc_now()


def _actor(user: User, session_id: int | None) -> Actor:
    return Actor(user.id, user.username or "", user.display_name, user.is_admin, session_id)


def sign_out(session: Session, token: str) -> None:
    row = repository.find_session(session, token_hash(token))
    if row is not None:
        session.delete(row)


def make_link(session: Session, user: User, purpose: str) -> str:
    """Make a link that lets ``user`` choose a password once; older unused ones stop working."""
    repository.delete_unused_links(session, user.id)
    token = new_token()
    expires_at = utc_now() + LINK_LIFETIME
    session.add(OneTimeLink(user_id=user.id, token_hash=token_hash(token), purpose=purpose, expires_at=expires_at))
    return token


def get_link(session: Session, token: str) -> tuple[OneTimeLink, User]:
    """Find a link that still works.

    Raises:
        NotFound: it is unknown, used or too old.
    """
    link = repository.find_link(session, token_hash(token))
    if link is None or link.used_at is not None or link.expires_at < utc_now():
        raise NotFound("This link does not work any more. Ask an admin for a new one, or sign in.")
    return link, repository.get_user(session, link.user_id)


def use_link(session: Session, token: str, *, username: str, display_name: str, password: str, user_agent: str) -> str:
    """Choose name and password by a one-time link; return the new session's token.

    Raises:
        NotFound: the link does not work any more.
        InvalidInput: the name is taken, or name or password break the rules.
    """
    link, user = get_link(session, token)
    name = user.username or check_username(username)
    holder = repository.find_user(session, name)
    if holder is not None and holder.id != user.id:
        raise InvalidInput(f"The user name {name!r} is taken. Choose another.")
    check_password(password, name)
    user.username, user.display_name = name, (display_name.strip() or user.display_name or name)[:200]
    user.password_hash, user.is_active = hash_password(password), True
    link.used_at = utc_now()
    repository.delete_sessions(session, user.id)
    audit.record(session, f"link_used.{link.purpose}", user_id=user.id)
    return open_session(session, user, user_agent)


def change_password(session: Session, actor: Actor, current: str, new: str) -> None:
    """Change one's own password; every other session of the person ends.

    Raises:
        NotSignedIn: the current password is wrong.
    """
    user = repository.get_user(session, actor.user_id)
    if not is_password(user.password_hash, current):
        raise NotSignedIn("The current password is wrong.")
    check_password(new, user.username or "")
    user.password_hash = hash_password(new)
    repository.delete_sessions(session, user.id, but=actor.session_id)
    audit.record(session, "password_changed", user_id=user.id)
