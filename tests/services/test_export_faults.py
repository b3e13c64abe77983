"""Writing a version's files under faults: killed at any moment, or with a disk that fails at any write."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.adapters import files as adapter
from app.domain.errors import OutOfSpace
from app.services.write_deliverables import write_deliverables
from tests.services.test_versions import CHECKS, files, folder, reviewed, view

__all__ = ["reviewed"]  # a fixture

KILLS = 8

CHILD = """
import sys
from pathlib import Path
from app.db.session import Database
from app.services.write_deliverables import write_deliverables
database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
write_deliverables(database, 1, Path(sys.argv[2]))
print("done", flush=True)
"""


def start_writer(world) -> subprocess.Popen[str]:
    """A process that waits for a line, then writes the files of version 1."""
    url = world.database.engine.url.render_as_string(hide_password=False)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(world.settings.folder("versions"))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    return child


def go(child: subprocess.Popen[str]) -> None:
    child.stdin.write("go\n")
    child.stdin.flush()


def test_killed_at_any_moment_a_version_has_all_files_or_those_it_had(reviewed):
    reviewed.freeze(*CHECKS)
    reviewed.work()
    whole, listed = files(reviewed, 1), view(reviewed, 1).files
    child = start_writer(reviewed)
    begun = time.perf_counter()
    go(child)
    assert child.stdout.readline() == "done\n"
    seconds = time.perf_counter() - begun
    child.communicate()
    for path in folder(reviewed, 1).iterdir():
        path.unlink()
    rng, interrupted = random.Random(os.urandom(8)), 0
    for _ in range(KILLS):
        child = start_writer(reviewed)
        go(child)
        time.sleep(rng.uniform(0, seconds))
        child.send_signal(signal.SIGKILL)
        interrupted += child.communicate()[0] == ""
        there = {name: data for name, data in files(reviewed, 1).items() if not name.endswith(".part")}
        assert there.items() <= whole.items()  # every file is whole
        assert view(reviewed, 1).files == listed
    write_deliverables(reviewed.database, 1, reviewed.settings.folder("versions"))
    assert {name: data for name, data in files(reviewed, 1).items() if not name.endswith(".part")} == whole
    assert interrupted


def test_what_a_killed_writer_left_is_cleared_once_nobody_can_be_writing_it(reviewed):
    reviewed.freeze(*CHECKS)
    reviewed.work()
    old, young = folder(reviewed, 1) / ".a.csv.0123.part", folder(reviewed, 1) / ".b.csv.4567.part"
    for path in (old, young):
        path.write_text("half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    write_deliverables(reviewed.database, 1, reviewed.settings.folder("versions"))
    assert (old.exists(), young.exists()) == (False, True)


class FailingStream:
    """A file of which the n-th operation of the whole run fails."""

    def __init__(self, stream: Any, faults: Faults) -> None:
        self._stream, self._faults = stream, faults

    def write(self, data: Any) -> int:
        self._faults.pass_one()
        return self._stream.write(data)

    def __enter__(self) -> FailingStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Faults:
    def __init__(self, at: int, code: int) -> None:
        self.left, self.code = at, code

    def pass_one(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_any_write_sync_or_move_costs_nothing(reviewed, monkeypatch, code):
    reviewed.freeze(*CHECKS)
    reviewed.work()
    whole, listed = files(reviewed, 1), view(reviewed, 1).files
    target = reviewed.settings.folder("versions")
    expected = OutOfSpace if code == errno.ENOSPC else OSError
    failed, at = 0, 0
    while True:
        at += 1
        faults = Faults(at, code)
        with monkeypatch.context() as patch:
            inject(patch, faults)
            try:
                write_deliverables(reviewed.database, 1, target)
            except expected:
                failed += 1
        assert files(reviewed, 1) == whole  # nothing half written, nothing left over
        assert view(reviewed, 1).files == listed
        if faults.left > 0:
            break
        at += at // 4  # early writes one by one, later ones in growing steps
    assert failed >= 10


def inject(patch: pytest.MonkeyPatch, faults: Faults) -> None:
    opened, fsync, replace = Path.open, os.fsync, Path.replace

    def open_(path: Path, mode: str = "r", *more: Any, **options: Any) -> Any:
        stream = opened(path, mode, *more, **options)
        return FailingStream(stream, faults) if path.name.endswith(".part") else stream

    def sync(handle: int) -> None:
        faults.pass_one()
        fsync(handle)

    def move(path: Path, place: Path) -> Path:
        faults.pass_one()
        return replace(path, place)

    patch.setattr(Path, "open", open_)
    patch.setattr(Path, "replace", move)
    patch.setattr(adapter.os, "fsync", sync)
