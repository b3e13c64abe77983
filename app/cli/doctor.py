"""``winnow doctor``: looks over an installation and says what to do; ends with 0 only where nothing is broken."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from app.cli.environment import Subparsers, settings_from
from app.cli.exit_status import FAILED, SUCCESS
from app.services.doctor import Finding, examine, is_well

_COLOURS = {"ok": "32", "warning": "33", "problem": "31"}


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("doctor", help="look over an installation", description=__doc__)
    parser.add_argument("--data-dir", "--data_dir", type=Path)
    parser.add_argument("--quick", action="store_true", help="leave torch, GPU and weights out")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    findings = []
    for finding in examine(settings_from(args), with_runtime=not args.quick):
        findings.append(finding)
        if not args.json:
            _show(finding)
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    return SUCCESS if is_well(findings) else FAILED


def _show(finding: Finding) -> None:
    level = f"{finding.level:<8}"
    if sys.stdout.isatty():
        level = f"\033[{_COLOURS[finding.level]}m{level}\033[0m"
    todo = f" {finding.todo}" if finding.todo else ""
    print(f"{level} {finding.check}: {finding.text}.{todo}", flush=True)
