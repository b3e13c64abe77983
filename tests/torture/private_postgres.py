"""A PostgreSQL cluster of one's own, to be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from tests.fixtures.served import free_port


def find_programs() -> Path | None:
    """The folder with ``initdb`` and ``pg_ctl``; None where there is none."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3])
    return folders[-1].parent if folders else None


class PrivatePostgres:
    """Commits as a team's server does: flushed before they are acknowledged."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._data, self._programs, self._port = folder, programs, free_port()
        # PostgreSQL refuses to run as root.
        self._as_user: dict[str, str] = {"user": "nobody"} if os.geteuid() == 0 else {}
        folder.mkdir()
        if self._as_user:
            shutil.chown(folder, "nobody")
            for parent in folder.parents[:-1]:
                parent.chmod(parent.stat().st_mode | 0o011)
        self._call("initdb", "-D", str(folder), "-U", "postgres", "-A", "trust", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = f"-p {self._port} -h 127.0.0.1 -k {self._data}"
        self._call("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._data / "log"), "-o", options, "start")

    def stop(self) -> None:
        """As a power cut of the server alone: nothing is finished, nothing is written."""
        self._call("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    def kill_backend(self) -> bool:
        """SIGKILL the process behind one connection; the server then drops all of them and recovers."""
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as admin:
            row = admin.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                " ORDER BY state = 'active' DESC, random() LIMIT 1"
            ).fetchone()
        if row is not None:
            os.kill(row[0], signal.SIGKILL)
        return row is not None

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=120, **self._as_user)
