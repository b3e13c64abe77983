"""Is the database there and at the migration that this code needs?"""

from __future__ import annotations

from app.db.repositories.clock import database_now
from app.db.session import Session


def check_database(session: Session) -> None:
    """Raise what the database raises when it can't be read."""
    database_now(session)
