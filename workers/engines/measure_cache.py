"""Measures kept from one analysis to the next, beside the cache of fingerprints: one file for each shard's images."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.adapters.files import replaced_atomically
from workers.engines.fingerprint_cache import Stamp
from workers.engines.image_measures import ALGORITHM, NAMES, Measures


class MeasureCache:
    """What ``path`` holds: measures (n, columns), and the row of each file's stamp. A file that is missing, broken or
    another algorithm's holds nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        stamps, self.measures = _load(path)
        self.row_of = {stamp: row for row, stamp in enumerate(stamps)}

    def keep(self, stamps: Sequence[Stamp | None], measures: Measures) -> None:
        """Replace what is kept by these rows; ``None`` is the stamp of one that must not be kept."""
        rows = [row for row, stamp in enumerate(stamps) if stamp]
        kept = [stamp for stamp in stamps if stamp]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_atomically(self._path) as stream:
            np.savez(
                stream, algorithm=np.array(ALGORITHM), keys=np.array([s[0] for s in kept], np.str_),
                files=np.array([s[1:] for s in kept], np.int64).reshape(-1, 2), measures=measures[rows],
            )  # fmt: skip


def _load(path: Path) -> tuple[list[Stamp], Measures]:
    nothing: tuple[list[Stamp], Measures] = ([], np.zeros((0, len(NAMES)), np.float32))
    try:
        with np.load(path, allow_pickle=False) as found:
            if int(found["algorithm"]) != ALGORITHM:
                return nothing
            keys, files, measures = found["keys"].tolist(), found["files"].tolist(), found["measures"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return nothing
    if measures.shape != (len(keys), len(NAMES)):
        return nothing
    return [(key, size, changed) for key, (size, changed) in zip(keys, files, strict=True)], measures
