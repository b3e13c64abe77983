"""``winnow bench sources``: reading a large Parquet dataset in, and thumbnails out of it."""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from app.adapters.thumbnails import Pictures
from app.cli.environment import Subparsers, open_database
from app.cli.import_ import make_project
from app.cli.local_actor import ensure_owner, owner_access
from app.db.repositories import projects as projects_repository
from app.db.repositories import sources as repository
from app.services.bench_data import draw_pictures
from app.settings import Settings

CLASSES = 1_000
ROWS_IN_GROUP = 100
"""What ``datasets`` writes for images."""


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("sources", help="read a Parquet dataset, and thumbnails out of it")
    parser.add_argument("--rows", type=int, default=1_281_167)
    parser.add_argument("--pictures", type=int, default=400, help="different pictures in the shards that have some")
    parser.add_argument("--thumbnails", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as name:
        folder = Path(name)
        write_dataset(folder / "dataset", args.rows, args.pictures)
        settings = Settings(data_dir=folder / "data", redis_url=None)
        figures = {"rows": args.rows, **measure(settings, folder / "dataset", args.thumbnails)}
    print(json.dumps(figures, indent=1) if args.json else describe(figures))
    return 0


def write_dataset(folder: Path, rows: int, pictures: int) -> None:
    """Shards of ``rows`` rows: the first has real pictures, the others are as long but hold a byte each, so that the
    disk need not hold 140 GB. Registering reads labels alone, so it is not made faster by that."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "data").mkdir(parents=True)
    drawn = draw_pictures(folder.parent / "drawn", pictures)
    data = [path.read_bytes() for path in sorted(drawn.rglob("*.jpg"))]
    names = [f"n{n:08d}" for n in range(CLASSES)]
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    noted = {"huggingface": json.dumps({"info": {"features": features}})}
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    per_shard = 20_000
    shards = -(-rows // per_shard)
    for number in range(shards):
        count = min(per_shard, rows - number * per_shard)
        images = [{"bytes": data[n % len(data)] if number == 0 and n < 4_000 else b"x", "path": None}
                  for n in range(count)]  # fmt: skip
        labels = pa.array([(number * per_shard + n) % CLASSES for n in range(count)], pa.int64())
        table = pa.table({"image": pa.array(images, kind), "label": labels}).replace_schema_metadata(noted)
        name = f"train-{number:05d}-of-{shards:05d}.parquet"
        pq.write_table(table, folder / "data" / name, row_group_size=ROWS_IN_GROUP)


def measure(settings: Settings, dataset: Path, thumbnails: int) -> dict[str, Any]:
    """Seconds to register the dataset, memory, and milliseconds of thumbnails cold and warm."""
    database = open_database(settings)
    ensure_owner(database)
    begun, used = time.perf_counter(), time.process_time()
    slug = make_project(settings, database, "bench", dataset)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    chosen = random.Random(0).sample(range(4_000), min(thumbnails, 4_000))  # noqa: S311 - no secret
    with database.reading() as session:
        access = owner_access(session, slug)
        places = repository.places_of_keys(session, access.id, [f"train/{row}" for row in chosen])
        count = len(projects_repository.sample_ids_by_key(session, access.id))
    pictures = Pictures(settings.folder("pictures"), processes=1, max_pixels=settings.max_pixels)
    try:
        times = {name: [_timed(pictures, place) for place in places.values()] for name in ("cold", "warm")}
    finally:
        pictures.close()
        database.dispose()
    return {
        "registered": count, "register_seconds": seconds, "register_cpu_seconds": cpu, "peak_mib": peak,
        **{f"thumbnail_{name}_p95_ms": statistics.quantiles(found, n=20)[-1] for name, found in times.items()},
        **{f"thumbnail_{name}_median_ms": statistics.median(found) for name, found in times.items()},
    }  # fmt: skip


def _timed(pictures: Pictures, place: Any) -> float:
    begun = time.perf_counter()
    pictures.picture(place, "thumb")
    return (time.perf_counter() - begun) * 1000


def describe(figures: dict[str, Any]) -> str:
    return (
        f"{figures['registered']:,} rows registered in {figures['register_seconds']:.1f} s "
        f"({figures['register_cpu_seconds']:.1f} s of CPU), {figures['peak_mib']:,.0f} MiB at most\n"
        f"thumbnails out of Parquet: made {figures['thumbnail_cold_median_ms']:.1f} ms median, "
        f"{figures['thumbnail_cold_p95_ms']:.1f} ms p95; made before {figures['thumbnail_warm_median_ms']:.1f} and "
        f"{figures['thumbnail_warm_p95_ms']:.1f} ms"
    )
