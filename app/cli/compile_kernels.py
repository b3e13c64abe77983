"""``winnow compile-kernels``: compile what leak searches run as machine code, so that the first one need not."""

from __future__ import annotations

import argparse
import sys

from app.cli.environment import Subparsers


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "compile-kernels", help="compile the leak search for this machine, once", description=__doc__
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Always 0: without machine code on disk everything works, only later."""
    from workers.engines.warm_up import compile_kernels

    done = compile_kernels()
    if not done.folders:
        print(
            "winnow compile-kernels: machine code could not be kept, so each process will compile for itself. "
            "Set NUMBA_CACHE_DIR to a folder that can be written.",
            file=sys.stderr,
        )
        return 0
    what = f"{done.compiled} functions compiled" if done.compiled else "Everything is compiled already"
    print(f"{what}: {', '.join(sorted(done.folders))}")
    return 0
