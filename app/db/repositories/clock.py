"""The database's own clock, so that a worker whose clock is off can't take or lose a lease."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def database_now(session: Session) -> float:
    """Seconds since 1970 by the database's clock."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    query = (
        "SELECT (julianday('now') - 2440587.5) * 86400.0" if sqlite else "SELECT extract(epoch FROM clock_timestamp())"
    )
    return float(session.execute(text(query)).scalar_one())
