"""What people would search leaks with otherwise: for each test image how close the closest train image is.

A perceptual hash, a correlation of small grey pictures, and what fastdup left on disk.
"""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domain.errors import InvalidInput

HASH_BITS = 64
GREY_SIDE = 32
FASTDUP_NAMES, FASTDUP_PAIRS = "atrain_features.dat.csv", "similarity.csv"

_BLOCK = 1024
_CHUNK = 64

Scores = NDArray[np.float64]
Result = TypeVar("Result")


def search_by_phash(train: Sequence[Path], test: Sequence[Path], processes: int) -> Scores:
    """1 less the share of bits that differ, of ``imagehash.phash(Image.open(file))``."""
    import faiss

    hashes = np.array(_in_processes(hash_plainly, [*test, *train], processes), np.uint64)
    table = hashes.view(np.uint8).reshape(-1, HASH_BITS // 8)
    index = faiss.IndexBinaryFlat(HASH_BITS)
    index.add(table[len(test) :])
    distances, _ = index.search(table[: len(test)], 1)
    return 1 - distances[:, 0].astype(np.float64) / HASH_BITS


def search_by_correlation(train: Sequence[Path], test: Sequence[Path], processes: int) -> Scores:
    """Normalised cross-correlation of the grey pictures at 32 x 32 pixels, one matrix product a block."""
    pixels = np.stack(_in_processes(read_grey, [*test, *train], processes)).astype(np.float32)
    vectors = pixels.reshape(len(pixels), -1)
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + np.float32(1e-6)
    query, reference = vectors[: len(test)], vectors[len(test) :].T
    blocks = [(query[i : i + _BLOCK] @ reference).max(axis=1) for i in range(0, len(query), _BLOCK)]
    return np.concatenate(blocks).astype(np.float64)


def read_fastdup(folder: Path, test: Sequence[str], train: Sequence[str]) -> Scores:
    """The highest similarity that fastdup's own files give each test image, 0 where they give none.

    They hold the pairs above fastdup's threshold, among all images; numbers stand for the names.
    """
    try:
        names = {row["index"]: row["filename"] for row in _rows(folder / FASTDUP_NAMES)}
        pairs = [(names[r["from"]], names[r["to"]], float(r["distance"])) for r in _rows(folder / FASTDUP_PAIRS)]
    except OSError as error:
        raise InvalidInput(f"{error.filename} cannot be read: {error.strerror}.") from error
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"{folder} does not hold what fastdup writes: {error} is missing or wrong.") from error
    best, known = dict.fromkeys(test, 0.0), set(train)
    for one, other, similarity in pairs:
        for test_image, train_image in ((one, other), (other, one)):
            if test_image in best and train_image in known:
                best[test_image] = max(best[test_image], similarity)
    return np.array([best[image] for image in test])


def hash_plainly(path: Path) -> int:
    import imagehash

    with Image.open(path) as picture:
        return int(str(imagehash.phash(picture)), 16)


def read_grey(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L").resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX))


def _in_processes(work: Callable[[Path], Result], paths: Sequence[Path], processes: int) -> list[Result]:
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, paths, chunksize=_CHUNK))


def _rows(path: Path) -> list[Mapping[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
