"""``winnow bench hash``: how fast images get their fingerprints, beside ``imagehash.phash(Image.open(file))``.

Both run in turn over the same files, in as many processes, so that what the machine does meanwhile hits both. Ours
makes more of each file: digests, thumbnail, colour and the hashes of all mirrored and turned forms.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from app.cli.environment import Subparsers
from app.domain.errors import InvalidInput

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

_CHUNK = 32


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("hash", help="time fingerprints of the images in a folder beside imagehash")
    parser.add_argument("images", type=Path, metavar="IMAGES_FOLDER", help="searched with the folders in it")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--processes", type=int, default=1, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    figures = bench_hash(args.images, args.repeats, args.processes)
    print(json.dumps(figures, indent=1) if args.json else describe(figures))
    return 0


def bench_hash(images: Path, repeats: int, processes: int) -> dict[str, Any]:
    """Seconds of each repeat and their medians, and how far the two ways' hashes are apart, in bits."""
    from workers.engines.decoding import ImageRef
    from workers.engines.fingerprint_table import concat_tables
    from workers.engines.fingerprints import fingerprint_chunk

    paths = sorted(path for path in images.rglob("*") if path.suffix.lower() in ENDINGS)
    if not paths or repeats < 1 or processes < 1:
        raise InvalidInput(f"Give a folder with images, and at least one repeat and process: {images}.")
    refs = [ImageRef(str(path), path) for path in paths]
    chunks = [refs[start : start + _CHUNK] for start in range(0, len(refs), _CHUNK)]
    # One pool for both: how long processes take to start is no part of either.
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(hash_plainly, paths[:_CHUNK], chunksize=1))
        list(pool.map(fingerprint_chunk, chunks[: 4 * processes]))
        ours, reference = alternate(
            repeats,
            lambda: concat_tables(list(pool.map(fingerprint_chunk, chunks))),
            lambda: list(pool.map(hash_plainly, paths, chunksize=_CHUNK)),
        )
    table, hashes = ours[1], reference[1]
    distances = [(int(table.phashes[i]) ^ h).bit_count() for i, h in enumerate(hashes) if h is not None]
    return {
        "images": len(paths),
        "processes": processes,
        "ours": ours[0],
        "reference": reference[0],
        "speedup": reference[0]["median"] / ours[0]["median"],
        "within_2_bits": share(distances, 2),
        "within_4_bits": share(distances, 4),
        "largest_distance": max(distances, default=0),
    }


def hash_plainly(path: Path) -> int | None:
    """The reference's hash, or None where it cannot read the file."""
    import warnings

    import imagehash
    from PIL import Image

    with warnings.catch_warnings(action="ignore"):
        try:
            return int(str(imagehash.phash(Image.open(path))), 16)
        except Exception:  # noqa: BLE001 - broken files raise whatever they like, and are no part of the comparison
            return None


def alternate(
    repeats: int, ours: Callable[[], Any], reference: Callable[[], Any]
) -> tuple[tuple[dict[str, Any], Any], tuple[dict[str, Any], Any]]:
    """Seconds of both, taken in turn, and what each gave the last time."""
    times: tuple[list[float], list[float]] = ([], [])
    results: list[Any] = [None, None]
    for _ in range(repeats):
        for i, work in enumerate((ours, reference)):
            begun = time.perf_counter()
            results[i] = work()
            times[i].append(time.perf_counter() - begun)
    return (_seconds(times[0]), results[0]), (_seconds(times[1]), results[1])


def _seconds(times: Sequence[float]) -> dict[str, Any]:
    return {"seconds": list(times), "median": statistics.median(times)}


def share(distances: Sequence[int], most: int) -> float:
    return sum(distance <= most for distance in distances) / max(len(distances), 1)


def describe(figures: dict[str, Any]) -> str:
    per_core = figures["images"] / figures["processes"]
    lines = [
        f"{name:<20} {figures[key]['median']:8.2f} s {per_core / figures[key]['median']:8,.0f} images/s/process"
        for name, key in (("fingerprints", "ours"), ("imagehash.phash", "reference"))
    ]
    return "\n".join(
        [
            *lines,
            f"{figures['images']:,} images, {figures['speedup']:.2f} times as fast; pHash within 2 bits for "
            f"{figures['within_2_bits']:.1%}, within 4 for {figures['within_4_bits']:.1%}, "
            f"at most {figures['largest_distance']}",
        ]
    )
