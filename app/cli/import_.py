"""``winnow import``: make a project from a folder, or bring an export of flagged samples into one."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.adapters.export_folder import read_export
from app.cli.environment import Subparsers, open_database, settings_from
from app.cli.export_format import add_format
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access, work_until_done
from app.db.repositories import jobs as jobs_repository
from app.db.session import Database
from app.domain.accounts import slugify
from app.domain.errors import InvalidInput
from app.services import view_imports
from app.services.import_flags import start_import
from app.services.projects import create_project
from app.services.scan_dataset import scan_key
from app.settings import Settings


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("import", help="make a project, or import flagged samples", description=__doc__)
    parser.add_argument("--project", required=True, help="the project's name; it is made when --root is given")
    parser.add_argument("--root", type=Path, help="a folder laid out as split/class/file: make the project from it")
    parser.add_argument("--label-coding", "--label_coding", choices=["name", "index"], default="name")
    parser.add_argument("--file", type=Path, help="an export of flagged samples, or a folder that a detector wrote")
    add_format(parser)
    parser.add_argument(
        "--ignore-case", "--ignore_case", action="store_true", help="match paths that differ in case alone"
    )
    parser.add_argument("--source", default="", help="which tool made the export")
    parser.add_argument("--confidence-in-percent", "--confidence_in_percent", action="store_true")
    parser.add_argument("--data-dir", "--data_dir", type=Path)
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if not args.root and not args.file:
        raise InvalidInput("Give --root to make a project, --file to import flags, or both.")
    settings = settings_from(args)
    database = open_database(settings)
    ensure_owner(database)
    slug = slugify(args.project)
    if args.root:
        make_project(settings, database, args.project, args.root, label_coding=args.label_coding)
        _say(args, f"Project {slug} reads {args.root}.")
    outcome = _import(args, settings, database, slug) if args.file else {}
    if args.json:
        print(json.dumps({"project": slug, **outcome}, default=str))
    elif outcome:
        _print_outcome(outcome)
    return 0


def _import(args: argparse.Namespace, settings: Settings, database: Database, slug: str) -> dict[str, Any]:
    return import_file(
        settings, database, slug, args.file, args.source, args.confidence_in_percent, format=args.format,
        ignore_case=args.ignore_case,
    )  # fmt: skip


def _say(args: argparse.Namespace, text: str) -> None:
    print(text, file=sys.stderr if args.json else sys.stdout)


def _print_outcome(outcome: dict[str, Any]) -> None:
    print(f"Read as {outcome['format_title']}. {outcome['scores_read']}")
    print(
        f"{outcome['rows_total']:,} rows: {outcome['rows_accepted']:,} accepted, "
        f"{outcome['rows_rejected']:,} rejected; "
        f"flags: {outcome['flags_new']:,} new, {outcome['flags_updated']:,} updated, "
        f"{outcome['flags_unchanged']:,} unchanged"
    )
    for warning in outcome["warnings"]:
        print(f"  note: {warning}")


def make_project(settings: Settings, database: Database, name: str, root: Path, *, label_coding: str = "name") -> str:
    """Make a project and list its images; return its slug. Who runs the command may read the folder anyway."""
    with database.writing() as session:
        folder = root.expanduser().resolve()
        project = create_project(
            session, NoDoorbell(), None, name=name, root=str(folder), roots=[folder], label_coding=label_coding
        )
        slug = project.slug
        job = jobs_repository.find_live(session, scan_key(project.id))
        job_id = job.id if job else 0
    work_until_done(settings, database, job_id)
    return slug


def import_file(
    settings: Settings,
    database: Database,
    slug: str,
    file: Path,
    source: str = "",
    in_percent: bool = False,
    *,
    format: str = "",
    ignore_case: bool = False,
) -> dict[str, Any]:
    """Import an export and wait for it; return its figures."""
    data = read_export(file)
    with database.writing() as session:
        access = owner_access(session, slug)
        row = start_import(
            session, NoDoorbell(), access, folder=settings.folder("uploads"), file_name=file.name, data=data,
            source=source, confidence_in_percent=in_percent, format=format, ignore_case=ignore_case,
        )  # fmt: skip
        import_id, job_id = row.id, row.job_id or 0
    work_until_done(settings, database, job_id)
    with database.reading() as session:
        access = owner_access(session, slug)
        return asdict(view_imports.get_import(session, access, import_id))
