"""Which SQLite is used: the one that comes with the ``pysqlite3`` package where there is one, else Python's own.

Distributions ship SQLite libraries whose write-ahead log can corrupt a file (docs/decisions/0004-sqlite-journal.md).
The package brings a newer one, so that readers and a writer need not wait for each other.

Every engine of a process has to use the same library: two of them in one process do not see each other's locks.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from sqlalchemy import Engine, create_engine

_SOUND_LOG = (3, 51, 3)


def _load() -> ModuleType:
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return importlib.import_module("sqlite3")


sqlite = _load()
"""A module with the interface of ``sqlite3``."""

WAL_IS_SOUND: bool = sqlite.sqlite_version_info >= _SOUND_LOG


def make_engine(url: str, **options: Any) -> Engine:
    """``create_engine`` of SQLAlchemy, with this module's library where the database is a SQLite one."""
    if url.startswith("sqlite"):
        options["module"] = sqlite
    return create_engine(url, **options)
