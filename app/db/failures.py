"""What a database's errors mean to whoever made the request."""

from __future__ import annotations

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.db.sqlite_library import sqlite
from app.domain.errors import Busy, Conflict, InvalidInput, OutOfSpace, WinnowError

_UNIQUE_VIOLATION = "23505"
_LOCK_STATES = ("40001", "40P01", "55P03")
"""PostgreSQL's codes: could not serialize, deadlock, lock not available."""

_AWAY_STATES = ("57P01", "57P02", "57P03", "53300")
"""PostgreSQL's codes: shut down, crashed, starting, out of connections."""

BUSY = "The database is busy with something long, so nothing was saved. Try again in a few seconds."

AWAY = (
    "The database can't be reached just now. Try again in a few seconds: what had been saved is safe, "
    "and what is sent again counts once."
)

_SAME_TIME = (
    "Somebody else saved the same thing at the same moment, so yours was not saved. "
    "Look at what is there now, then try again."
)

TRANSLATED = (DBAPIError, PoolTimeout, OverflowError, UnicodeEncodeError)
"""What ``translated`` is asked about: a driver may report a lost connection under any class of its own."""


def translated(error: Exception) -> WinnowError | None:
    """What the error means to who asked; None where it is a fault of ours."""
    text = str(error).lower()
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if isinstance(error, IntegrityError):
        same = state == _UNIQUE_VIOLATION or "unique constraint failed" in text
        return Conflict(_SAME_TIME) if same else None
    if isinstance(error, PoolTimeout) or state in _LOCK_STATES or "database is locked" in text:
        return Busy(BUSY)
    if _is_away(error, state):
        return Busy(AWAY)
    if isinstance(error, OperationalError | sqlite.OperationalError):
        full = "disk is full" in text or "no space left" in text
        return OutOfSpace("The disk is full: nothing was saved. Make room, then try again.") if full else None
    if isinstance(error, DBAPIError) and not isinstance(error, DataError):
        return None
    return InvalidInput("A number is too large, or a text holds characters that can't be kept (like NUL).")


def _is_away(error: Exception, state: str | None) -> bool:
    """Whether a server was not there: it has not answered, or broke off. SQLite has no server."""
    driver = getattr(error, "orig", None)
    if driver is None or not type(driver).__module__.startswith("psycopg"):
        return False
    if getattr(error, "connection_invalidated", False):
        return True
    if state is not None:
        return state in _AWAY_STATES or state.startswith("08")
    # Without a code of the server's own the driver speaks of the connection.
    return isinstance(error, OperationalError | InterfaceError)
