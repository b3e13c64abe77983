"""Putting a backup back: all of it, or nothing.

Everything is checked and written beside its place first, in the folder ``.restore``. The file ``READY`` in it says that
this is done; from there on a restore that is killed is finished by whoever opens the data folder next. With PostgreSQL
that depends on whether the database's transaction was committed: it carries the restore's number.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adapters.backup_archive import BackupReader, open_backup
from app.adapters.files import sync_folder
from app.adapters.folder_lock import hold_folder
from app.db import backup as dump
from app.db.base import utc_now
from app.db.migrate import knows_revision
from app.domain.errors import InvalidFile, InvalidInput, NotReady
from app.services.make_backup import SQLITE_FILE
from app.settings import Settings

STAGING = ".restore"
READY = "READY"
SQLITE_NAME = "winnow.db"
FOLDERS = ("versions", "uploads", "results", "fingerprints")
"""What is replaced as a whole. Fingerprints can be made again; those of other projects must not be taken for ours."""

BESIDE_SQLITE = ("winnow.db-wal", "winnow.db-shm", "winnow.db-journal")
"""These belong to the database that is replaced; beside the new one they would damage it."""


@dataclass(frozen=True)
class Restored:
    """What came back. ``replaced`` is where the earlier files of the data folder are now."""

    taken_at: str
    rows: int
    files: int
    missing: list[str]
    replaced: Path | None


def restore_backup(settings: Settings, path: Path, *, force: bool = False) -> Restored:
    """Check the whole backup, then put it into an empty data folder and database; ``force`` replaces what is there.

    Raises:
        InvalidFile: the backup is damaged, cut off, or of another kind; nothing changed.
        InvalidInput: a server runs in this folder, or people have worked here and ``force`` is not given.
        NotReady: something else is connected to the PostgreSQL database.
    """
    with open_backup(path) as reader, hold_folder(settings.folder(".")):
        settle_restore(settings)
        _check_fits(settings, reader)
        if not force:
            _check_empty(settings)
        reader.check()
        return _restore(settings, reader)


def _check_fits(settings: Settings, reader: BackupReader) -> None:
    kind = _kind(settings)
    if reader.told["database"] != kind:
        raise InvalidFile(
            f"The backup is of a {reader.told['database']} database, but the settings name a {kind} one. "
            "Set WINNOW_DATABASE_URL to one of the backup's kind."
        )
    if not knows_revision(reader.told["revision"]):
        raise InvalidFile(
            f"The backup was made by Winnow {reader.told['winnow']} and stands at migration {reader.told['revision']}, "
            "which this release does not know. Restore it with that release or a newer one."
        )


def _kind(settings: Settings) -> str:
    return "sqlite" if settings.resolved_database_url.startswith("sqlite") else "postgresql"


def _sqlite_path(settings: Settings) -> Path:
    if settings.database_url is not None:
        raise InvalidInput("A SQLite backup is restored into the data folder. Leave WINNOW_DATABASE_URL out.")
    return settings.data_dir.resolve() / SQLITE_NAME


def _check_empty(settings: Settings) -> None:
    hint = "Choose an empty one, or replace what is there with --force."
    home = settings.data_dir.resolve()
    for name in FOLDERS[:2]:
        if any(path.is_file() for path in (home / name).rglob("*")):
            raise InvalidInput(f"There are files in {home / name}. {hint}")
    is_there = _kind(settings) == "postgresql" or _sqlite_path(settings).exists()
    if is_there and dump.has_people_or_projects(settings.resolved_database_url):
        raise InvalidInput(f"People have worked in the database already. {hint}")


def _restore(settings: Settings, reader: BackupReader) -> Restored:
    home, told = settings.data_dir.resolve(), reader.told
    staging = home / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    stamp = utc_now()
    note = {"restore": str(uuid.uuid4()), "taken_at": told["taken_at"], "by": f"Winnow {told['winnow']}"}
    plan = {**note, "database": told["database"], "replaced": f"replaced-{stamp:%Y%m%d-%H%M%S}-{note['restore'][:6]}"}
    try:
        _stage_files(reader, staging)
        if told["database"] == "sqlite":
            _stage_sqlite(settings, reader, staging, note)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    with _ready(staging, plan):
        if told["database"] == "postgresql":
            _fill_postgres(settings, reader, note, staging)
        replaced = _move_in(home, plan)
    rows = sum(told["rows"].values())
    return Restored(told["taken_at"], rows, len(reader.members), told["missing"], replaced)


def _stage_files(reader: BackupReader, staging: Path) -> None:
    for folder in FOLDERS:
        (staging / folder).mkdir(mode=0o700)
        for member in reader.below(folder):
            reader.unpack(member, staging / member.name)


def _stage_sqlite(settings: Settings, reader: BackupReader, staging: Path, note: dict[str, Any]) -> None:
    _sqlite_path(settings)
    member = next((m for m in reader.members if m.name == SQLITE_FILE), None)
    if member is None:
        raise InvalidFile(f"The backup has no {SQLITE_FILE}.")
    # Worked on under another name, which ends as the right one only when all is done.
    target = staging / "database"
    reader.unpack(member, target)
    target.chmod(0o600)
    dump.settle_sqlite(target, reader.told["rows"], note)
    target.rename(staging / SQLITE_NAME)


def _fill_postgres(settings: Settings, reader: BackupReader, note: dict[str, Any], staging: Path) -> None:
    members = {m.name: m for m in reader.below("database")}
    tables = ((name, reader.read(members[f"database/{name}.rows"])) for name in reader.told["rows"])
    url, revision = settings.resolved_database_url, reader.told["revision"]
    try:
        dump.fill_postgres(url, revision, reader.told["rows"], tables, note)
    except Exception:
        # Not where the connection broke in the commit itself: then only the database knows.
        if not dump.was_restored(url, note["restore"]):
            shutil.rmtree(staging, ignore_errors=True)
        raise


@contextmanager
def _ready(staging: Path, plan: dict[str, Any]) -> Iterator[None]:
    """Say that everything lies ready, and hold the note, so that nobody finishes what is still going on."""
    part = staging / f"{READY}.part"
    handle = os.open(part, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(handle, json.dumps(plan).encode())
        os.fsync(handle)
        fcntl.flock(handle, fcntl.LOCK_EX)
        part.rename(staging / READY)
        sync_folder(staging)
        yield
    finally:
        os.close(handle)


def _move_in(home: Path, plan: dict[str, Any]) -> Path | None:
    """Put what lies ready into its place, and what was there aside. Safe to repeat from wherever it was cut off."""
    staging, aside = home / STAGING, home / plan["replaced"]
    names = [*FOLDERS, *([SQLITE_NAME] if plan["database"] == "sqlite" else [])]
    for name in names:
        if not (staging / name).exists():
            continue
        for old in (*(BESIDE_SQLITE if name == SQLITE_NAME else ()), name):
            if (home / old).exists():
                aside.mkdir(exist_ok=True, mode=0o700)
                (home / old).rename(aside / old)
        (staging / name).rename(home / name)
    sync_folder(home)
    shutil.rmtree(staging)
    return aside if aside.exists() else None


def settle_restore(settings: Settings) -> None:
    """Finish a restore that was cut off, or clear away one that had not come far enough.

    Raises:
        NotReady: one is going on right now.
    """
    home = settings.data_dir.resolve()
    note = home / STAGING / READY
    try:
        handle = os.open(note, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotReady(f"A backup is being restored into {home}. Wait until that is done.") from None
        plan = json.loads(os.read(handle, 1 << 16))
        if plan["database"] == "sqlite" or dump.was_restored(settings.resolved_database_url, plan["restore"]):
            _move_in(home, plan)
        else:
            shutil.rmtree(home / STAGING)
    finally:
        os.close(handle)
