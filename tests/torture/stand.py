"""Winnow's processes under torture: started as people start them, killed without warning, started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fixtures.served import Served
from tests.torture.private_postgres import PrivatePostgres, find_programs
from tests.torture.private_redis import PrivateRedis


class Missing(Exception):
    """What this machine lacks for a stand."""


def write_images(root: Path, count: int, *, classes: tuple[str, ...] = ("a", "b")) -> None:
    """Tiny pictures, each of its own bytes, in ``root/train/<class>``."""
    for number in range(count):
        folder = root / "train" / classes[number % len(classes)]
        if number < len(classes):
            folder.mkdir(parents=True)
        (folder / f"{number:06}.png").write_bytes(tiny_png(number))


def tiny_png(number: int) -> bytes:
    """A picture of 4 x 4 pixels in colours of its own."""
    rng = random.Random(number)
    rows = b"".join(b"\0" + rng.randbytes(12) for _ in range(4))

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    header = (4).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Stand:
    """A server, its worker, and for ``postgresql`` a cluster and a Redis of their own."""

    def __init__(self, backend: str, folder: Path, roots: list[Path], **environment: str) -> None:
        self.backend, self.folder = backend, folder
        self.postgres: PrivatePostgres | None = None
        self.redis: PrivateRedis | None = None
        self._team_worker: subprocess.Popen[bytes] | None = None
        if backend == "postgresql":
            environment |= self._start_services()
        self.served = Served(folder / "data", roots=roots, **environment)

    def _start_services(self) -> dict[str, str]:
        programs, redis_server = find_programs(), shutil.which("redis-server")
        if programs is None or redis_server is None:
            raise Missing("initdb and redis-server are needed: their processes are killed, so they must be our own")
        self.postgres, self.redis = (
            PrivatePostgres(self.folder / "cluster", programs),
            PrivateRedis(redis_server, self.folder),
        )
        self.postgres.start()
        self.redis.start()
        return {"WINNOW_DATABASE_URL": self.postgres.url, "WINNOW_REDIS_URL": self.redis.url}

    def add_people(self, names: list[str], *options: str) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda name: self.served.add_user(name, *options), names))

    def start(self) -> None:
        self.start_server()
        if self.backend == "postgresql":
            self.start_worker()

    def start_server(self) -> None:
        self.served.start()

    def start_worker(self) -> None:
        self._team_worker = self.served.start_worker()

    # -- faults --------------------------------------------------------------------------------------------------

    @property
    def faults(self) -> list[str]:
        more = ["database process", "database", "redis", "redis content"] if self.backend == "postgresql" else []
        return ["server", "worker", *more]

    def fault(self, what: str) -> bool:
        """Do it, and bring back what does not come back by itself. False: there was nothing to hit."""
        return bool(getattr(self, "_kill_" + what.replace(" ", "_"))())

    def _kill_server(self) -> bool:
        server = self.served.processes.pop(0)
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        self.served.start()
        # The server stands first, before the worker.
        self.served.processes.insert(0, self.served.processes.pop())
        return True

    def _kill_worker(self) -> bool:
        was_there = self.stop_worker()
        self.revive_worker()
        return was_there

    def stop_worker(self) -> bool:
        """SIGKILL the worker with all that it started. False: there was none just then."""
        if self._team_worker is None:
            workers = children_of(self.served.processes[0].pid)
            for pid in workers:
                kill_group(pid)
            return bool(workers)
        kill_group(self._team_worker.pid)
        self._team_worker.wait()
        self.served.processes.remove(self._team_worker)
        return True

    def revive_worker(self) -> None:
        """The embedded worker is started again by its server, some seconds after its death."""
        if self._team_worker is not None:
            self.start_worker()

    def _kill_database_process(self) -> bool:
        assert self.postgres is not None
        return self.postgres.kill_backend()

    def _kill_database(self) -> bool:
        assert self.postgres is not None
        self.postgres.stop()
        self.postgres.start()
        return True

    def _kill_redis(self) -> bool:
        assert self.redis is not None
        self.redis.kill()
        self.redis.start()
        return True

    def _kill_redis_content(self) -> bool:
        assert self.redis is not None
        self.redis.empty()
        return True

    def stop(self) -> None:
        self.served.stop()
        if self.redis:
            self.redis.kill()
        if self.postgres:
            self.postgres.stop()


def children_of(pid: int) -> list[int]:
    """Processes that a process started and that still run."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in found for child in path.read_text().split()]


def kill_group(pid: int) -> None:
    """SIGKILL a process, its group and its children, which decode images in groups of their own."""
    children = children_of(pid)
    for one in (pid, *children):
        try:
            os.killpg(os.getpgid(one), signal.SIGKILL)
        except ProcessLookupError:
            continue
