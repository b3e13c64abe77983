"""Backups: taken while people work, put back whole or not at all, and leading to the same files byte for byte."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.cli.environment import open_database
from app.db.models.accounts import AuditEntry, User
from app.db.models.reviews import ReviewEvent
from app.db.models.versions import Version
from app.db.session import Database
from app.domain.errors import InvalidFile, InvalidInput, NotReady
from app.services.make_backup import make_backup
from app.services.restore_backup import restore_backup
from app.services.write_deliverables import write_deliverables
from app.settings import Settings
from tests.fixtures.databases import both_backends
from tests.fixtures.world import World


@pytest.fixture
def saved(filled, tmp_path) -> Path:
    path = tmp_path / "saved.zip"
    made = make_backup(filled.database, filled.settings.data_dir, path)
    assert made.missing == []
    return path


@pytest.fixture
def new_place(settings, tmp_path, backend, request):
    """Makes settings of a fresh machine: an empty data folder, an empty database of the same kind."""

    def make(name: str = "new") -> Settings:
        url = request.getfixturevalue("make_postgres_database")() if backend == "postgresql" else None
        return settings.model_copy(update={"data_dir": tmp_path / name, "database_url": url})

    return make


MOVES = "app.services.restore_backup"


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def events_of(url: str) -> list[str]:
    database = Database(url)
    with database.reading() as session:
        found = list(session.scalars(select(ReviewEvent.client_event_id).order_by(ReviewEvent.id)))
    database.dispose()
    return found


class Writers:
    """Reviewers who go on answering in threads, until the block ends."""

    def __init__(self, world: World) -> None:
        self._world, self._stop, self.acknowledged = world, threading.Event(), 0
        self._threads = [threading.Thread(target=self._answer, args=(name,)) for name in ("alice", "bob")]

    def _answer(self, name: str) -> None:
        keys, done = sorted(self._world.ids), 0
        while not self._stop.is_set():
            self._world.submit(name, keys[done % len(keys)], "keep" if done % 2 else "remove")
            done += 1
            self.acknowledged += 1

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        while self.acknowledged < 4:
            threading.Event().wait(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@both_backends
def test_a_backup_taken_under_load_is_one_moment_and_leads_to_the_same_files(filled, new_place, tmp_path):
    before = files_below(filled.settings.folder("versions"))
    at_least = len(filled.events())
    with Writers(filled) as writers:
        made = make_backup(filled.database, filled.settings.data_dir, tmp_path / "saved.zip")
        seen = writers.acknowledged
        while writers.acknowledged < seen + 4:
            threading.Event().wait(0.01)
    assert made.missing == []
    filled.database.dispose()
    place = new_place()
    restored = restore_backup(place, tmp_path / "saved.zip")
    assert restored.replaced is None
    assert restored.rows == made.rows
    all_events, kept = events_of(filled.settings.resolved_database_url), events_of(place.resolved_database_url)
    assert at_least + 4 <= len(kept) < len(all_events)
    assert kept == all_events[: len(kept)]

    assert files_below(place.folder("versions")) == before
    database = open_database(place)
    with database.reading() as session:
        numbers = list(session.scalars(select(Version.id)))
    assert numbers
    shutil.rmtree(place.folder("versions"))
    for version_id in numbers:
        write_deliverables(database, version_id, place.folder("versions"))
    assert files_below(place.folder("versions")) == before

    # People go on where they were: the queued import is done, and new rows get new ids.
    there = World(place, database, filled.doorbell, filled.root, ids=filled.ids)
    there.work()
    there.submit("alice", "train/cat/3.png", "keep")
    assert there.import_(2).rows_accepted == 1
    assert there.freeze("undecided", "open_conflicts", "open_leaks", "class_share", "lost_group", "both_sides") == 2
    with database.reading() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "restored")).one().detail
    assert told["taken_at"] == restored.taken_at
    database.dispose()


@both_backends
def test_a_place_where_people_worked_is_replaced_only_by_force(filled, saved, new_place):
    place = new_place()
    old = open_database(place)
    with old.writing() as session:
        session.add(User(username="earlier", display_name="Earlier"))
    old.dispose()
    (place.folder("uploads") / "earlier.csv").write_text("x")
    with pytest.raises(InvalidInput, match="--force"):
        restore_backup(place, saved)
    (place.folder("uploads") / "earlier.csv").unlink()
    with pytest.raises(InvalidInput, match="People have worked"):
        restore_backup(place, saved)
    assert names_in(place) == {"earlier"}
    (place.folder("uploads") / "earlier.csv").write_text("x")
    restored = restore_backup(place, saved, force=True)
    assert "alice" in names_in(place)
    assert "earlier" not in names_in(place)
    assert restored.replaced is not None
    assert (restored.replaced / "uploads" / "earlier.csv").exists()
    assert not (place.data_dir / ".restore").exists()


def names_in(place: Settings) -> set[str]:
    database = Database(place.resolved_database_url)
    with database.reading() as session:
        found = {name for name in session.scalars(select(User.username)) if name}
    database.dispose()
    return found


@pytest.mark.parametrize("backend", [pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True)
def test_nothing_is_replaced_while_somebody_is_connected(filled, saved, new_place):
    place = new_place()
    database = open_database(place)
    with database.reading() as session:
        session.scalar(select(func.count()).select_from(User))
        with pytest.raises(NotReady, match="Stop the web server"):
            restore_backup(place, saved)
    database.dispose()
    assert not (place.data_dir / ".restore").exists()
    assert names_in(place) == set()
    restore_backup(place, saved)
    assert "alice" in names_in(place)


def changed(path: Path, change) -> Path:
    """The same backup with its members changed: name to bytes."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    change(members)
    target = path.with_name("changed.zip")
    with zipfile.ZipFile(target, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)
    return target


def _flip(members):
    name = next(name for name in members if name.startswith("versions/"))
    members[name] = members[name][:-1] + b"?"


def _escape(members):
    told = json.loads(members["MANIFEST.json"])
    name = next(f["name"] for f in told["files"] if f["name"].startswith("uploads/"))
    next(f for f in told["files"] if f["name"] == name)["name"] = "uploads/../../out"
    members["uploads/../../out"] = members.pop(name)
    members["MANIFEST.json"] = json.dumps(told).encode()


def _newer(members):
    members["MANIFEST.json"] = members["MANIFEST.json"].replace(b'"revision": "00', b'"revision": "99')


def _rows(members):
    told = json.loads(members["MANIFEST.json"])
    told["rows"]["users"] += 1
    members["MANIFEST.json"] = json.dumps(told).encode()


BROKEN = {
    "a byte changed": (_flip, "is not what was written"),
    "a file added": (lambda members: members.update({"uploads/more.csv": b""}), "uploads/more.csv is not both"),
    "no manifest": (lambda members: members.pop("MANIFEST.json"), "no backup"),
    "a path leads out": (_escape, "outside of its folders"),
    "of a newer release": (_newer, "does not know"),
    "another number of rows": (_rows, "rows of users"),
}


@pytest.mark.parametrize(("change", "said"), BROKEN.values(), ids=BROKEN)
def test_a_backup_that_is_not_whole_changes_nothing(saved, new_place, change, said):
    place = new_place()
    with pytest.raises(InvalidFile, match=said):
        restore_backup(place, changed(saved, change))
    assert set(files_below(place.data_dir)) <= {"server.lock"}


def test_a_backup_that_was_cut_off_is_none(saved, new_place):
    cut = saved.with_name("cut.zip")
    cut.write_bytes(saved.read_bytes()[:-200])
    with pytest.raises(InvalidFile, match="no whole backup"):
        restore_backup(new_place(), cut)


def test_a_backup_is_for_its_owner_alone_and_leaves_nothing_beside_it(saved, filled):
    assert saved.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in saved.parent.glob(".*")] == []


def test_a_backup_is_of_its_own_kind_of_database(saved, new_place):
    place = new_place().model_copy(update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"})
    with pytest.raises(InvalidFile, match="the backup's kind"):
        restore_backup(place, saved)


def test_files_that_are_gone_are_named(filled, tmp_path, new_place):
    gone = next(filled.settings.folder("versions").rglob("*_removal_list.txt"))
    gone.write_text("somebody wrote this by hand")
    upload = next(filled.settings.folder("uploads").iterdir())
    upload.unlink()
    made = make_backup(filled.database, filled.settings.data_dir, tmp_path / "saved.zip")
    assert sorted(Path(path).name for path in made.missing) == sorted([gone.name, upload.name])
    assert restore_backup(new_place(), tmp_path / "saved.zip").missing == made.missing


def _killed_at(step: int, place: Settings, path: Path) -> bool:
    """Restore in a child that kills itself before its ``step``-th flush or move; whether it came that far."""
    pid = os.fork()
    if pid == 0:
        _count_down(step)
        restore_backup(place, path, force=True)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def _count_down(step: int) -> None:
    left = [step]

    def guarded(real, every=1):
        calls = [0]

        def call(*args, **options):
            calls[0] += 1
            left[0] -= calls[0] % every == 0
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **options)

        return call

    # Each file of the backup is flushed once: some of these moments are enough.
    os.fsync, Path.rename = guarded(os.fsync, every=6), guarded(Path.rename)  # type: ignore[method-assign]
    shutil.rmtree = guarded(shutil.rmtree)  # type: ignore[assignment]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of a fork beside threads, which do nothing here
@both_backends
def test_killed_at_any_step_all_is_old_or_all_is_new(filled, saved, new_place, backend):
    filled.database.dispose()
    fresh = files_below(filled.settings.folder("versions"))
    place, outcomes = new_place(), []
    for step in range(1, 60, 1 if backend == "sqlite" else 4):
        mark = f"mark-{step}"
        database = open_database(place)
        with database.writing() as session:
            session.add(User(username=mark, display_name="Earlier"))
        database.dispose()
        (place.folder("versions/pets/v1") / "old.txt").write_text(mark)
        earlier = files_below(place.folder("versions"))
        was_killed = _killed_at(step, place, saved)
        open_database(place).dispose()  # as any command does
        is_old = mark in names_in(place)
        assert files_below(place.folder("versions")) == (earlier if is_old else fresh)
        assert is_old or "alice" in names_in(place)
        outcomes.append(is_old)
        if not was_killed:
            break
    assert outcomes == sorted(outcomes, reverse=True)  # up to some step the old one stays, from there on it is new
    assert outcomes.count(True) >= 2
    assert outcomes.count(False) >= 2


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("backend", [pytest.param("postgresql", marks=pytest.mark.servers)], indirect=True)
@pytest.mark.parametrize(("moment", "is_new"), [("app.db.backup._note", False), (f"{MOVES}._move_in", True)])
def test_files_follow_the_databases_transaction(filled, saved, new_place, moment, is_new):
    """Killed before its commit nothing is moved; killed after it, the files still come."""
    filled.database.dispose()
    fresh = files_below(filled.settings.folder("versions"))
    place = new_place()
    open_database(place).dispose()
    (place.folder("versions/pets/v1") / "old.txt").write_text("old")
    pid = os.fork()
    if pid == 0:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(moment, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            restore_backup(place, saved, force=True)
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    open_database(place).dispose()
    assert ("alice" in names_in(place)) == is_new
    assert files_below(place.folder("versions")) == (fresh if is_new else {"pets/v1/old.txt": b"old"})
