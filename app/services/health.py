"""Is the database there, and at the migration that this code needs?"""

from __future__ import annotations

from functools import cache

from app.db.migrate import newest_revision
from app.db.repositories.clock import database_now
from app.db.session import Database, Session
from app.db.state import Unreachable, read_state
from app.domain.errors import Busy

_newest = cache(newest_revision)  # reads the folder of migrations


def check_database(session: Session) -> None:
    """Raise what the database raises when it can't be read."""
    database_now(session)


def find_hindrance(database: Database) -> str | None:
    """What keeps the server from its work; None when nothing does. Names neither addresses nor releases."""
    try:
        state = read_state(database)
    except (Unreachable, Busy):
        return "the database does not answer"
    if state.revision == _newest():
        return None
    return "the database is not at the migration that this release needs"
