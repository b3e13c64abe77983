"""``winnow bench search``: how fast hashes within a radius are found, beside FAISS's exhaustive search.

Random hashes, in which neighbours are planted at every distance up to the radius; each query is searched in all eight
mirrored and turned forms. Both search the same hashes in turn, with as many threads. With ``--cosine``, the search of
embeddings is timed instead (``bench_cosine``).
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from typing import TYPE_CHECKING, Any

from app.cli.bench_cosine import bench_cosine, describe_cosine
from app.cli.bench_hash import alternate
from app.cli.environment import Subparsers
from app.domain.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

FORMS = 8
_FAISS_BLOCK = 4096


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("search", help="time the search of hashes, or of embeddings, beside FAISS")
    parser.add_argument("--queries", type=int, default=50_000, metavar="N")
    parser.add_argument("--references", type=int, default=1_281_167, metavar="N", help="as many as ImageNet has")
    parser.add_argument("--radius", type=int, default=10, metavar="BITS")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--cosine", action="store_true", help="search embeddings by their cosine, not hashes")
    parser.add_argument("--dimensions", type=int, default=2048, metavar="N", help="of embeddings (default %(default)s)")
    parser.add_argument("--threshold", type=float, default=0.9, metavar="COSINE", help="default: %(default)s")
    parser.add_argument("--device", default="auto", help="for embeddings: auto, cpu, cuda or cuda:N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.cosine:
        figures = bench_cosine(
            args.queries, args.references, args.dimensions, args.threshold, args.threads, args.repeats, args.device
        )
        print(json.dumps(figures, indent=1) if args.json else describe_cosine(figures))
        return 0
    figures = bench_search(args.queries, args.references, args.radius, args.threads, args.repeats)
    print(json.dumps(figures, indent=1) if args.json else describe(figures))
    return 0


def bench_search(queries: int, references: int, radius: int, threads: int, repeats: int) -> dict[str, Any]:
    """Seconds of each repeat, and whether all planted pairs and all of the other's pairs were found."""
    import faiss

    from workers.engines.hash_search import HashIndex, search_hashes

    if not (1 <= queries <= references and repeats >= 1 and threads >= 1):
        raise InvalidInput("There must be at least one query, repeat and thread, and no more queries than references.")
    reference, query, planted = plant(queries, references, radius)
    search_hashes(query[:8], reference[:8], radius)
    before = peak_bytes()
    # Once by itself: the peak after that is ours alone.
    HashIndex(reference, radius).search(query, threads=threads)
    peak = peak_bytes()
    faiss.omp_set_num_threads(threads)
    (our_seconds, ours), (seconds, pairs) = alternate(
        repeats,
        lambda: HashIndex(reference, radius).search(query, threads=threads),
        lambda: search_with_faiss(query, reference, radius),
    )
    keys = set(zip(ours.query_rows.tolist(), ours.reference_rows.tolist(), strict=True))
    return {
        "queries": queries,
        "forms": FORMS,
        "references": references,
        "radius": radius,
        "threads": threads,
        "ours": our_seconds,
        "reference": seconds,
        "speedup": seconds["median"] / our_seconds["median"],
        "pairs": len(keys),
        "planted": len(planted),
        "planted_found": sum((int(q), int(r)) in keys for q, r in planted),
        "same_pairs_as_reference": keys == set(pairs),
        "peak_bytes": peak,
        "peak_bytes_before": before,
    }


def plant(queries: int, references: int, radius: int) -> tuple[Hashes, Hashes, NDArray[np.int64]]:
    """Reference hashes (m,), query hashes (n * 8,) and the planted pairs of their rows (n, 2).

    One form of each query is that of a reference, with 0 to ``radius`` bits flipped.
    """
    import numpy as np

    random = np.random.default_rng(20)
    reference = random.integers(0, 2**64, references, dtype=np.uint64)
    query = random.integers(0, 2**64, queries * FORMS, dtype=np.uint64)
    rows = np.arange(queries) * FORMS + random.integers(0, FORMS, queries)
    chosen = random.permutation(references)[:queries]
    bits = random.permuted(np.tile(np.arange(64, dtype=np.uint64), (queries, 1)), axis=1)
    is_flipped = np.arange(64) < random.integers(0, radius + 1, (queries, 1))
    flips = np.bitwise_or.reduce(np.where(is_flipped, np.uint64(1) << bits, np.uint64(0)), axis=1)
    query[rows] = reference[chosen] ^ flips
    return reference, query, np.stack([rows, chosen], axis=1)


def search_with_faiss(query: Hashes, reference: Hashes, radius: int) -> list[tuple[int, int]]:
    """Pairs of rows, from the library alone."""
    import faiss
    import numpy as np

    index = faiss.IndexBinaryFlat(64)
    index.add(reference.view(np.uint8).reshape(-1, 8))
    found: list[tuple[int, int]] = []
    for start in range(0, len(query), _FAISS_BLOCK):
        block = query[start : start + _FAISS_BLOCK].view(np.uint8).reshape(-1, 8)
        limits, _, rows = index.range_search(block, radius + 1)
        left = np.repeat(np.arange(start, start + len(block)), np.ediff1d(limits.astype(np.int64)))
        found += zip(left.tolist(), rows.tolist(), strict=True)
    return found


def peak_bytes() -> int:
    """Kilobytes on Linux, bytes on macOS."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def describe(figures: dict[str, Any]) -> str:
    lines = [
        f"{name:<24} {figures[key]['median']:8.2f} s"
        for name, key in (("multi-index hashing", "ours"), ("FAISS IndexBinaryFlat", "reference"))
    ]
    agreement = "the same pairs" if figures["same_pairs_as_reference"] else "OTHER PAIRS"
    return "\n".join(
        [
            *lines,
            f"{figures['queries']:,} queries in {figures['forms']} forms x {figures['references']:,} references, "
            f"radius {figures['radius']}, {figures['threads']} threads: {figures['speedup']:.1f} times as fast",
            f"{figures['planted_found']:,} of {figures['planted']:,} planted pairs found, {agreement} as FAISS; "
            f"peak memory {figures['peak_bytes'] / 1e6:,.0f} MB",
        ]
    )
