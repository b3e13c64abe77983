"""``winnow analyse``: let Winnow's own detectors look over a project's images, and put what they find into its queue.

Works without a server, like ``winnow import``: from a folder of photos to flags in two commands.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.cli.environment import Subparsers, open_database, settings_from
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access, work_until_done
from app.db.session import Session
from app.domain.accounts import slugify
from app.domain.detectors import DEFAULT_EPOCHS, Detector, Features
from app.domain.errors import InvalidInput
from app.services.analyses import AnalysisParams, get_analysis, start_analysis
from app.services.projects import Access
from app.services.take_numbers import NumberKind, keep_numbers


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("analyse", help="flag poor images, copies, outliers, mislabels", description=__doc__)
    parser.add_argument("--project", required=True, help="the project's name")
    parser.add_argument(
        "--detectors",
        nargs="+",
        metavar="NAME",
        default=[detector.value for detector in Detector],
        help=f"any of {', '.join(Detector)}, with spaces or commas between them (default: all)",
    )
    parser.add_argument(
        "--features", default=Features.AUTO.value, metavar="NAME",
        help="by what pictures are compared: " + "; ".join(f"{one.value}: {one.label}" for one in Features),
    )  # fmt: skip
    parser.add_argument("--epochs", type=int, default=DEFAULT_EPOCHS, metavar="N", help="of the features 'learned'")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--vectors", type=Path, metavar="FILE", help="a vector for each image: NPY, NPZ, CSV, Parquet")
    parser.add_argument(
        "--probabilities", type=Path, metavar="FILE", help="a probability of each class for each image, likewise"
    )
    parser.add_argument(
        "--threshold", action="append", default=[], metavar="ISSUE=NUMBER",
        help="a threshold of quality, as the page's histograms show them: blurry=2.5 (may be repeated)",
    )  # fmt: skip
    parser.add_argument("--batch-size", "--batch_size", type=int, default=32, metavar="N")
    parser.add_argument("--device", default="auto", help="for embeddings: auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--dry-run", "--dry_run", action="store_true", help="show what would be flagged, and apply nothing"
    )
    parser.add_argument("--data-dir", "--data_dir")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    database = open_database(settings)
    ensure_owner(database)
    detectors = [name for given in args.detectors for name in given.split(",") if name]
    slug, uploads = slugify(args.project), settings.folder("uploads")
    with database.writing() as session:
        access = owner_access(session, slug)
        vectors, probabilities = (
            _keep(session, access, uploads, kind, path)
            for kind, path in ((NumberKind.VECTORS, args.vectors), (NumberKind.PROBABILITIES, args.probabilities))
        )
        params = AnalysisParams(
            tuple(detectors), args.dry_run, args.device, args.batch_size, args.features, args.epochs, args.seed,
            vectors, probabilities, _thresholds(args.threshold),
        )  # fmt: skip
        job, _ = start_analysis(
            session, NoDoorbell(), access, params, shard_size=settings.shard_size,
            has_weights=settings.weights is not None, uploads=uploads,
        )  # fmt: skip
        job_id = job.id
    tell = (lambda text: print(f"\r\x1b[K{text}", end="", file=sys.stderr)) if sys.stderr.isatty() else None
    work_until_done(settings, database, job_id, tell)
    with database.reading() as session:
        view = get_analysis(session, owner_access(session, slug), job_id, settings.folder("results"))
    if args.json:
        print(json.dumps(asdict(view), default=str))
    else:
        print("\n".join(describe(view.summary, view.problems, args.dry_run)))
    return 0


def _keep(session: Session, access: Access, uploads: Path, kind: NumberKind, path: Path | None) -> str:
    if path is None:
        return ""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror}.") from error
    return keep_numbers(session, access, uploads, kind=kind, file_name=path.name, data=data).file


def _thresholds(given: Sequence[str]) -> dict[str, float]:
    try:
        pairs = (text.split("=", 1) for text in given)
        return {issue.strip(): float(value) for issue, value in pairs}
    except ValueError:
        raise InvalidInput(f"{' '.join(given)} should be issues with a number each, such as blurry=2.5.") from None


def describe(summary: dict[str, Any], problems: int, is_dry_run: bool) -> list[str]:
    """What an analysis found, a line each."""
    issues = summary["issues"]
    step = "would be flagged" if is_dry_run else "flagged"
    lines = [
        f"{summary['images']:,} images looked at, {problems:,} could not be read. {sum(issues.values()):,} {step}:"
    ]
    lines += [f"  {count:8,}  {issue.replace('_', ' ')}" for issue, count in issues.items()]
    lines += [
        f"  {one['images']:,} images of {one['given']!r} ({one['share']:.1%}) look like {one['looks_like']!r}"
        for one in summary["confusions"]
    ]
    return lines + [f"  note: {notice}" for notice in summary["notices"]]
