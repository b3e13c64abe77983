"""Runs migrations on the connection that ``app.db.migrate`` hands over.

On SQLite foreign keys are off while a migration runs: with them on, a batch operation that rebuilds a table deletes
the rows that refer to it. They are checked as a whole before the commit instead.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context

from app.db import models  # noqa: F401 - makes the metadata complete
from app.db.base import Base, UtcDateTime
from app.db.migrate import is_in_models


def render_item(kind: str, item: Any, _autogen_context: Any) -> str | bool:
    """Write our time type as the plain one, so that a migration does not change when our code does."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def run() -> None:
    connection: sa.Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        include_name=is_in_models,
        compare_type=False,
        transaction_per_migration=False,
    )
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
    context.run_migrations()
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the migration left {len(broken)} rows that refer to nothing: {broken[:5]}")


run()
