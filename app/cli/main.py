"""``winnow``: reads the command line and hands over to one module per command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from app import __version__
from app.cli import bench, demo, export, import_, leaks, migrate, serve, users, worker
from app.domain.errors import WinnowError

BAD_ARGUMENTS = 2
INTERRUPTED = 130


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="winnow", description="Clean an image dataset together.")
    parser.add_argument("--version", action="version", version=f"winnow {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (serve, worker, leaks, import_, export, users, demo, bench, migrate):
        module.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 only on success, 2 for what the user can mend in the arguments."""
    args = make_parser().parse_args(arguments)
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
