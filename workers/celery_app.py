"""The Celery worker: one task that does the next shard, and a watch that rings when a bell was lost."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Any

from celery import signals

from app.adapters.celery_app import QUEUES, TASK, make_celery
from app.adapters.celery_doorbell import CeleryDoorbell
from app.adapters.log_lines import log_to
from app.db.session import Database
from app.services.rank_queue import start_due
from app.services.run_shard import has_work
from app.settings import Settings
from workers.jobs import HANDLERS
from workers.runner import SHUTTING_DOWN, Environment, run_next_shard

logger = logging.getLogger(__name__)

RECONCILE_SECONDS = 5.0
RANKING_SECONDS = 20.0
"""So often is looked whether enough was decided for another order of a queue."""

settings = Settings()
app = make_celery(settings)
_doorbell = CeleryDoorbell(app)
_environment: Environment | None = None
_busy = threading.Lock()


def environment() -> Environment:
    """This process's database, opened at first use: a connection must not cross a fork."""
    global _environment
    if _environment is None:
        _environment = Environment(settings, Database(settings.resolved_database_url))
    return _environment


def my_queues() -> list[str]:
    return [name for name in os.environ.get("WINNOW_QUEUES", ",".join(QUEUES)).split(",") if name in QUEUES]


@app.task(name=TASK, ignore_result=True, acks_late=False)  # type: ignore[untyped-decorator]
def do_next_shard() -> None:
    """Do one shard, and ring while there is more: no message stands for hours of work."""
    with _busy:
        run_next_shard(environment(), HANDLERS, my_queues(), lambda: _doorbell.ring(my_queues()[0]))


def _reconcile(stopping: threading.Event) -> None:
    database = Database(settings.resolved_database_url)
    next_ranking = time.monotonic() + RANKING_SECONDS
    while not stopping.wait(RECONCILE_SECONDS):
        _end_with_parent()
        try:
            if not _busy.locked() and has_work(database, my_queues()):
                _doorbell.ring(my_queues()[0])
            if "cpu" in my_queues() and time.monotonic() >= next_ranking:
                next_ranking = time.monotonic() + RANKING_SECONDS
                start_due(database, _doorbell)
        except Exception:
            logger.exception("looking for work failed; trying again in %s s", RECONCILE_SECONDS)
    database.dispose()


def _end_with_parent() -> None:
    """An embedded worker whose server was killed must not live on beside the next one."""
    parent = os.environ.get("WINNOW_PARENT")
    if parent and os.getppid() != int(parent):
        os.kill(os.getpid(), signal.SIGTERM)


_stopping = threading.Event()


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
def _start_watch(**_: Any) -> None:
    threading.Thread(target=_reconcile, args=(_stopping,), daemon=True, name="reconcile").start()


@signals.worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _stop_watch(**_: Any) -> None:
    _stopping.set()
    SHUTTING_DOWN.set()


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _log_plainly(**_: Any) -> None:
    log_to("worker", settings.log_format)
    for library in ("kombu", "faiss"):  # faiss tells of each build for another processor that it does not find
        logging.getLogger(library).setLevel(logging.WARNING)
