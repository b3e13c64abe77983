"""``winnow bench``: measurements beside a reference, taken in one run."""

from __future__ import annotations

from app.cli import (
    bench_cleaned,
    bench_copies,
    bench_detectors,
    bench_embed,
    bench_export,
    bench_hash,
    bench_import,
    bench_leaks,
    bench_review,
    bench_search,
    bench_sources,
    bench_train,
    bench_verify,
    bench_workers,
)
from app.cli.environment import Subparsers


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("bench", help="measure speed beside a reference", description=__doc__)
    benches = parser.add_subparsers(metavar="WHAT", required=True)
    bench_leaks.add_parser(benches)
    bench_review.add_parser(benches)
    bench_hash.add_parser(benches)
    bench_search.add_parser(benches)
    bench_copies.add_parser(benches)
    bench_verify.add_parser(benches)
    bench_embed.add_parser(benches)
    bench_export.add_parser(benches)
    bench_cleaned.add_parser(benches)
    bench_import.add_parser(benches)
    bench_sources.add_parser(benches)
    bench_detectors.add_parser(benches)
    bench_train.add_parser(benches)
    bench_workers.add_parser(benches)
