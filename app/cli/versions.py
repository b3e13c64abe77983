"""``winnow versions``: look at frozen versions, compare two, put one away, and check a zip by itself."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from app.adapters.files import write_atomically
from app.cli.environment import Subparsers, open_database, settings_from
from app.cli.local_actor import ensure_owner, owner_access
from app.db.session import Database
from app.deliverables.changes import write_changes
from app.deliverables.comparison import write_comparison_csv
from app.deliverables.report.comparison_page import render_comparison
from app.deliverables.verify_release import verify_release
from app.services import view_versions
from app.services.compare_projects import compare_projects
from app.services.view_versions import VersionView


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("versions", help="list, compare, archive and verify versions", description=__doc__)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--project", required=True)
    shared.add_argument("--data-dir", "--data_dir", type=Path, help="where everything is kept (default ./data)")
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    actions.add_parser("list", help="list all versions", parents=[shared, as_json]).set_defaults(run=run_list)
    compare = actions.add_parser("compare", help="what changed from one to another, as CSV", parents=[shared, as_json])
    compare.add_argument("earlier", type=int)
    compare.add_argument("later", type=int)
    compare.add_argument("--output", type=Path, metavar="CSV", help="a file instead of standard output")
    compare.set_defaults(run=run_compare)
    archive = actions.add_parser("archive", help="put a version away; its files stay", parents=[shared, as_json])
    archive.add_argument("number", type=int)
    archive.add_argument("--undo", action="store_true", help="bring it back")
    archive.set_defaults(run=run_archive)
    beside = actions.add_parser("side-by-side", help="the same figures of several projects", parents=[as_json])
    beside.add_argument("versions", nargs="+", metavar="PROJECT[@N]")
    beside.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the HTML and the CSV go")
    beside.add_argument("--data-dir", "--data_dir", type=Path, help="where everything is kept (default ./data)")
    beside.set_defaults(run=run_side_by_side)
    verify = actions.add_parser("verify", help="check a zip or folder of a version, no database", parents=[as_json])
    verify.add_argument("release", type=Path, metavar="ZIP_OR_FOLDER")
    verify.set_defaults(run=run_verify)


def _open(args: argparse.Namespace) -> Database:
    database = open_database(settings_from(args))
    ensure_owner(database)
    return database


def run_list(args: argparse.Namespace) -> int:
    with _open(args).reading() as session:
        versions = view_versions.list_versions(session, owner_access(session, args.project))
    _show(versions, as_json=args.json)
    return 0


def _show(versions: Sequence[VersionView], *, as_json: bool) -> None:
    rows = [
        {
            "version": v.number, "state": v.state, "removed": v.removed, "relabelled": v.relabelled, "kept": v.kept,
            "created_at": v.created_at.isoformat(timespec="seconds"), "created_by": v.created_by, "note": v.note,
            "archived": v.archived_at is not None, "digest": v.digest,
        }
        for v in versions
    ]  # fmt: skip
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        away = " (archived)" if row["archived"] else ""
        print(
            f"v{row['version']} {row['state']}{away}: {row['removed']:,} removed, {row['relabelled']:,} relabelled, "
            f"{row['kept']:,} kept; {row['created_by']}, {row['created_at']} {row['note']}".rstrip()
        )


def run_compare(args: argparse.Namespace) -> int:
    with _open(args).reading() as session:
        access = owner_access(session, args.project)
        found = view_versions.compare_versions(session, access, args.earlier, args.later, limit=None)
    if args.json:
        counts = {kind.value: count for kind, count in found.counts.items()}
        print(json.dumps({"counts": counts, "by_person": found.by_person, "policies": found.policies}))
    elif args.output:
        table = io.StringIO(newline="")
        write_changes(table, found.changes)
        write_atomically(args.output, partial(_write, table.getvalue().encode("utf-8", "surrogateescape")))
    else:
        write_changes(sys.stdout, found.changes)
    return 0


def run_archive(args: argparse.Namespace) -> int:
    with _open(args).writing() as session:
        access = owner_access(session, args.project)
        version = view_versions.archive_version(session, access, args.number, archived=not args.undo)
    _show([version], as_json=args.json)
    return 0


def run_side_by_side(args: argparse.Namespace) -> int:
    settings, database = settings_from(args), _open(args)
    with database.reading() as session:
        actor = owner_access(session, args.versions[0].partition("@")[0]).actor
        found = compare_projects(session, actor, args.versions, settings.folder("versions"))
    table = io.StringIO(newline="")
    write_comparison_csv(table, found)
    files = {"comparison.html": render_comparison(found), "comparison.csv": table.getvalue()}
    for name, text in files.items():
        data = text.encode("utf-8", "replace")
        write_atomically(args.output / name, partial(_write, data))
    paths = [str(args.output / name) for name in files]
    print(json.dumps(paths) if args.json else "\n".join(paths))
    return 0


def _write(data: bytes, stream: BinaryIO) -> None:
    stream.write(data)


def run_verify(args: argparse.Namespace) -> int:
    checked = verify_release(args.release)
    if args.json:
        print(json.dumps(checked))
    else:
        print(
            f"{checked['dataset']} v{checked['version']}: {checked['files']} files as they were written; "
            f"{checked['events']:,} events lead to the same {checked['removed']:,} removals and "
            f"{checked['relabelled']:,} relabels."
        )
    return 0
