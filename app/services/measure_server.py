"""Figures of the whole server for those who watch it, each from a query that stays short however much there is."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from app import __version__
from app.db import state
from app.db.session import Session
from app.domain.formats.prometheus_text import Family, counter, gauge

_STARTED = time.time()


def measure_server(session: Session, data_dir: Path) -> Iterator[Family]:
    """What the database and the system tell: work done and waiting, workers, sizes."""
    yield gauge("winnow_info", "The release that runs.", [({"version": __version__}, 1)])
    yield counter(
        "winnow_decisions_total",
        "Events of people's decisions, by the number of the newest.",
        [({"kind": kind}, number) for kind, number in state.newest_events(session).items()],
    )
    yield gauge(
        "winnow_jobs",
        "Jobs by kind and state.",
        [({"kind": k, "state": s}, count) for (k, s), count in sorted(state.jobs_by_state(session).items())],
    )
    yield gauge(
        "winnow_shards_waiting",
        "Shards of live jobs that no worker has taken, by queue and kind of job.",
        [({"queue": q, "kind": k}, count) for (q, k), count in sorted(state.shards_waiting(session).items())],
    )
    yield gauge(
        "winnow_worker_last_seen_timestamp_seconds",
        "Last sign of life of each worker that worked on a live job, or in the last day, by the database's clock.",
        [({"worker": worker}, at) for worker, at in sorted(state.workers_seen(session).items())],
    )
    yield gauge("winnow_database_bytes", "Size of the database.", [({}, state.database_bytes(session))])
    free = shutil.disk_usage(data_dir).free
    yield gauge("winnow_data_folder_free_bytes", "Free space on the data folder's disk.", [({}, free)])
    yield from _process()


def _process() -> Iterator[Family]:
    yield gauge("process_start_time_seconds", "When the server started.", [({}, _STARTED)])
    with contextlib.suppress(OSError):  # Linux alone has these files
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident = pages * os.sysconf("SC_PAGE_SIZE")
        files = sum(1 for _ in Path("/proc/self/fd").iterdir())
        yield gauge("process_resident_memory_bytes", "Memory in use.", [({}, resident)])
        yield gauge("process_open_fds", "Open files and connections.", [({}, files)])
