"""Links that sign an existing user in once: the first admin, and whoever is to choose a new password."""

from __future__ import annotations

from datetime import timedelta

from app.adapters.passwords import hash_password, new_token, token_hash
from app.db.base import utc_now
from app.db.models.accounts import OneTimeLink, User
from app.db.repositories import accounts as repository
from app.db.session import Session
from app.domain.accounts import check_password, check_username
from app.domain.errors import InvalidInput, NotFound
from app.services import audit
from app.services.sign_in import Browser, open_session

LINK_LIFETIME = timedelta(days=7)
RESET_LIFETIME = timedelta(days=1)
"""Of a link that takes over an account with everything in it."""


def make_link(session: Session, user: User, purpose: str) -> str:
    """Make a link that lets ``user`` choose a password once; older unused ones stop working."""
    repository.delete_unused_links(session, user.id)
    token = new_token()
    expires_at = utc_now() + (RESET_LIFETIME if purpose == "reset" else LINK_LIFETIME)
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


def use_link(session: Session, token: str, *, username: str, display_name: str, password: str, browser: Browser) -> str:
    """Choose name and password by a one-time link; return the new session's token. All other sessions end.

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
    audit.record(session, f"link_used.{link.purpose}", user_id=user.id, address=browser.address)
    return open_session(session, user, browser, "link")
