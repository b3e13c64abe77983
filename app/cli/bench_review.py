"""``winnow bench review``: how long the next sample takes after a decision, with many flags in SQLite.

Measured over HTTP against a real server process on this machine, as a browser does it: post the decision, ask for the
queue's next sample. The page itself holds the next five samples already, so this is the time until it could know more.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from app.cli.environment import Subparsers, open_database
from app.cli.local_actor import ensure_owner, owner_access
from app.db.repositories import projects as projects_repository
from app.db.repositories import queueing
from app.db.session import Database
from app.domain.samples import SampleRef
from app.services import bench_data, users
from app.services.sign_in import Actor
from app.settings import Settings

SLUG = "bench"


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("review", help="time a decision and the next sample over HTTP")
    parser.add_argument("--flags", type=int, nargs="+", default=[2_000, 200_000], metavar="N")
    parser.add_argument("--decisions", type=int, default=200, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    figures = [bench_review(count, args.decisions) for count in args.flags]
    if args.json:
        print(json.dumps(figures, indent=1))
        return 0
    for figure in figures:
        print(
            f"{figure['flags']:>9,} flags: decision {_ms(figure['decision_ms'])}, next {_ms(figure['next_ms'])}, "
            f"both {_ms(figure['both_ms'])}  ({figure['decisions']} decisions, one client)"
        )
    return 0


def _ms(values: dict[str, float]) -> str:
    return f"median {values['median']:.1f} ms / p95 {values['p95']:.1f} / max {values['max']:.1f}"


def bench_review(flags: int, decisions: int) -> dict[str, Any]:
    """Milliseconds of each step, with ``flags`` flagged samples in a fresh SQLite database."""
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        settings = Settings(data_dir=Path(folder), redis_url=None, database_url=None)
        database = open_database(settings)
        token = _fill(database, flags)
        database.dispose()
        port = _free_port()
        server = _start(folder, port)
        try:
            return {"flags": flags, "decisions": decisions, **_measure(port, token, decisions)}
        finally:
            server.terminate()
            server.wait(20)


def _fill(database: Database, flags: int) -> str:
    ensure_owner(database)
    with database.writing() as session:
        project_id = bench_data.add_project(session, SLUG)
        refs = [SampleRef("train", f"train/class{n % 100}/{n:07d}.jpg", f"class{n % 100}") for n in range(flags)]
        projects_repository.add_classes(session, project_id, [f"class{n}" for n in range(100)])
        projects_repository.add_samples(session, project_id, refs)
        ids = list(projects_repository.sample_ids_by_key(session, project_id).values())
        bench_data.add_flags(session, project_id, ids)
        queueing.queue_samples(session, project_id, ids)
        access = owner_access(session, SLUG)
        actor: Actor = access.actor
        return users.make_token(session, actor, name="bench", days=1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(folder: str, port: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "WINNOW_DATA_DIR": folder, "WINNOW_PORT": str(port)}
    environment.pop("WINNOW_DATABASE_URL", None)
    environment.pop("WINNOW_REDIS_URL", None)
    command = [sys.executable, "-m", "app.cli.main", "serve", "--no-worker"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command line
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return server
    server.kill()
    raise RuntimeError("the server did not start within 20 seconds")


class _Client:
    """One connection that is kept open, without the 40 ms that a delayed acknowledgement would add."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[float, Any]:
        data = json.dumps(body) if body is not None else None
        begun = time.perf_counter()
        self._connection.request(method, f"/api/v1/projects/{SLUG}{path}", data, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        spent = (time.perf_counter() - begun) * 1000
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return spent, json.loads(text)


def _measure(port: int, token: str, decisions: int) -> dict[str, Any]:
    client = _Client(port, token)
    _, held = client.call("GET", "/queue?count=1")
    saves, nexts = [], []
    for _ in range(decisions):
        sample = held["items"][0]
        body = {
            "client_event_id": str(uuid.uuid4()), "base_version": 0, "manual": True, "decision": "keep",
            "lead_time_ms": 900,
        }  # fmt: skip
        saved, _ = client.call("POST", f"/samples/{sample['id']}/reviews", body)
        following, held = client.call("GET", "/queue?count=1")
        saves.append(saved)
        nexts.append(following)
    both = [a + b for a, b in zip(saves, nexts, strict=True)]
    return {"decision_ms": _spread(saves), "next_ms": _spread(nexts), "both_ms": _spread(both)}


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": statistics.median(ordered),
        "p95": ordered[int(len(ordered) * 0.95) - 1],
        "max": ordered[-1],
    }
