"""``winnow bench workers``: how much faster several worker processes do one leak run than one does.

The workers are those of a team's server (``winnow worker``): a PostgreSQL database deals the shards out, Redis rings.
Each gets one process for decoding and one thread for computing, as if it were a machine with one core. They start anew
for each measurement and do a small run first, so that what they load is no figure (run ``winnow compile-kernels``
before), and what was computed of the pictures before is deleted. The time is that of the job: from the first shard that
was claimed to the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.adapters.celery_app import make_celery
from app.adapters.celery_doorbell import CeleryDoorbell
from app.cli.environment import Subparsers, open_database
from app.cli.local_actor import ensure_owner, owner_access
from app.db.repositories import jobs as jobs_repository
from app.db.repositories import projects as projects_repository
from app.db.session import Database
from app.domain.errors import InvalidInput
from app.domain.jobs import LIVE, JobState
from app.domain.samples import SampleRef
from app.services import bench_data, leak_runs
from app.services.leak_runs import LeakParams
from app.settings import Settings

SLUG, SMALL = "bench", "small"
METHODS = ("exact", "perceptual", "verified")
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")
LONGEST = 1800.0
"""Seconds that one run may take."""

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("workers", help="time one leak run by one worker and by several", description=__doc__)
    parser.add_argument(
        "images", type=Path, nargs="?", metavar="FOLDER", help="pictures to search (default: drawn ones)"
    )
    parser.add_argument("--draw", type=int, default=6000, metavar="N", help="without FOLDER (default %(default)s)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS, metavar="METHOD")
    parser.add_argument("--shard-size", type=int, default=256, metavar="N")
    parser.add_argument("--postgresql", required=True, metavar="URL", help="an empty database")
    parser.add_argument("--redis", required=True, metavar="URL", help="a numbered database that nobody uses")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, too
    figures = bench_workers(args)
    print(json.dumps(figures, indent=1) if args.json else describe(figures))
    return 0


def describe(figures: dict[str, Any]) -> str:
    first = figures["runs"][0]
    lines = [f"{figures['images']:,} images, {', '.join(figures['methods'])}, shards of {figures['shard_size']}"]
    for found in figures["runs"]:
        times = first["median_s"] / found["median_s"]
        each = " ".join(f"{seconds:.1f}" for seconds in found["seconds"])
        lines.append(
            f"  {found['workers']} workers: median {found['median_s']:7.1f} s ({each})  "
            f"{figures['images'] / found['median_s']:7,.0f} images/s  {times:.2f} times"
        )
    return "\n".join(lines)


def bench_workers(args: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each run by so many workers, taken in turn."""
    if min(*args.workers, args.repeats, args.shard_size) < 1:
        raise InvalidInput("--workers, --repeats and --shard-size are at least 1.")
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        settings = Settings(data_dir=Path(folder) / "data", redis_url=args.redis, database_url=args.postgresql)
        database = open_database(settings)
        try:
            ensure_owner(database)
            root = args.images or bench_data.draw_pictures(Path(folder) / "pictures", args.draw)
            images = _add_project(database, SLUG, root)
            _add_project(database, SMALL, bench_data.draw_pictures(Path(folder) / "small", 64))
            taken: dict[int, list[float]] = {count: [] for count in args.workers}
            for _ in range(args.repeats):
                for count in args.workers:
                    taken[count].append(_measure(settings, database, count, args))
        finally:
            database.dispose()
    runs = [
        {"workers": count, "seconds": seconds, "median_s": statistics.median(seconds)}
        for count, seconds in taken.items()
    ]
    return {"images": images, "methods": list(args.methods), "shard_size": args.shard_size, "runs": runs}


def _add_project(database: Database, slug: str, root: Path) -> int:
    """Make a project of all pictures below a folder, in one split; return how many there are."""
    keys = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.suffix.lower() in PICTURE_ENDINGS)
    if len(keys) < 2:
        raise InvalidInput(f"{root} holds no two pictures ({', '.join(PICTURE_ENDINGS)}).")
    with database.writing() as session:
        source = bench_data.add_source(session, slug, root)
        projects_repository.add_samples(session, source, [SampleRef("train", key, "any") for key in keys])
    return len(keys)


def _measure(settings: Settings, database: Database, count: int, args: argparse.Namespace) -> float:
    with _workers(settings, count):
        _run(settings, database, SMALL, args.methods, shard_size=16)
        # What one run computed of a picture serves the next; here each has to do it.
        shutil.rmtree(settings.folder("fingerprints"))
        return _run(settings, database, SLUG, args.methods, shard_size=args.shard_size)


def _run(settings: Settings, database: Database, slug: str, methods: list[str], *, shard_size: int) -> float:
    """One leak run; the seconds from the first shard to the end of the job."""
    doorbell = CeleryDoorbell(make_celery(settings))
    with database.writing() as session:
        params = LeakParams(methods=tuple(methods), scope="within")
        access = owner_access(session, slug)
        run, _ = leak_runs.start_leak_run(session, doorbell, access, params, shard_size=shard_size)
        job_id = run.job_id
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        with database.reading() as session:
            job = jobs_repository.get_job(session, job_id)
            if job.state not in LIVE:
                break
        time.sleep(0.1)
    if job.state != JobState.DONE or job.started_at is None or job.finished_at is None:
        raise InvalidInput(f"The leak run did not end well: {job.state}. {job.error or ''}".strip())
    return (job.finished_at - job.started_at).total_seconds()


@contextmanager
def _workers(settings: Settings, count: int) -> Iterator[None]:
    environment = {
        **os.environ, **_ONE_THREAD, "WINNOW_DATA_DIR": str(settings.data_dir), "WINNOW_PROCESSES": "1",
        "WINNOW_DATABASE_URL": settings.resolved_database_url, "WINNOW_REDIS_URL": settings.redis_url or "",
    }  # fmt: skip
    command = [sys.executable, "-m", "app.cli.main", "worker"]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            worker = subprocess.Popen(  # noqa: S603 - our own command line
                command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True
            )
            running.append(worker)
        yield
    finally:
        for worker in running:
            worker.terminate()
        for worker in running:
            worker.wait(60)
