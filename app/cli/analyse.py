"""``winnow analyse``: let Winnow's own detectors look over a project's images, and put what they find into its queue.

Works without a server, like ``winnow import``: from a folder of photos to flags in two commands.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from app.cli.environment import Subparsers, open_database, settings_from
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access, work_until_done
from app.domain.accounts import slugify
from app.domain.detectors import Detector
from app.services.analyses import AnalysisParams, get_analysis, start_analysis


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("analyse", help="flag poor images, copies, outliers, mislabels", description=__doc__)
    parser.add_argument("--project", required=True, help="the project's name")
    parser.add_argument(
        "--detectors",
        nargs="+",
        metavar="NAME",
        default=[detector.value for detector in Detector],
        help=f"any of {', '.join(Detector)}, with spaces or commas between them (default: all; the last two need "
        "WINNOW_WEIGHTS)",
    )
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
    params = AnalysisParams(tuple(detectors), args.dry_run, args.device, args.batch_size)
    slug = slugify(args.project)
    with database.writing() as session:
        job, _ = start_analysis(
            session, NoDoorbell(), owner_access(session, slug), params, shard_size=settings.shard_size,
            has_weights=settings.weights is not None,
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
