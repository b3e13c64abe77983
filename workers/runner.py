"""Doing one shard: claim it, work with a beating heart, settle it. Knows nothing of Celery."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path

from app.adapters.files import sha256_of
from app.adapters.log_lines import JOB
from app.db.session import Database
from app.domain.errors import JobCancelled, WinnowError
from app.services import run_shard
from app.services.run_shard import ClaimedShard
from app.settings import Settings

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
PROGRESS_SECONDS = 1.0
STOP_CHECK_SECONDS = 2.0
"""How long work that asks whether to stop may go by an answer."""


SHUTTING_DOWN = threading.Event()
"""Set when this process is asked to end: the work at hand is given back instead of being killed."""


class Context:
    """What a shard's work may use: report progress, ask whether to stop, name its result file."""

    def __init__(
        self, database: Database, claimed: ClaimedShard, results: Path, queues: Sequence[str] = ()
    ) -> None:  # fmt: skip
        self._database, self._claimed, self._results, self._queues = database, claimed, results, list(queues)
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._told = 0.0
        self.done = 0
        self.problems = 0
        self.result: Path | None = None

    def report(self, done: int, problems: int = 0) -> None:
        """Say how many rows are done; written to the database at most once a second."""
        self.done, self.problems = done, max(problems, self.problems)
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self.beat()

    def should_stop(self) -> bool:
        """Whether the work was cancelled, went to another worker, or this process is asked to end. Cheap enough to ask
        often."""
        if time.monotonic() - self._told >= STOP_CHECK_SECONDS:
            self.beat()
        return self._stop.is_set() or SHUTTING_DOWN.is_set()

    def should_give_way(self) -> bool:
        """Whether work of another kind waits that this worker could do. Work that takes hours and can be taken up
        again without loss then raises ``JobCancelled``: its shard waits, and comes after what is shorter."""
        return run_shard.other_kinds_wait(self._database, self._claimed, self._queues)

    def result_path(self, name: str) -> Path:
        """Where this shard's result belongs. The lease's number is part of it, so that no two workers share one."""
        row = self._claimed.row
        folder = self._results / f"job-{row.job_id}"
        folder.mkdir(parents=True, exist_ok=True)
        self.result = folder / f"{row.stage}-{row.shard_no}-{row.lease_token}-{name}"
        return self.result

    def beat(self) -> None:
        self._told = time.monotonic()
        try:
            if not run_shard.keep_lease(self._database, self._claimed, self.done, self.problems):
                self._stop.set()
        except Exception:
            logger.exception("the heartbeat could not be written; trying again")

    def keep_beating(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            self.beat()

    def end(self) -> None:
        self._ended.set()


@dataclass(frozen=True)
class Environment:
    """What every kind of work is given."""

    settings: Settings
    database: Database


Handler = Callable[[Environment, ClaimedShard, Context], None]


def run_next_shard(
    environment: Environment, handlers: Mapping[str, Handler], queues: list[str], ring: Callable[[], None] | None = None
) -> bool:
    """Do the next shard, if there is one. Returns whether there was.

    ``ring`` wakes somebody as soon as it is claimed where more waits, so that others need not look for themselves, and
    at its end where that opens the next stage (docs/decisions/0061).
    """
    owner = f"{socket.gethostname()}:{os.getpid()}"
    claimed = run_shard.claim_shard(environment.database, queues, owner)
    if claimed is None:
        return False
    JOB.set(str(claimed.job_id))
    context = Context(environment.database, claimed, environment.settings.folder("results"), queues)
    heart = threading.Thread(target=copy_context().run, args=(context.keep_beating,), daemon=True)
    heart.start()
    logger.info("job %s: %s (%s)", claimed.job_id, claimed.name, claimed.kind)
    has_rung = ring is not None and run_shard.has_work(environment.database, queues)
    if ring is not None and has_rung:
        ring()
    try:
        _work(environment, handlers[claimed.kind], claimed, context)
    finally:
        context.end()
        heart.join()
        JOB.set("")
    opened = not has_rung or run_shard.is_stage_done(environment.database, claimed)
    if ring is not None and opened and run_shard.has_work(environment.database, queues):
        ring()
    return True


def _work(environment: Environment, handler: Handler, claimed: ClaimedShard, context: Context) -> None:
    try:
        handler(environment, claimed, context)
    except JobCancelled:
        _discard(context)
        run_shard.cancel_shard(environment.database, claimed)
    except WinnowError as error:
        logger.warning("job %s: %s", claimed.job_id, error.message)
        _discard(context)
        run_shard.fail_shard(environment.database, claimed, error)
    except MemoryError as error:
        # It must not leave the task: Celery's worker would die of it.
        _discard(context)
        run_shard.fail_shard(environment.database, claimed, error)
    except Exception as error:
        logger.exception("job %s: %s failed", claimed.job_id, claimed.name)
        _discard(context)
        run_shard.fail_shard(environment.database, claimed, error)
    else:
        _settle(environment, claimed, context)


def _settle(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    path = context.result
    name = str(path.relative_to(environment.settings.folder("results"))) if path else None
    digest = sha256_of(path) if path else None
    counted = run_shard.finish_shard(
        environment.database, claimed, result_path=name, sha256=digest, problems=context.problems
    )
    if not counted:
        _discard(context)


def _discard(context: Context) -> None:
    if context.result is not None:
        context.result.unlink(missing_ok=True)
