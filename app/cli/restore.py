"""``winnow restore``: put a backup into an empty data folder and database, all of it or nothing."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from app.cli.environment import Subparsers, settings_from
from app.cli.exit_status import status_of
from app.services.restore_backup import restore_backup


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("restore", help="put a backup back", description=__doc__)
    parser.add_argument("file", type=Path, help="what `winnow backup` wrote")
    parser.add_argument("--data-dir", "--data_dir", type=Path)
    parser.add_argument(
        "--force", action="store_true",
        help="replace what is there: files are put aside, a PostgreSQL database's tables are dropped",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print what came back as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return status_of("restore", lambda: _restore(args))


def _restore(args: argparse.Namespace) -> None:
    restored = restore_backup(settings_from(args), args.file, force=args.force)
    for path in restored.missing:
        print(f"winnow restore: {path} was missing already when the backup was made", file=sys.stderr)
    if args.json:
        print(json.dumps(asdict(restored), default=str))
        return
    print(f"Restored what was there at {restored.taken_at}: {restored.rows:,} rows, {restored.files:,} files.")
    if restored.replaced:
        print(f"What was there before lies in {restored.replaced}. Delete it when you are sure.")
