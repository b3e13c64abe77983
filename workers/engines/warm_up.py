"""Compiling everything that a leak search runs as machine code, before somebody waits for it.

The first search on a machine would spend most of a minute on it. A search over a few drawn pictures calls each
function with the types of arrays that real searches have: from memory, and from files that are mapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from app.domain.leaks import SMALLEST_CROP
from workers.engines.decoding import ImageRef
from workers.engines.fingerprint_table import FingerprintTable, read_fingerprints, write_fingerprints
from workers.engines.fingerprints import fingerprint_chunk
from workers.engines.image_reading import read_chunk
from workers.engines.jit import KERNELS
from workers.engines.verified_search import find_candidates, merge_candidates, verify_pairs

_PICTURES = 6
_SIDE = 192
"""Large enough for crops to be sought in them."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How many versions of functions were compiled and how many were on disk already, and the folders that keep
    them: none where none can be written."""

    compiled: int
    loaded: int
    folders: frozenset[str]


def compile_kernels() -> WarmUp:
    """Compile what is not on disk yet. Running it again takes a second or two."""
    with TemporaryDirectory() as folder:
        refs = _draw(Path(folder))
        table = fingerprint_chunk(refs)
        read_chunk(refs)  # with the measures that analyses judge quality by
        write_fingerprints(Path(folder) / "fingerprints.parquet", table)
        mapped = read_fingerprints(Path(folder) / "fingerprints.parquet")
        for query, reference in ((table, table), (mapped, mapped)):
            _search(query, reference)
    stats = [kernel.stats for kernel in KERNELS]
    return WarmUp(
        compiled=sum(sum(one.cache_misses.values()) for one in stats),
        loaded=sum(sum(one.cache_hits.values()) for one in stats),
        folders=frozenset(one.cache_path for one in stats if one.cache_path),
    )


def _draw(folder: Path) -> list[ImageRef]:
    """Smooth pictures, each twice: as it is, and a part of it so enlarged that its JPEG file is not decoded in full."""
    refs = []
    for seed in range(_PICTURES):
        noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(noise).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        part = picture.crop((0, 0, _SIDE * 3 // 4, _SIDE * 3 // 4)).resize((_SIDE * 4, _SIDE * 4))
        for copy, name in ((picture, f"{seed}.png"), (part, f"{seed}.jpg")):
            copy.save(folder / name)
            refs.append(ImageRef(name, folder / name))
    return refs


def _search(query: FingerprintTable, reference: FingerprintTable) -> None:
    found = find_candidates(query, reference, side=_SIDE, smallest_crop=SMALLEST_CROP)
    verify_pairs(query, reference, merge_candidates([found]))
