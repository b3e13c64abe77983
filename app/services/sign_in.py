"""Signing in and out by password, and the sessions that come of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta

from app.adapters.passwords import hash_password, is_password, new_token, token_hash
from app.db.base import utc_now
from app.db.models.accounts import User, UserSession
from app.db.repositories import accounts as repository
from app.db.session import Database, Session
from app.domain.accounts import MAX_PASSWORD_BYTES, Scope, check_password
from app.domain.errors import InvalidInput, NotFound, NotSignedIn
from app.services import audit, limit_tries

NOTED_EVERY = timedelta(minutes=5)
"""So often it is noted that a session or a token is in use."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Actor:
    """Who makes a request, and by what: a session, or an API token.

    ``scope`` is a token's; None stands for a person, or a command of this machine. ``only_project`` is the number of
    the one project that a token is for.
    """

    user_id: int
    username: str
    display_name: str
    is_admin: bool
    session_id: int | None = None
    scope: Scope | None = None
    only_project: int | None = None

    @property
    def runs_server(self) -> bool:
        """An admin of the server, asking by something that is good for all of it."""
        return self.is_admin and self.only_project is None


@dataclass(frozen=True)
class Browser:
    """Where a request comes from: the client's address, what it calls itself, and the session it has by now."""

    address: str = ""
    user_agent: str = ""
    session_token: str = field(default="", repr=False)


def sign_in(database: Database, username: str, password: str, browser: Browser) -> str | None:
    """Check name and password; return the new session's token, or None after a wrong try (which is recorded).

    Checking takes long by design, so it is done between two transactions. A try counts as wrong until it is known to be
    right: many at once get no further than one after the other.

    Raises:
        TooManyAttempts: too many wrong tries for this name, or from this address.
        InvalidInput: the password is longer than any can be.
    """
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise InvalidInput(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
    name = username.strip().lower()
    with database.writing() as session:
        user = repository.find_user(session, name)
        limit_tries.begin_sign_in(session, name, user, browser.address)
        known = user.password_hash if user else None
    if not is_password(known, password):
        logger.warning("wrong password or name %r from %r", name[:64], browser.address)
        return None
    with database.writing() as session:
        user = repository.find_user(session, name)
        if user is None or not user.is_active or user.password_hash != known:
            return None
        limit_tries.end_sign_in(session, name, user, browser.address)
        audit.record(session, "sign_in", user_id=user.id, address=browser.address)
        return open_session(session, user, browser)


def open_session(session: Session, user: User, browser: Browser, signed_in_by: str = "password") -> str:
    """Start a session and return its token; one that the same browser had ends."""
    before = repository.find_session(session, token_hash(browser.session_token))
    if before is not None:
        session.delete(before)
    token = new_token()
    row = UserSession(
        user_id=user.id, token_hash=token_hash(token), user_agent=browser.user_agent[:300],
        address=browser.address[:64], signed_in_by=signed_in_by,
    )  # fmt: skip
    session.add(row)
    return token


def find_actor(session: Session, token: str, *, idle: timedelta, absolute: timedelta) -> Actor | None:
    """Say who a session's cookie belongs to, or None when it has ended."""
    row = repository.find_session(session, token_hash(token))
    now = utc_now()
    if row is None or row.last_seen_at + idle < now or row.created_at + absolute < now:
        return None
    user = repository.get_user(session, row.user_id)
    if not user.is_active:
        return None
    return Actor(user.id, user.username or "", user.display_name, user.is_admin, row.id)


def needs_touch(session: Session, token: str) -> bool:
    """Whether the session's last request is long enough ago to be noted again."""
    row = repository.find_session(session, token_hash(token))
    return row is not None and row.last_seen_at + NOTED_EVERY < utc_now()


def touch_session(session: Session, token: str, address: str) -> None:
    row = repository.find_session(session, token_hash(token))
    if row is not None:
        row.last_seen_at, row.address = utc_now(), address[:64]


def sign_out(session: Session, token: str) -> str | None:
    """End the session; return how its person had signed in, or None where there was none."""
    row = repository.find_session(session, token_hash(token))
    if row is None:
        return None
    audit.record(session, "sign_out", user_id=row.user_id)
    session.delete(row)
    return row.signed_in_by


def end_session(session: Session, actor: Actor, session_id: int) -> None:
    """End one of one's own sessions.

    Raises:
        NotFound: the person has no such session.
    """
    for row in repository.list_sessions(session, actor.user_id):
        if row.id == session_id:
            session.delete(row)
            audit.record(session, "session_revoked", user_id=actor.user_id, address=row.address)
            return
    raise NotFound("You have no such session.")


def end_other_sessions(session: Session, actor: Actor) -> int:
    """End all of one's own sessions but this one; return how many that were."""
    ended = repository.delete_other_sessions(session, actor.user_id, actor.session_id)
    audit.record(session, "other_sessions_revoked", user_id=actor.user_id, ended=ended)
    return ended


def change_password(session: Session, actor: Actor, current: str, new: str, browser: Browser) -> None:
    """Change one's own password; every other session of the person ends, and links to choose one stop working.

    A wrong try is counted in ``session``: commit it even where this raises.

    Raises:
        NotSignedIn: the current password is wrong.
        TooManyAttempts: it was wrong too often.
        InvalidInput: the account has no password, or the new one will not do.
    """
    user = repository.get_user(session, actor.user_id)
    if user.password_hash is None:
        raise InvalidInput("Your account has no password. An admin can make a link by which you choose one.")
    check_password(new, user.username or "")
    limit_tries.begin_sign_in(session, user.username or "", user, browser.address)
    if not is_password(user.password_hash, current):
        raise NotSignedIn("The current password is wrong.")
    limit_tries.end_sign_in(session, user.username or "", user, browser.address)
    user.password_hash = hash_password(new)
    repository.delete_sessions(session, user.id, but=actor.session_id)
    repository.delete_unused_links(session, user.id)
    audit.record(session, "password_changed", user_id=user.id)
