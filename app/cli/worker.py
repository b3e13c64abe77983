"""``winnow worker``: a worker process for a team's server, so that nobody needs Celery's own command line.

One process does one shard at a time and starts its own children to decode images. More at once means more of these
processes, on this machine or another: the jobs table deals the shards out.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from app.adapters.celery_app import QUEUES
from app.cli.environment import Subparsers, settings_from
from app.domain.errors import InvalidInput

QUEUES_VARIABLE = "WINNOW_QUEUES"


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("worker", help="start a worker of a team's server", description=__doc__)
    parser.add_argument(
        "--queues",
        metavar="NAMES",
        help=f"which work it takes, of {','.join(QUEUES)} (default: {QUEUES_VARIABLE}, else all)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    queues = parse_queues(args.queues or os.environ.get(QUEUES_VARIABLE) or ",".join(QUEUES))
    if settings.is_embedded:
        raise InvalidInput(
            "Without WINNOW_REDIS_URL the worker is part of `winnow serve`. Set the same WINNOW_REDIS_URL, "
            "WINNOW_DATABASE_URL and WINNOW_DATA_DIR here as for the web server."
        )
    command = worker_command(queues)
    sys.stdout.flush()
    # Celery takes this process's place, so that signals reach it and its exit status is ours.
    os.execve(command[0], command, {**os.environ, QUEUES_VARIABLE: ",".join(queues)})  # noqa: S606 - our own command


def parse_queues(text: str) -> list[str]:
    """Read ``cpu,gpu``.

    Raises:
        InvalidInput: a queue is unknown, or none is named.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or not set(names) <= set(QUEUES):
        raise InvalidInput(f"{text!r} names no queues. They are {' and '.join(QUEUES)}, with commas between them.")
    return list(dict.fromkeys(names))


def worker_command(queues: Sequence[str]) -> list[str]:
    """Celery's command line for one worker.

    Always the solo pool: a pool that forks can neither use a GPU nor start the children that decode images.
    """
    return [
        sys.executable, "-m", "celery", "--quiet", "-A", "workers.celery_app", "worker", "--pool", "solo",
        "--concurrency", "1", "--without-gossip", "--without-mingle", "--without-heartbeat",
        "--loglevel", "WARNING", "-Q", ",".join(queues),
    ]  # fmt: skip
