"""The limit on wrong tries, counted in the database, so that all processes share it (app/domain/try_limits.py)."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import timedelta

from app.db.base import utc_now
from app.db.models.accounts import User
from app.db.repositories import tries as repository
from app.db.session import Database, Session
from app.domain import try_limits
from app.domain.errors import NotFound, TooManyAttempts
from app.domain.try_limits import TryLimit

KNOWN_FOR = timedelta(days=90)
"""So long after the last sign-in an address counts as its owner's."""

logger = logging.getLogger(__name__)


def begin_sign_in(session: Session, username: str, user: User | None, address: str) -> None:
    """Count a try at a password as wrong, until it is known to be right.

    Raises:
        TooManyAttempts: it comes too soon after others; then it is not counted.
    """
    repository.take_turn(session)
    limits = [(_pair(username, address), try_limits.PAIR), (_from(address), try_limits.ADDRESS)]
    # Strangers may keep strangers waiting, never the owner where they are known.
    if user is None or not repository.is_known(session, user.id, address, utc_now() - KNOWN_FOR):
        limits.append((_at(username), try_limits.ACCOUNT))
    for subject, limit in limits:
        _check(session, subject, limit, "Too many wrong tries.")
    for subject, _ in limits:
        repository.add_try(session, subject)
    repository.forget_before(session, utc_now() - try_limits.KEPT)


def end_sign_in(session: Session, username: str, user: User, address: str) -> None:
    """The try was right: it does not count, nor do the wrong ones before it from the same address."""
    known = repository.is_known(session, user.id, address, utc_now() - KNOWN_FOR)
    repository.forget_tries(session, _pair(username, address))
    repository.forget_newest(session, _from(address))
    if not known:
        repository.forget_newest(session, _at(username))
    repository.note_address(session, user.id, address)


def try_link(database: Database, address: str, find: Callable[[Session], object]) -> None:
    """Look a link up, and count a try where ``find`` raises NotFound.

    Raises:
        NotFound: as ``find`` did.
        TooManyAttempts: too many did not work from this address.
    """
    with database.reading() as session:
        _check(session, _link(address), try_limits.LINKS, "Too many links that do not work.")
        try:
            find(session)
            return
        except NotFound as error:
            missing = error
    with database.writing() as session:
        repository.take_turn(session)
        repository.add_try(session, _link(address))
        repository.forget_before(session, utc_now() - try_limits.KEPT)
    raise missing


def count_wrong_token(session: Session, address: str) -> None:
    """Raises TooManyAttempts after too many; a token that is right is never asked to wait for others' wrong ones."""
    repository.take_turn(session)
    _check(session, f"token|{address}", try_limits.TOKENS, "Too many API tokens that are unknown, revoked or expired.")
    repository.add_try(session, f"token|{address}")
    repository.forget_before(session, utc_now() - try_limits.KEPT)


def _pair(username: str, address: str) -> str:
    return f"pair|{username[:64]}|{address}"


def _link(address: str) -> str:
    return f"link|{address}"


def _from(address: str) -> str:
    return f"address|{address}"


def _at(username: str) -> str:
    return f"account|{username[:64]}"


def _check(session: Session, subject: str, limit: TryLimit, what: str) -> None:
    now = utc_now()
    wait = limit.wait(repository.list_tries(session, subject, now - limit.window), now)
    if wait <= timedelta(0):
        return
    seconds = math.ceil(wait.total_seconds())
    logger.warning("%s %r waits %d s", what, subject, seconds)
    raise TooManyAttempts(f"{what} Try again in {_in_words(seconds)}.", retry_after=seconds)


def _in_words(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} second{'s' * (seconds != 1)}"
    return f"{math.ceil(seconds / 60)} minutes"
