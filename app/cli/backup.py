"""``winnow backup``: database and files in one archive, while everybody goes on working."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from app.cli.environment import Subparsers, settings_from
from app.cli.exit_status import status_of
from app.db.state import open_to_look, read_state
from app.domain.errors import InvalidInput
from app.services.make_backup import make_backup


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("backup", help="write database and files into one archive", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the archive, a zip")
    parser.add_argument("--data-dir", "--data_dir", type=Path)
    parser.add_argument("--json", action="store_true", help="print what it holds as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return status_of("backup", lambda: _back_up(args))


def _back_up(args: argparse.Namespace) -> None:
    settings = settings_from(args)
    # The database stays as it is, at whatever migration: a backup is what one makes before an upgrade.
    if settings.database_url is None and not (settings.data_dir / "winnow.db").exists():
        raise InvalidInput(f"There is no database in {settings.data_dir.resolve()}. Name the folder with --data-dir.")
    database = open_to_look(settings.resolved_database_url)
    try:
        read_state(database)  # says plainly where it does not answer
        made = make_backup(database, settings.data_dir.resolve(), args.output)
    finally:
        database.dispose()
    for path in made.missing:
        print(f"winnow backup: {path} is missing on the disk, or is not what the database says", file=sys.stderr)
    if args.json:
        print(json.dumps({"rows": made.rows, "files": made.files, "bytes": made.bytes, "missing": made.missing}))
    else:
        print(f"{args.output}: {made.rows:,} rows and {made.files:,} files in {made.bytes:,} bytes.")
