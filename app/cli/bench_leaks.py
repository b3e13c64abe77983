"""``bench leaks``: how fast exact and perceptual leak search is here, beside what people would write
themselves; or, with ``--truth``, how well what is found agrees with what people judged (``bench_truth``).

For the speed both run in turn, over the same files, in the same process tree, so that what the machine does meanwhile
hits both. The reference is ``imagehash.phash(Image.open(file))`` in as many processes, and FAISS for the search.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import bench_truth
from app.cli.exit_status import status_of
from app.cli.image_folders import ImageFolder, open_folders
from app.domain.errors import InvalidInput
from app.domain.leaks import DEFAULT_MAX_DISTANCE, MatchMethod

if TYPE_CHECKING:
    from workers.engines.decoding import ImageRef

METHODS = (MatchMethod.EXACT, MatchMethod.PERCEPTUAL)


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("leaks", help="time leak search over a folder of images, or measure what it finds")
    parser.add_argument("images", type=Path, help="a folder with train/<class>/<file> and test/<class>/<file>")
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="CSV",
        help="pairs that people judged, with columns test_image, train_image, label: measure what is found, not speed",
    )
    parser.add_argument("--fastdup", type=Path, metavar="DIR", help="with --truth: the files that fastdup wrote")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="without --truth (default %(default)s)")
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    return status_of("bench leaks", partial(_measure, args))


def _measure(args: argparse.Namespace) -> None:
    if args.truth:
        figures = bench_truth.bench_truth(args.images, args.truth, args.fastdup, processes=args.processes)
        text = bench_truth.describe(figures)
    elif args.fastdup:
        raise InvalidInput("--fastdup is compared with what people judged: name that file with --truth.")
    else:
        figures = bench_leaks(args.images, args.repeats, processes=args.processes)
        text = describe(figures)
    print(json.dumps(figures, indent=2) if args.json else text)


def bench_leaks(images: Path, repeats: int = 3, *, processes: int = 2) -> dict[str, Any]:
    """Seconds of each repeat and their medians, ours and the reference's, taken alternately."""
    from workers.engines.leak_run import run_leaks

    if repeats < 1:
        raise InvalidInput(f"--repeats must be at least 1, not {repeats}.")
    train_folder, test_folder = open_folders(images / "train", images / "test")
    train, test = _refs(train_folder), _refs(test_folder or train_folder)
    search = partial(run_leaks, train, test, METHODS, processes=processes)
    plain = partial(search_plainly, train, test, processes)
    ours, reference = [], []
    for _ in range(repeats):
        reference.append(_seconds(plain))
        ours.append(_seconds(search))
    return {
        "train_images": len(train),
        "test_images": len(test),
        "processes": processes,
        "perceptual_candidates": search().counts["perceptual"],
        "reference_candidates": plain(),
        "ours_seconds": ours,
        "reference_seconds": reference,
        "ours_median": statistics.median(ours),
        "reference_median": statistics.median(reference),
    }


def describe(figures: dict[str, Any]) -> str:
    images = figures["train_images"] + figures["test_images"]
    return "\n".join(
        f"{name:<34} {figures[key]:8.2f} s   {images / figures[key]:8,.0f} images/s"
        for name, key in (
            ("exact + perceptual", "ours_median"),
            ("imagehash + FAISS (perceptual only)", "reference_median"),
        )
    )


def search_plainly(train: list[ImageRef], test: list[ImageRef], processes: int) -> int:
    """The number of pairs within the default distance, found with the libraries alone."""
    import faiss
    import numpy as np

    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        hashes = list(pool.map(_hash_plainly, [ref.path for ref in [*test, *train]], chunksize=64))
    table = np.array(hashes, np.uint64).view(np.uint8).reshape(-1, 8)
    index = faiss.IndexBinaryFlat(64)
    index.add(table[len(test) :])
    limits, _, _ = index.range_search(table[: len(test)], DEFAULT_MAX_DISTANCE + 1)
    return int(limits[-1])


def _hash_plainly(path: Path) -> int:
    import imagehash
    from PIL import Image

    return int(str(imagehash.phash(Image.open(path))), 16)


def _refs(folder: ImageFolder) -> list[ImageRef]:
    from workers.engines.decoding import ImageRef

    return [ImageRef(key, path) for key, path in folder.list_images()]


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
