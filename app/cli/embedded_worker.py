"""The worker beside the web server: a process of its own, started again when it dies."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
import time

from app.adapters.celery_app import QUEUES
from app.cli.worker import QUEUES_VARIABLE, worker_command
from app.settings import Settings

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 30.0
_GRACE = 15.0


class EmbeddedWorker:
    """Runs ``celery worker`` with one slot, and watches it until it is stopped."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {
            **os.environ,
            "WINNOW_DATA_DIR": str(settings.data_dir.resolve()),
            "WINNOW_PARENT": str(os.getpid()),
            # The only worker there is takes everything, whatever the environment says.
            QUEUES_VARIABLE: ",".join(QUEUES),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._keep_running, daemon=True, name="worker-watch")

    def start(self) -> None:
        self._watch.start()

    def _keep_running(self) -> None:
        wait = 1.0
        while not self._stopping.is_set():
            begun = time.monotonic()
            self._process = _start(self._environment)
            status = self._process.wait()
            if self._stopping.is_set():
                return
            wait = 1.0 if time.monotonic() - begun > 60 else min(wait * 2, _LONGEST_WAIT)
            logger.warning("the worker ended with status %s; starting it again in %.0f s", status, wait)
            self._stopping.wait(wait)

    def stop(self) -> None:
        """Let the worker finish what it can in a few seconds; the rest is taken up at the next start."""
        self._stopping.set()
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    # Reviewers wait for pages, nobody waits for a worker to the second: it takes what they leave of the processor.
    nice = shutil.which("nice")
    command = [*([nice, "-n", "10"] if nice else []), *worker_command(QUEUES)]
    # A session of its own: Ctrl-C reaches the server, which then ends the worker in order.
    return subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - our own command line
