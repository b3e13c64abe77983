"""Real workers: rung by the doorbell, killed in the middle of work, left without a parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.adapters.celery_app import TASK, make_celery
from app.adapters.celery_doorbell import CeleryDoorbell
from app.cli.embedded_worker import _start
from tests.fixtures.world import World

ROOT = Path(__file__).parents[2]


def wait_for(what: Callable[[], object], seconds: float = 300) -> None:
    """Wait until something is so. The limit only ends a hanging test."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


@pytest.fixture
def start_worker(settings) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start the worker as the server starts it; whatever still runs is killed at the end."""
    running: list[subprocess.Popen] = []

    def start(**more: str) -> subprocess.Popen:
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "WINNOW_DATA_DIR": str(settings.data_dir), "WINNOW_PROCESSES": "1",
            **more,
        }  # fmt: skip
        running.append(_start(environment))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_task_has_the_name_that_the_doorbell_rings():
    script = "from workers.celery_app import app; print(sorted(n for n in app.tasks if not n.startswith('celery.')))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == f"['{TASK}']"


def test_the_bell_says_only_that_there_is_work(settings):
    CeleryDoorbell(make_celery(settings)).ring("cpu")
    messages = list(settings.folder("broker/queue").iterdir())
    assert len(messages) == 1
    assert settings.folder("broker").stat().st_mode & 0o077 == 0


def test_a_worker_does_what_a_bell_rang_for_and_what_no_bell_told_of(settings, database, dataset, start_worker):
    rung = World(settings, database, CeleryDoorbell(make_celery(settings)), dataset).create("Rung")
    start_worker()
    wait_for(lambda: rung.job(1).state == "done")
    silent = World(settings, database, _Nothing(), dataset).create("Not rung")
    wait_for(lambda: silent.job(2).state == "done")


def test_bells_that_were_cut_off_stop_no_worker(settings, database, dataset, start_worker):
    """The broker's folder after a full disk, or a power cut: each message ends somewhere else."""
    CeleryDoorbell(make_celery(settings)).ring("cpu")
    queue = settings.folder("broker/queue")
    (bell,) = queue.iterdir()
    whole = bell.read_bytes()
    for point in range(20):
        (queue / f"0_{point:02}{bell.name}").write_bytes(whole[: len(whole) * point // 20])
    behind = World(settings, database, _Nothing(), dataset).create("Behind them")
    worker = start_worker()
    wait_for(lambda: not list(queue.iterdir()) or worker.poll() is not None)
    wait_for(lambda: behind.job(1).state == "done" or worker.poll() is not None)
    assert worker.poll() is None
    assert not list(settings.folder("broker/processed").iterdir()), "what was read is not kept for ever"


class _Nothing:
    """A bell that is always lost."""

    def ring(self, queue: str) -> None: ...


def report(world, run_id: int) -> str:
    from app.services.leak_summary import run_report

    with world.reading() as (session, access):
        return run_report(session, access, run_id)[1]


def test_a_worker_ends_when_its_parent_was_killed(settings, start_worker, tmp_path):
    script = (
        "import os, sys, time; from app.cli.embedded_worker import _start\n"
        "child = _start({**os.environ, 'WINNOW_PARENT': str(os.getpid())})\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WINNOW_DATA_DIR": str(settings.data_dir)}
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    try:
        wait_for(lambda: (settings.data_dir / "broker").exists())
        parent.kill()
        parent.wait()
        wait_for(lambda: not is_running(child))
    finally:
        parent.stdout.close()
        if is_running(child):
            os.killpg(child, signal.SIGKILL)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
