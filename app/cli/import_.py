"""``winnow import``: make a project from a folder, or bring an export of flagged samples into one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.adapters.export_folder import read_export
from app.cli.environment import Subparsers, open_database, settings_from
from app.cli.export_format import add_format
from app.cli.import_mapping import add_mapping, read_mapping
from app.cli.import_preview import describe_outcome, find_outcome
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access, work_until_done
from app.cli.sources import add_source_options, options_of, read_source
from app.db.repositories import jobs as jobs_repository
from app.db.repositories import projects as projects_repository
from app.db.session import Database
from app.domain.accounts import slugify
from app.domain.errors import InvalidInput
from app.domain.formats.flagged.column_mapping import ColumnMapping
from app.services import preview_import, view_imports
from app.services.import_flags import start_import
from app.services.projects import create_project
from app.services.scan_dataset import scan_key
from app.settings import Settings


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("import", help="make a project, or import flagged samples", description=__doc__)
    parser.add_argument("--project", required=True, help="the project's name; it is made when --root is given")
    parser.add_argument(
        "--root", type=Path, help="where the images lie: make the project from it, or add it as a source"
    )
    add_source_options(parser)
    parser.add_argument("--label-coding", "--label_coding", choices=["name", "index"], default="name")
    parser.add_argument("--file", type=Path, help="an export of flagged samples, or a folder that a detector wrote")
    add_format(parser)
    parser.add_argument(
        "--ignore-case", "--ignore_case", action="store_true", help="match paths that differ in case alone"
    )
    parser.add_argument("--source", default="", help="which tool made the export")
    parser.add_argument("--confidence-in-percent", "--confidence_in_percent", action="store_true")
    add_mapping(parser)
    step = parser.add_mutually_exclusive_group()
    step.add_argument(
        "--dry-run", "--dry_run", action="store_true", help="show what the file would change, and apply nothing"
    )
    step.add_argument("--apply", type=int, metavar="N", help="apply import N, which a dry run or a page previewed")
    step.add_argument("--discard", type=int, metavar="N", help="put import N aside, which waits to be applied")
    parser.add_argument("--data-dir", "--data_dir", type=Path)
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if not (args.root or args.file or args.apply or args.discard):
        raise InvalidInput("Give --root to make a project, --file to import flags, or both.")
    if args.file and (args.apply or args.discard):
        raise InvalidInput("--apply and --discard are about a file that was sent before: leave out --file.")
    settings = settings_from(args)
    database = open_database(settings)
    ensure_owner(database)
    slug = slugify(args.project)
    if args.root:
        _read_root(args, settings, database, slug)
        _say(args, f"Project {slug} reads {args.root}.")
    outcome = _outcome(args, settings, database, slug)
    if args.json:
        print(json.dumps({"project": slug, **outcome}, default=str))
    elif outcome:
        _print_outcome(outcome)
    return 0


def _outcome(args: argparse.Namespace, settings: Settings, database: Database, slug: str) -> dict[str, Any]:
    if args.apply:
        return apply_sent(settings, database, slug, args.apply)
    if args.discard:
        with database.writing() as session:
            access = owner_access(session, slug)
            preview_import.discard_import(session, access, args.discard)
            return asdict(view_imports.get_import(session, access, args.discard))
    if not args.file:
        return {}
    with database.writing() as session:
        mapping = read_mapping(args, session, owner_access(session, slug))
    return import_file(
        settings, database, slug, args.file, args.source, args.confidence_in_percent and mapping is None,
        format=args.format, ignore_case=args.ignore_case, mapping=mapping, preview=args.dry_run,
    )  # fmt: skip


def _read_root(args: argparse.Namespace, settings: Settings, database: Database, slug: str) -> None:
    options = options_of(args)
    with database.reading() as session:
        is_known = projects_repository.find_project(session, slug) is not None
    if is_known:
        read_source(settings, database, slug, args.root, args.kind, options)
    else:
        make_project(
            settings, database, args.project, args.root, label_coding=args.label_coding, kind=args.kind, options=options
        )


def _say(args: argparse.Namespace, text: str) -> None:
    print(text, file=sys.stderr if args.json else sys.stdout)


def _print_outcome(outcome: dict[str, Any]) -> None:
    if outcome["state"] == "discarded":
        print(f"{outcome['file_name']} (import {outcome['id']}) is discarded; nothing of it was applied.")
        return
    if outcome["state"] in ("unmapped", "previewed"):
        print("\n".join(describe_outcome(outcome)))
        return
    print(f"Read as {outcome['format_title']}. {outcome['scores_read']}")
    print(
        f"{outcome['rows_total']:,} rows: {outcome['rows_accepted']:,} accepted, "
        f"{outcome['rows_rejected']:,} rejected; "
        f"flags: {outcome['flags_new']:,} new, {outcome['flags_updated']:,} updated, "
        f"{outcome['flags_unchanged']:,} unchanged"
    )
    for warning in outcome["warnings"]:
        print(f"  note: {warning}")


def make_project(
    settings: Settings,
    database: Database,
    name: str,
    root: Path,
    *,
    label_coding: str = "name",
    kind: str = "",
    options: Mapping[str, str] | None = None,
) -> str:
    """Make a project from a source and list its images; return its slug. Who runs the command may read it anyway."""
    with database.writing() as session:
        place = root.expanduser().resolve()
        project = create_project(
            session, NoDoorbell(), None, name=name, root=str(place), roots=[Path(place.anchor)],
            label_coding=label_coding, kind=kind, options=options,
        )  # fmt: skip
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
    mapping: ColumnMapping | None = None,
    preview: bool = False,
) -> dict[str, Any]:
    """Import an export and wait for it, or with ``preview`` only look what it would do; return its figures."""
    data = read_export(file)
    with database.writing() as session:
        access = owner_access(session, slug)
        row = start_import(
            session, NoDoorbell(), access, folder=settings.folder("uploads"), file_name=file.name, data=data,
            source=source, confidence_in_percent=in_percent, format=format, ignore_case=ignore_case,
            mapping=mapping, preview=preview,
        )  # fmt: skip
        import_id, job_id = row.id, row.job_id
    if job_id:
        work_until_done(settings, database, job_id)
    return find_outcome(settings, database, slug, import_id)


def apply_sent(settings: Settings, database: Database, slug: str, import_id: int) -> dict[str, Any]:
    """Apply what was previewed, and wait for it."""
    with database.writing() as session:
        row = preview_import.apply_import(session, NoDoorbell(), owner_access(session, slug), import_id)
        job_id = row.job_id or 0
    work_until_done(settings, database, job_id)
    return find_outcome(settings, database, slug, import_id)
