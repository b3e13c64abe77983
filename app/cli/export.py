"""``winnow export``: freeze a version if asked, and copy its deliverables into a folder."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import BinaryIO

from app.adapters.files import write_atomically
from app.cli.environment import Subparsers, open_database, settings_from
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access, work_until_done
from app.db.models.versions import Version
from app.db.repositories import versions as versions_repository
from app.db.session import Database, Session
from app.domain.errors import NotFound, NotReady
from app.services import version_files
from app.services.freeze_version import freeze_version
from app.services.projects import Access
from app.services.version_pictures import picture_cache
from app.services.write_deliverables import write_deliverables
from app.settings import Settings


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("export", help="write removal list, relabel map and the rest", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.add_argument("--version", type=int, metavar="N", help="which version (default: the newest)")
    parser.add_argument("--freeze", action="store_true", help="freeze a new version first")
    parser.add_argument("--accept", nargs="*", default=[], metavar="CHECK", help="checks to accept when freezing")
    parser.add_argument("--note", default="", help="a note for the new version")
    parser.add_argument("--rewrite", action="store_true", help="write the files again from the database first")
    parser.add_argument("--zip", action="store_true", help="one zip instead of single files")
    parser.add_argument("--data-dir", "--data_dir", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    database = open_database(settings)
    ensure_owner(database)
    number = args.version
    if args.freeze:
        number = freeze(settings, database, args.project, note=args.note, accept=args.accept)
    written = copy_deliverables(
        settings, database, args.project, number, args.output, rewrite=args.rewrite, as_zip=args.zip
    )
    if args.json:
        print(json.dumps({"project": args.project, "files": [str(path) for path in written]}))
    else:
        for path in written:
            print(path)
    return 0


def freeze(settings: Settings, database: Database, slug: str, *, note: str, accept: list[str]) -> int:
    """Freeze a version and wait for its files; return its number."""
    try:
        with database.reading() as session:
            actor = owner_access(session, slug).actor
        version = freeze_version(database, NoDoorbell(), actor, slug, note=note, accept=accept)
    except NotReady as error:
        names = " ".join([*accept, *error.details.get("checks", ())])
        raise NotReady(f"{error.message} What need not be mended can be accepted: --accept {names}") from None
    work_until_done(settings, database, version.job_id or 0)
    return version.number


def copy_deliverables(
    settings: Settings,
    database: Database,
    slug: str,
    number: int | None,
    output: Path,
    *,
    rewrite: bool = False,
    as_zip: bool = False,
) -> list[Path]:
    """Copy a version's files, each whole or not at all; return their paths."""
    folder = settings.folder("versions")
    with database.reading() as session:
        access = owner_access(session, slug)
        version = find_version(session, access, number)
    if rewrite:
        with picture_cache(settings) as cache:
            write_deliverables(database, version.id, folder, cache=cache)
    with database.reading() as session:
        access = owner_access(session, slug)
        if as_zip:
            target = output / f"{slug}_v{version.number}.zip"
            write_atomically(
                target, lambda stream: version_files.write_zip(session, access, version.number, folder, stream)
            )
            return [target]
        names = [file.name for file in versions_repository.list_files(session, version.id)]
        paths = [version_files.find_file(session, access, version.number, name, folder) for name in names]
        if not paths:
            raise NotFound(f"The files of version {version.number} are not written yet. Try --rewrite.")
        # Last, so that it vouches for files that are there.
        paths.append(version_files.find_manifest(session, access, version.number, folder))
    return [_copy(path, output / path.name) for path in paths]


def find_version(session: Session, access: Access, number: int | None) -> Version:
    """The version of this number, or the newest.

    Raises:
        NotFound: there is no such version, or none at all.
    """
    versions = versions_repository.list_versions(session, access.id)
    if not versions:
        raise NotFound(f"{access.project.name} has no version yet. Freeze one: add --freeze.")
    return versions_repository.get_version(session, access.id, number) if number else versions[0]


def _copy(source: Path, target: Path) -> Path:
    def copy(stream: BinaryIO) -> None:
        with source.open("rb") as data:
            shutil.copyfileobj(data, stream)

    write_atomically(target, copy)
    return target
