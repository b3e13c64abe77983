"""``winnow reviews``: bring answers into a project that people gave elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from app.cli.environment import Subparsers, open_database, settings_from
from app.cli.local_actor import ensure_owner, owner_access
from app.cli.reviews_manifest import add_manifest_parser
from app.domain.errors import InvalidInput
from app.services.import_reviews import ReviewImport, RowsRejected, import_reviews

SHOWN = 20
"""So many rejected rows are printed; with ``--json`` all are."""


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("reviews", help="import answers that people gave elsewhere", description=__doc__)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    bring = actions.add_parser("import", help="import answers from a CSV, all or none")
    bring.add_argument("file", type=Path, metavar="FILE", help="columns: image_path, reviewer, action or label")
    bring.add_argument("--project", required=True)
    bring.add_argument("--create-reviewers", "--create_reviewers", action="store_true",
                       help="add unknown reviewers as users who can't sign in")  # fmt: skip
    bring.add_argument("--add-classes", "--add_classes", action="store_true",
                       help="add labels that are no class of the project yet")  # fmt: skip
    bring.add_argument("--replace", action="store_true", help="rows count over another answer of their reviewer")
    bring.add_argument("--data-dir", "--data_dir", type=Path)
    bring.add_argument("--json", action="store_true", help="print the outcome as JSON")
    bring.set_defaults(run=run)
    add_manifest_parser(actions)


def run(args: argparse.Namespace) -> int:
    try:
        data = args.file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{args.file} can't be read: {error.strerror}.") from None
    database = open_database(settings_from(args))
    ensure_owner(database)
    try:
        with database.writing() as session:
            done = import_reviews(
                session, owner_access(session, args.project), data, create_reviewers=args.create_reviewers,
                replace=args.replace, with_classes=args.add_classes,
            )  # fmt: skip
    except RowsRejected as error:
        done = error.done
    if args.json:
        print(json.dumps({"project": args.project, **asdict(done)}))
    else:
        _print(done)
    return 2 if done.rejects else 0


def _print(done: ReviewImport) -> None:
    if not done.rejects:
        made = f"; reviewers made: {', '.join(done.created)}" if done.created else ""
        counts = f"{done.added:,} added, {done.changed:,} changed, {done.unchanged:,} unchanged"
        print(f"{done.total:,} rows: {counts}{made}")
        return
    print(f"Nothing was kept: {len(done.rejects):,} of {done.total:,} rows were rejected.", file=sys.stderr)
    for reject in done.rejects[:SHOWN]:
        print(f"  line {reject.line}: {reject.reason}", file=sys.stderr)
    if len(done.rejects) > SHOWN:
        print(f"  and {len(done.rejects) - SHOWN:,} more; --json lists all", file=sys.stderr)
