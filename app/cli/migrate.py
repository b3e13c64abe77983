"""``winnow migrate``: bring the database to its newest migration, or back to an older one."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.environment import Subparsers, settings_from
from app.db.migrate import current_revision, migrate


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("migrate", help="bring the database to its newest migration", description=__doc__)
    parser.add_argument("target", nargs="?", default="head", help="a revision, or 'base' for an empty database")
    parser.add_argument("--data-dir", "--data_dir", type=Path)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    settings.folder(".")
    migrate(settings.resolved_database_url, args.target)
    print(f"The database is at {current_revision(settings.resolved_database_url) or 'its beginning, without tables'}.")
    return 0
