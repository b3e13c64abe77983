"""``winnow demo``: draw the demo dataset, and check the whole path against what was planted in it."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from app.cli.demo_project import draw_demo
from app.cli.environment import Subparsers, settings_from


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "demo", help="draw the demo dataset, or check the whole path on it", description=__doc__
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="draw the dataset here and do nothing else")
    parser.add_argument("--check", action="store_true", help="run the whole path and compare with what was planted")
    parser.add_argument("--data-dir", "--data_dir", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    if args.output:
        dataset = draw_demo(args.output, min(2, settings.processes))
        print(f"{dataset.root}: images in images/, flags in {dataset.export.name}, truth in truth.json")
        return 0
    if not args.check:
        raise SystemExit("winnow demo: give --check, or --output DIR")
    return check(args)


def check(args: argparse.Namespace) -> int:
    """Import, review, find leaks, merge, export in a folder of its own; compare with the truth."""
    from app.cli.demo_run import run_whole_path
    from app.demo.check import format_report

    settings = settings_from(args)
    dataset = draw_demo(settings.folder("demo") / "drawings", min(2, settings.processes))
    with tempfile.TemporaryDirectory(prefix="winnow-demo-") as folder:
        report = run_whole_path(dataset, Path(folder))
    print(json.dumps(asdict(report)) if args.json else format_report(report))
    return 0 if report.ok else 1
