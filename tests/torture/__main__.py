"""``python -m tests.torture``: the long run. Prints its figures as JSON; status 1 where a rule was broken."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.torture.campaign import Plan, torture
from tests.torture.job_campaign import JobPlan, torture_jobs


def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    if args.jobs:
        return torture_jobs(JobPlan(args.backend, args.images, args.kills, args.cancels, args.seed), folder)
    return torture(Plan(args.backend, args.decisions, args.kills, args.seed, args.reviewers), folder)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--backend", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--decisions", type=int, default=100_000, help="acknowledged decisions at which it ends")
    parser.add_argument("--kills", type=int, default=200, help="processes killed meanwhile")
    parser.add_argument("--reviewers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", action="store_true", help="torture leak runs and exports instead of decisions")
    parser.add_argument("--images", type=int, default=1000, help="with --jobs: images to search")
    parser.add_argument("--cancels", type=int, default=20, help="with --jobs: runs cancelled at a random moment")
    parser.add_argument("--folder", type=Path, help="an empty folder that is kept (default: one that is not)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, too
    args = parser.parse_args()
    if args.folder:
        args.folder.mkdir(parents=True, exist_ok=True)
        figures = run(args, args.folder)
    else:
        with tempfile.TemporaryDirectory(prefix="winnow-torture-", ignore_cleanup_errors=True) as folder:
            figures = run(args, Path(folder))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 1 if figures["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
