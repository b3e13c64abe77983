"""Celery's settings, the same for those who ring and for those who work.

The broker only carries "there is work": what is to be done, by whom and how often it was tried is in the jobs table.
"""

from __future__ import annotations

from celery import Celery

from app.adapters.folder_broker import SCHEME
from app.settings import Settings

TASK = "work.next"
QUEUES = ("cpu", "gpu")


def make_celery(settings: Settings) -> Celery:
    app = Celery("winnow", broker=settings.redis_url or f"{SCHEME}://localhost", set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        # The lease in the database decides about a second try, not the broker.
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        worker_prefetch_multiplier=1,
        worker_soft_shutdown_timeout=30,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        task_create_missing_queues=False,
        task_default_queue="cpu",
        task_queues={name: {"exchange": name, "routing_key": name} for name in QUEUES},
        broker_transport_options=_transport_options(settings),
        visibility_timeout=21600,
    )
    if settings.is_embedded:
        app.conf.control_folder = str(settings.folder("broker/control"))
    return app


def _transport_options(settings: Settings) -> dict[str, object]:
    if not settings.is_embedded:
        return {"visibility_timeout": 21600, "socket_timeout": 10, "socket_connect_timeout": 5}
    inbox = str(settings.folder("broker/queue"))
    return {
        "data_folder_in": inbox,
        "data_folder_out": inbox,
        "control_folder": str(settings.folder("broker/control")),
        # Without a folder of its own the transport moves messages through the system's temporary folder.
        "store_processed": True,
        "processed_folder": str(settings.folder("broker/processed")),
        "polling_interval": 0.2,
    }
