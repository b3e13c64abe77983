"""``winnow``: reads the command line and hands over to one module per command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from app import __version__
from app.domain.errors import WinnowError

BAD_ARGUMENTS = 2
INTERRUPTED = 130

COMMANDS = {
    "serve": "app.cli.serve",
    "worker": "app.cli.worker",
    "tag": "app.cli.tag",
    "coco": "app.cli.coco",
    "leaks": "app.cli.leaks",
    "import": "app.cli.import_",
    "analyse": "app.cli.analyse",
    "sources": "app.cli.sources",
    "reviews": "app.cli.reviews",
    "export": "app.cli.export",
    "versions": "app.cli.versions",
    "users": "app.cli.users",
    "demo": "app.cli.demo",
    "compare": "app.cli.compare",
    "bench": "app.cli.bench",
    "migrate": "app.cli.migrate",
    "doctor": "app.cli.doctor",
    "backup": "app.cli.backup",
    "restore": "app.cli.restore",
    "compile-kernels": "app.cli.compile_kernels",
}
"""Module of each command. Only the one that is asked for is loaded: together they take seconds."""


def make_parser(wanted: str | None = None) -> argparse.ArgumentParser:
    """The parser of one command, or of all where none is named."""
    parser = argparse.ArgumentParser(prog="winnow", description="Clean an image dataset together.")
    parser.add_argument("--version", action="version", version=f"winnow {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        import_module(COMMANDS[name]).add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 only on success, 2 for what the user can mend in the arguments."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        print(f"winnow {__version__}")
        return 0
    args = make_parser(given[0] if given else None).parse_args(given)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except WinnowError as error:
        print(f"winnow: {error.message}", file=sys.stderr)
        return BAD_ARGUMENTS
    except KeyboardInterrupt:
        print("winnow: interrupted", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
