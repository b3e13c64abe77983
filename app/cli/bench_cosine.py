"""The part of ``winnow bench search`` that times the search of embeddings by cosine, beside FAISS's exhaustive one.

Random vectors lie in a file, as those of a large dataset do, and neighbours are planted at cosines from the threshold
to 1. Both read that file: ours in blocks at every search, FAISS into its index, which holds all of them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from app.cli.bench_hash import alternate
from app.domain.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from workers.engines.vector_file import VectorFile

_BLOCK = 8192
_TOO_CLOSE = 1e-5
"""To the threshold, for FAISS's single precision to decide."""


def bench_cosine(
    queries: int, references: int, size: int, threshold: float, threads: int, repeats: int, device: str
) -> dict[str, Any]:
    """Seconds of each repeat, and whether all planted pairs and all of the other's pairs were found."""
    from threadpoolctl import threadpool_limits

    from app.cli.bench_search import peak_bytes
    from workers.engines.embeddings import choose_device

    if not (1 <= queries <= references and repeats >= 1 and threads >= 1 and size >= 2 and 0 < threshold <= 1):
        raise InvalidInput(
            "There must be at least one query, repeat and thread, two dimensions, a threshold above 0 and at most 1, "
            "and no more queries than references."
        )
    chosen = choose_device(device)
    with TemporaryDirectory(prefix="winnow-bench-") as folder, threadpool_limits(threads):
        query, reference, planted = plant_vectors(Path(folder), queries, references, size, threshold)
        before = peak_bytes()
        # Once by itself: the peak after that is ours alone.
        search(query, reference, threshold, chosen)
        peak = peak_bytes()
        (our_seconds, ours), (seconds, theirs) = alternate(
            repeats,
            partial(search, query, reference, threshold, chosen),
            partial(search_with_faiss, query, reference, threshold, threads),
        )
    return {
        "queries": queries,
        "references": references,
        "dimensions": size,
        "threshold": threshold,
        "threads": threads,
        "device": str(chosen),
        "ours": our_seconds,
        "reference": seconds,
        "speedup": seconds["median"] / our_seconds["median"],
        "pairs": len(ours),
        "planted": len(planted),
        "planted_found": sum(pair in ours for pair in planted),
        "same_pairs_as_reference": _far_from(threshold, ours) == _far_from(threshold, theirs),
        "peak_bytes": peak,
        "peak_bytes_before": before,
    }


Found = dict[tuple[int, int], float]
"""Cosines of pairs of rows."""


def plant_vectors(
    folder: Path, queries: int, references: int, size: int, threshold: float
) -> tuple[NDArray[np.float32], VectorFile, list[tuple[int, int]]]:
    """Query vectors, a file of reference vectors, and the planted pairs: one for each query."""
    import numpy as np

    from workers.engines.vector_file import VectorWriter

    random = np.random.default_rng(21)
    query = random.standard_normal((queries, size), np.float32)
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    chosen = np.sort(random.permutation(references)[:queries])
    writer = VectorWriter(folder / "vectors", size)
    for start in range(0, references, _BLOCK):
        block = random.standard_normal((min(_BLOCK, references - start), size), np.float32)
        first, last = np.searchsorted(chosen, (start, start + len(block)))
        rows = chosen[first:last] - start
        block[rows] = _at_cosines(query[first:last], block[rows], random.uniform(threshold, 1, (len(rows), 1)))
        writer.append(block)
    return query, writer.finish(), [(q, int(r)) for q, r in enumerate(chosen)]


def _at_cosines(
    vectors: NDArray[np.float32], others: NDArray[np.float32], cosines: NDArray[np.float64]
) -> NDArray[np.float32]:
    """As many vectors at these cosines to the given ones, turned towards the others."""
    import numpy as np

    across = others - (others * vectors).sum(axis=1, keepdims=True) * vectors
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    # A hair closer, so that rounding takes none below the threshold.
    cosines = np.minimum(cosines + 2 * _TOO_CLOSE, 1)
    turned: NDArray[np.float32] = (cosines * vectors + np.sqrt(1 - cosines**2) * across).astype(np.float32)
    return turned


def search(query: NDArray[np.float32], reference: VectorFile, threshold: float, device: torch.device) -> Found:
    from workers.engines.cosine_search import search_cosines

    found: Found = {}
    for band in search_cosines(query, reference, threshold, device=device):
        rows = zip(band.query_rows.tolist(), band.reference_rows.tolist(), strict=True)
        found.update(zip(rows, band.cosines.tolist(), strict=True))
    return found


def search_with_faiss(query: NDArray[np.float32], reference: VectorFile, threshold: float, threads: int) -> Found:
    """The same from the library alone."""
    import faiss
    import numpy as np

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexFlatIP(query.shape[1])
    for start in range(0, len(reference), _BLOCK):
        block = reference[start : start + _BLOCK]
        faiss.normalize_L2(block)
        index.add(block)
    limits, cosines, rows = index.range_search(query, threshold)
    left = np.repeat(np.arange(len(query)), np.ediff1d(limits.astype(np.int64)))
    return dict(zip(zip(left.tolist(), rows.tolist(), strict=True), cosines.tolist(), strict=True))


def _far_from(threshold: float, found: Found) -> set[tuple[int, int]]:
    return {pair for pair, cosine in found.items() if cosine >= threshold + _TOO_CLOSE}


def describe_cosine(figures: dict[str, Any]) -> str:
    lines = [
        f"{name:<24} {figures[key]['median']:8.2f} s"
        for name, key in ((f"blocks on {figures['device']}", "ours"), ("FAISS IndexFlatIP, CPU", "reference"))
    ]
    agreement = "the same pairs" if figures["same_pairs_as_reference"] else "OTHER PAIRS"
    return "\n".join(
        [
            *lines,
            f"{figures['queries']:,} queries x {figures['references']:,} references x {figures['dimensions']:,}, "
            f"cosine {figures['threshold']}, {figures['threads']} threads: {figures['speedup']:.2f} times as fast",
            f"{figures['planted_found']:,} of {figures['planted']:,} planted pairs found, {agreement} as FAISS; "
            f"peak memory {figures['peak_bytes'] / 1e6:,.0f} MB",
        ]
    )
