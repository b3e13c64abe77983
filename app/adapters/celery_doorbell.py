"""The doorbell by Celery: one tiny message that says a queue has work."""

from __future__ import annotations

from celery import Celery

from app.adapters.celery_app import TASK


class CeleryDoorbell:
    """Rings workers by the task's name, so that the web side never imports a task."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def ring(self, queue: str) -> None:
        # No retries: a worker looks at the jobs table by itself every few seconds.
        self._celery.send_task(TASK, queue=queue, retry=False, expires=3600)
