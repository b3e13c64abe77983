"""What the commands share: settings with the command line's overrides, and a database that is up to date."""

from __future__ import annotations

import argparse
from typing import Any, TypeAlias

from pydantic import ValidationError

from app.db.migrate import migrate
from app.db.session import Database
from app.domain.errors import InvalidFile, InvalidInput
from app.services.restore_backup import settle_restore
from app.settings import Settings

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # the type has no public name


def settings_from(args: argparse.Namespace) -> Settings:
    """Settings from the environment, with ``--host``, ``--port`` and ``--data-dir`` where they were given.

    Raises:
        InvalidInput: a setting makes no sense; says which.
    """
    names = ("host", "port", "data_dir")
    given: dict[str, Any] = {name: value for name in names if (value := getattr(args, name, None)) is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        told = "; ".join(f"WINNOW_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise InvalidInput(f"A setting is wrong. {told}") from None


def open_database(settings: Settings) -> Database:
    """Finish a restore that was cut off, bring the database to its newest migration and open it.

    Raises:
        InvalidFile: the database is damaged; says what to do.
    """
    settings.folder(".")
    settle_restore(settings)
    _refuse_emptied(settings)
    migrate(settings.resolved_database_url)
    return Database(settings.resolved_database_url)


def _refuse_emptied(settings: Settings) -> None:
    """A file of no bytes is a database without a table: Winnow would start as if nobody had ever worked here."""
    path = settings.data_dir / "winnow.db"
    if settings.database_url is not None or not path.exists() or path.stat().st_size:
        return
    worked = [name for name in ("uploads", "versions") if any((settings.data_dir / name).glob("*"))]
    if worked:
        raise InvalidFile(
            f"The database {path} is empty, but people have worked here: {' and '.join(worked)} hold files. Nothing was"
            " changed. `winnow restore` puts a backup back; to start anew, delete the empty file."
        )
