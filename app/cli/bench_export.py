"""``winnow bench export``: from reviews to a version's files at full size, beside pandas writing the same table.

A project of ``--samples`` images, ``--flags`` of them flagged and answered, is made first; that is not measured. Then a
process of its own merges it, freezes a version and writes its files, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from app.cli.environment import Subparsers, open_database
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access
from app.db.repositories import projects as projects_repository
from app.db.repositories import versions as versions_repository
from app.db.session import Database
from app.domain.merge import SampleCase, merge
from app.domain.reviews import ReviewInput, ReviewStatus
from app.domain.samples import SampleRef
from app.domain.taxonomy import Decision
from app.services import bench_data
from app.services.finish import merge_project, read_cases
from app.services.freeze_version import freeze_version
from app.services.submit_many import MOST, GivenAnswer, submit_many
from app.services.write_deliverables import load_content, write_deliverables
from app.settings import Settings

SLUG = "bench"
CLASSES = 1_000
CHECKS = ("undecided", "class_share", "missing_files", "vanished_class")


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("export", help="time merging and writing a version beside pandas", description=__doc__)
    parser.add_argument("--samples", type=int, default=1_331_167, metavar="N")
    parser.add_argument("--flags", type=int, default=200_000, metavar="N")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--postgresql", metavar="URL", help="an empty database instead of a fresh SQLite file")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        settings = Settings(data_dir=Path(folder), redis_url=None, database_url=args.postgresql)
        database = open_database(settings)
        _fill(database, settings, args.samples, args.flags)
        database.dispose()
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            figures = pool.submit(measure, settings, args.repeats).result()
    figures = {"samples": args.samples, "flags": args.flags, **figures}
    print(json.dumps(figures, indent=1) if args.json else describe(figures))
    return 0


def _fill(database: Database, settings: Settings, samples: int, flags: int) -> None:
    """Make the project, flag its first samples, and answer them: three in twenty stay open, a sixth goes."""
    ensure_owner(database)
    names = [f"class{n:03d}" for n in range(CLASSES)]
    with database.writing() as session:
        source = bench_data.add_source(session, SLUG, settings.data_dir)
        projects_repository.add_classes(session, source.project_id, names)
        labels = [names[n % CLASSES] for n in range(samples)]
        refs = [SampleRef("train", f"train/{label}/{n:07d}.jpg", label) for n, label in enumerate(labels)]
        projects_repository.add_samples(session, source, refs)
        keys = [ref.key for ref in refs[:flags]]
    bench_data.import_flags(database, settings, SLUG, keys)
    with database.reading() as session:
        ids = sorted(projects_repository.sample_ids_by_key(session, source.project_id, keys).values())
    answered = [id_ for n, id_ in enumerate(ids) if n % 20 > 2]
    for start in range(0, len(answered), MOST):
        part = answered[start : start + MOST]
        with database.writing() as session:
            access = owner_access(session, SLUG)
            answers = [GivenAnswer(id_, _answer(id_, names)) for id_ in part]
            submit_many(session, access, answers, batch_id=f"bench-{start}")


def _answer(number: int, names: list[str]) -> ReviewInput:
    if number % 6 == 0:
        return ReviewInput(ReviewStatus.SUBMITTED, manual=True, decision=Decision.REMOVE)
    if number % 11 == 0:
        label = names[(number + 500) % CLASSES]
        return ReviewInput(ReviewStatus.SUBMITTED, manual=True, decision=Decision.RELABEL, new_label=label)
    return ReviewInput(ReviewStatus.SUBMITTED, manual=True, decision=Decision.KEEP)


def measure(settings: Settings, repeats: int) -> dict[str, Any]:
    """Seconds of each step (medians where it is repeated), sizes, and this process's largest memory in MiB."""
    database = open_database(settings)
    target = settings.folder("versions")
    with database.reading() as session:
        access = owner_access(session, SLUG)
        merging = _time_merge(read_cases(session, access), repeats)
        whole = _times(1, lambda: merge_project(session, access.project))
    begun = time.perf_counter()
    version = freeze_version(database, NoDoorbell(), access.actor, SLUG, note="", accept=CHECKS)
    frozen = time.perf_counter() - begun
    writing = _times(repeats, lambda: write_deliverables(database, version.id, target))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with database.reading() as session:
        files = versions_repository.list_files(session, version.id)
        content = load_content(session, version)
    reference, rows = _pandas(target / SLUG / "v1" / f"{SLUG}_final_cleaning_manifest.csv", repeats)
    return {
        "merge": merging, "read_merge_and_check": whole, "freeze": frozen, "write_files": writing,
        "largest_memory_mib": memory, "files": len(files), "bytes": sum(file.bytes for file in files),
        "outcomes": len(content.outcomes), "manifest_rows": rows, "pandas_to_csv_of_final_manifest": reference,
    }  # fmt: skip


def _time_merge(cases: list[SampleCase], repeats: int) -> float:
    return _times(repeats, lambda: merge(cases))


def _times(repeats: int, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def _pandas(path: Path, repeats: int) -> tuple[float, int]:
    import pandas as pd

    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    with tempfile.TemporaryDirectory() as folder:
        return _times(repeats, lambda: table.to_csv(Path(folder) / "table.csv", index=False)), len(table)


def describe(f: dict[str, Any]) -> str:
    total = f["freeze"] + f["write_files"]
    return (
        f"{f['samples']:,} samples, {f['flags']:,} flags, {f['outcomes']:,} outcomes\n"
        f"  merge alone                    {f['merge']:7.2f} s\n"
        f"  read, merge, check             {f['read_merge_and_check']:7.2f} s\n"
        f"  freeze (with these)            {f['freeze']:7.2f} s\n"
        f"  write {f['files']} files, {f['bytes'] / 1e6:,.0f} MB, read back, replay {f['write_files']:7.2f} s\n"
        f"  freeze and write               {total:7.2f} s, largest memory {f['largest_memory_mib']:,.0f} MiB\n"
        f"  pandas to_csv of the final manifest ({f['manifest_rows']:,} rows) alone "
        f"{f['pandas_to_csv_of_final_manifest']:7.2f} s"
    )
