"""``winnow sources``: where a project's images lie, adding a source, moving one, and names to read for classes."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.adapters.datasets.contract import read_text
from app.cli.environment import Subparsers, open_database, settings_from
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access, work_until_done
from app.db.repositories import jobs as jobs_repository
from app.db.session import Database
from app.domain.errors import InvalidInput
from app.domain.formats.class_names import read_class_names
from app.domain.sources import SourceKind
from app.services import projects, sources
from app.services.scan_dataset import scan_key
from app.settings import Settings


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("sources", help="where a project's images lie", description=__doc__)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--project", required=True)
    shared.add_argument("--data-dir", "--data_dir", type=Path, help="where everything is kept (default ./data)")
    shared.add_argument("--json", action="store_true")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    actions.add_parser("list", help="list all sources", parents=[shared]).set_defaults(run=run_list)
    add = actions.add_parser("add", help="add a source and read it", parents=[shared])
    add.add_argument("root", type=Path, metavar="FOLDER_OR_TABLE")
    add_source_options(add)
    add.set_defaults(run=run_add)
    move = actions.add_parser("move", help="say where a source lies now", parents=[shared])
    move.add_argument("source", type=int, metavar="NUMBER")
    move.add_argument("root", type=Path, metavar="FOLDER")
    move.add_argument("--accept-missing", "--accept_missing", action="store_true", help="some images are gone for good")
    move.add_argument("--dry-run", "--dry_run", action="store_true", help="only tell what would be found there")
    move.set_defaults(run=run_move)
    titles = actions.add_parser("titles", help="give classes names to read, from a file", parents=[shared])
    titles.add_argument("file", type=Path)
    titles.set_defaults(run=run_titles)


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """What may be said of a source."""
    parser.add_argument("--kind", choices=[kind.value for kind in SourceKind], default="", help="recognised by default")
    parser.add_argument("--split", default="", help="the split, where folders and file names don't tell it")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="labels, classes, table, annotations, images and the names of columns, as the kind needs them",
    )  # fmt: skip


def options_of(args: argparse.Namespace) -> dict[str, str]:
    """The options as they were given.

    Raises:
        InvalidInput: one is not NAME=VALUE.
    """
    found = {"split": args.split} if args.split else {}
    for given in args.option:
        name, equals, value = given.partition("=")
        if not equals or not name.strip():
            raise InvalidInput(f"--option {given!r} is not NAME=VALUE, such as labels=val.txt.")
        found[name.strip()] = value
    return found


def read_source(
    settings: Settings, database: Database, slug: str, root: Path, kind: str, options: dict[str, str]
) -> int:
    """Add a source and wait until it was read; return its number. Who runs the command may read the folder anyway."""
    with database.writing() as session:
        access = owner_access(session, slug)
        place = root.expanduser().resolve()
        added = sources.add_source(
            session, NoDoorbell(), access, root=str(place), roots=[Path(place.anchor)], kind=kind, options=options
        )
        job = jobs_repository.find_live(session, scan_key(access.id))
        job_id = job.id if job else 0
    work_until_done(settings, database, job_id)
    return added.id


def _open(args: argparse.Namespace) -> tuple[Settings, Database]:
    settings = settings_from(args)
    database = open_database(settings)
    ensure_owner(database)
    return settings, database


def _list(database: Database, slug: str) -> list[dict[str, Any]]:
    with database.reading() as session:
        return [asdict(view) for view in sources.view_sources(session, owner_access(session, slug))]


def run_list(args: argparse.Namespace) -> int:
    _, database = _open(args)
    _show(_list(database, args.project), as_json=args.json)
    return 0


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, default=str))
        return
    for row in rows:
        options = "".join(f", {name} {value}" for name, value in sorted(row["options"].items()))
        print(f"{row['id']}: {row['root']} ({row['label']}{options}): {row['samples']:,} samples")


def run_add(args: argparse.Namespace) -> int:
    settings, database = _open(args)
    number = read_source(settings, database, args.project, args.root, args.kind, options_of(args))
    _show([row for row in _list(database, args.project) if row["id"] == number], as_json=args.json)
    return 0


def run_move(args: argparse.Namespace) -> int:
    settings, database = _open(args)
    place = args.root.expanduser().resolve()
    job_id = 0
    with database.writing() as session:
        access = owner_access(session, args.project)
        roots = [Path(place.anchor)]
        if args.dry_run:
            move = sources.look_at_move(session, access, args.source, str(place), roots)
        else:
            move = sources.move_source(
                session, NoDoorbell(), access, args.source, root=str(place), roots=roots,
                accept_missing=args.accept_missing,
            )  # fmt: skip
            job = jobs_repository.find_live(session, scan_key(access.id))
            job_id = job.id if job else 0
    if job_id:
        work_until_done(settings, database, job_id)
    if args.json:
        print(json.dumps(asdict(move)))
    else:
        found = move.looked_for - move.missing
        print(f"{move.root}: {found:,} of {move.looked_for:,} images that were looked for are there")
    return 0


def run_titles(args: argparse.Namespace) -> int:
    _, database = _open(args)
    titles = read_class_names(read_text(args.file), args.file.name).titles
    with database.writing() as session:
        changed = projects.set_titles(session, owner_access(session, args.project), titles)
    print(json.dumps({"changed": changed}) if args.json else f"{changed:,} classes have another name to read.")
    return 0
