"""``winnow bench import``: an import of the guide's CSV recognised, previewed and applied, beside pandas.read_csv.

Each repeat has a fresh project of ``--rows`` images; making it is not measured.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.cli.environment import Subparsers, open_database
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access
from app.db.repositories import projects as projects_repository
from app.db.session import Database
from app.domain.samples import SampleRef
from app.services import bench_data
from app.services.import_flags import run_import, start_import
from app.services.ports import Unhurried
from app.settings import Settings

CLASSES = 100


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("import", help="time previewing and applying an import", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--postgresql", metavar="URL", help="an empty database instead of a fresh SQLite file")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        settings = Settings(data_dir=Path(folder), redis_url=None, database_url=args.postgresql)
        database = open_database(settings)
        ensure_owner(database)
        rounds = [measure(database, settings, f"bench-{number}", args.rows) for number in range(args.repeats)]
        database.dispose()
    figures = {"rows": args.rows, "repeats": args.repeats}
    figures |= {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
    print(json.dumps(figures, indent=1) if args.json else describe(figures))
    return 0


def measure(database: Database, settings: Settings, slug: str, rows: int) -> dict[str, float]:
    """Seconds of each step in a project of its own."""
    with database.writing() as session:
        source = bench_data.add_source(session, slug, settings.data_dir)
        labels = [f"class{n % CLASSES}" for n in range(rows)]
        refs = [SampleRef("train", f"train/{label}/{n:07d}.jpg", label) for n, label in enumerate(labels)]
        projects_repository.add_samples(session, source, refs)
    data, folder = bench_data.flags_csv([ref.key for ref in refs]), settings.folder("uploads")
    del refs, labels
    figures: dict[str, float] = {}
    _time_pandas(figures, data)
    with _timed(figures, "recognise_and_keep"), database.writing() as session:
        access = owner_access(session, slug)
        row = start_import(
            session, NoDoorbell(), access, folder=folder, file_name="bench.csv", data=data, preview=True
        )  # fmt: skip
        import_id = row.id
    with _timed(figures, "preview"):
        run_import(database, import_id, folder, Unhurried(), apply=False)
    with _timed(figures, "apply"):
        run_import(database, import_id, folder, Unhurried())
    return figures


@contextmanager
def _timed(figures: dict[str, float], name: str) -> Iterator[None]:
    """Keep the seconds that the block takes as ``name``, and those that this process computes as ``name_cpu``."""
    begun, computed = time.perf_counter(), time.process_time()
    yield
    figures[name], figures[f"{name}_cpu"] = time.perf_counter() - begun, time.process_time() - computed


def _time_pandas(figures: dict[str, float], data: bytes) -> None:
    import pandas as pd

    with _timed(figures, "pandas_read_csv"):
        pd.read_csv(io.BytesIO(data))


_STEPS = {
    "recognise_and_keep": "recognise and keep the file",
    "preview": "check and preview",
    "apply": "check again and apply",
    "pandas_read_csv": "pandas.read_csv alone",
}


def describe(f: dict[str, Any]) -> str:
    told = [f"{f['rows']:,} rows, medians of {f['repeats']}; the processor's time is this process's alone"]
    for name, title in _STEPS.items():
        told.append(f"  {title:<28}{f[name]:7.2f} s, of the processor {f[f'{name}_cpu']:7.2f} s")
    return "\n".join(told)
