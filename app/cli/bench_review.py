"""``winnow bench review``: reviewers at work over HTTP on a real server process, with many flags.

Three measurements in a row on one server: one reviewer alone; ``--reviewers`` who decide twice a second each, open a
grid of 200 and its thumbnails now and then; eight who don't pause. A leak run goes on meanwhile with ``--leaks``. The
clients share this machine's cores with the server: what the server itself takes of them stands beside its rate. What it
acknowledged is counted in the database afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from app.cli.bench_load import Tally, run_reviewers, spread
from app.cli.environment import Subparsers, open_database
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access
from app.db.repositories import projects as projects_repository
from app.db.session import Database
from app.domain.leaks import MatchMethod
from app.domain.samples import SampleRef
from app.services import bench_data, leak_runs
from app.services.leak_runs import LeakParams
from app.settings import Settings

SLUG, OTHER = "bench", "pictures"
API = f"/api/v1/projects/{SLUG}"
PICTURES = 400
"""Samples that have a picture; the others are rows without a file."""


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("review", help="time reviewers at work over HTTP", description=__doc__)
    parser.add_argument("--flags", type=int, nargs="+", default=[2_000, 200_000], metavar="N")
    parser.add_argument("--reviewers", type=int, default=20, metavar="N")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="length of each measurement")
    parser.add_argument("--leaks", action="store_true", help="let a leak run go on meanwhile")
    parser.add_argument("--postgresql", metavar="URL", help="an empty database instead of a fresh SQLite file")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    figures = [bench_review(count, args) for count in args.flags]
    if args.json:
        print(json.dumps(figures, indent=1))
    else:
        for figure in figures:
            _print(figure)
    return 0 if all(not figure["errors"] and not figure["lost"] for figure in figures) else 1


def _print(figure: dict[str, Any]) -> None:
    run = ", a leak run going on" if figure["leak_run"] else ""
    print(f"{figure['flags']:,} flags in {figure['database']}{run}; import {figure['import_s']:.1f} s")
    for part in figure["parts"]:
        took = f", {part['cpu_ms']:.1f} ms of a core each" if part["cpu_ms"] is not None else ""
        print(
            f"  {part['who']}: {part['decisions']:,} decisions, {part['rate']:.1f}/s{took}, {part['twice']} given twice"
        )
        for kind, values in part["times"].items():
            print(
                f"    {kind:<17} median {values['median']:7.1f} ms  p95 {values['p95']:7.1f}  max {values['max']:7.1f}"
            )
    print(f"  lost decisions: {figure['lost']}; errors: {len(figure['errors'])} {figure['errors'][:1] or ''}")


def bench_review(flags: int, args: argparse.Namespace) -> dict[str, Any]:
    """All measurements with ``flags`` flagged samples in a fresh database."""
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        settings = Settings(data_dir=Path(folder), redis_url=None, database_url=args.postgresql)
        database = open_database(settings)
        root = bench_data.draw_pictures(Path(folder) / "pictures", PICTURES)
        imported = _fill(database, settings, root, flags)
        tokens = bench_data.add_reviewers(database, SLUG, args.reviewers)
        if args.leaks:
            _start_leaks(database, settings, root)
        port = _free_port()
        server = _start(settings, port, with_worker=args.leaks)
        try:
            return _measure(database, server.pid, port, tokens, flags, imported, args)
        finally:
            server.terminate()
            server.wait(30)
            database.dispose()


def _fill(database: Database, settings: Settings, root: Path, flags: int) -> float:
    """Make the project, and import its flags from a CSV; return the seconds of the import alone."""
    ensure_owner(database)
    with database.writing() as session:
        source = bench_data.add_source(session, SLUG, root)
        names = [f"class{n}" for n in range(100)]
        projects_repository.add_classes(session, source.project_id, names)
        refs = [SampleRef("train", f"train/{names[n % 100]}/{n:07d}.jpg", names[n % 100]) for n in range(flags)]
        projects_repository.add_samples(session, source, refs)
    return bench_data.import_flags(database, settings, SLUG, [ref.key for ref in refs])


def _start_leaks(database: Database, settings: Settings, root: Path) -> None:
    """Queue a leak run over pictures of another project, with more of them than the measurement lasts."""
    with database.writing() as session:
        source = bench_data.add_source(session, OTHER, root)
        keys = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))
        refs = [SampleRef(split, key, "any") for key in keys for split in ("train",)]
        projects_repository.add_samples(session, source, refs)
    with database.writing() as session:
        params = LeakParams(methods=(MatchMethod.EXACT, MatchMethod.PERCEPTUAL, MatchMethod.VERIFIED), scope="within")
        access = owner_access(session, OTHER)
        leak_runs.start_leak_run(session, NoDoorbell(), access, params, shard_size=settings.shard_size)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(settings: Settings, port: int, *, with_worker: bool) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "WINNOW_DATA_DIR": str(settings.data_dir), "WINNOW_PORT": str(port)}
    for name in ("WINNOW_DATABASE_URL", "WINNOW_REDIS_URL"):
        environment.pop(name, None)
    if settings.database_url:
        environment["WINNOW_DATABASE_URL"] = settings.database_url
    command = [sys.executable, "-m", "app.cli.main", "serve", *([] if with_worker else ["--no-worker"])]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)  # noqa: S603 - our own command
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return server
    server.kill()
    raise RuntimeError("the server did not start within 30 seconds")


def _measure(
    database: Database,
    server: int,
    port: int,
    tokens: list[str],
    flags: int,
    imported: float,
    args: argparse.Namespace,
) -> dict[str, Any]:
    # What a first request loads is no figure; nor is that it notes somebody's arrival, which a page does for people.
    run_reviewers(port, API, tokens[:1], seconds=2, pause=0.05)
    run_reviewers(port, API, tokens, seconds=1, pause=0.5)
    before = bench_data.count_reviews(database)
    parts, errors, done = [], [], 0
    for who, some, pause in (
        ("1 reviewer without pause", tokens[:1], 0.0),
        (f"{len(tokens)} reviewers, 2 decisions/s each", tokens, 0.5),
        ("8 reviewers without pause", tokens[:8], 0.0),
    ):
        busy = _cpu_seconds(server)
        tally, took = run_reviewers(port, API, some, seconds=args.seconds, pause=pause)
        parts.append(_part(who, tally, took, busy, _cpu_seconds(server)))
        errors += tally.errors
        done += len(tally.decided)
    lost = done - (bench_data.count_reviews(database) - before)
    return {
        "flags": flags, "database": "PostgreSQL" if args.postgresql else "SQLite", "leak_run": args.leaks,
        "import_s": round(imported, 2), "parts": parts, "lost": lost, "errors": errors,
    }  # fmt: skip


def _cpu_seconds(pid: int) -> float | None:
    """What a process has used of the processor so far; None where the system does not say."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = told.rpartition(")")[2].split()  # the name before may hold anything
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _part(who: str, tally: Tally, took: float, before: float | None, after: float | None) -> dict[str, Any]:
    """``cpu_ms`` is the server's processor time for a decision with the next sample, and what was looked at between."""
    done = len(tally.decided)
    spent = None if before is None or after is None or not done else (after - before) / done * 1000
    return {
        "who": who, "decisions": done, "rate": done / took, "twice": tally.twice,
        "cpu_ms": spent,
        "times": {kind: spread(values) for kind, values in tally.times.items()},
    }  # fmt: skip
