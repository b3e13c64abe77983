"""Jobs and their shards: the queue of record. A Celery message only rings the bell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class Job(Base):
    """Long work. One live job per ``live_key``: a second start finds the first."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "uq_jobs_live_key", "live_key", unique=True,
            sqlite_where=text("state IN ('queued', 'running')"),
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index("ix_jobs_state", "state", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(300))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    live_key: Mapped[str] = mapped_column(String(200))
    queue: Mapped[str] = mapped_column(String(10), default="cpu")
    state: Mapped[str] = mapped_column(String(20), default="queued")
    error: Mapped[str | None] = mapped_column(Text)
    requested_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    cancel_requested_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobShard(Base):
    """A part of a job that one worker does in about a minute.

    A shard of a later ``stage`` waits until all earlier ones are done. ``lease_token`` grows with every claim: a
    worker that was given up for dead and comes back finds that its token no longer counts.
    """

    __tablename__ = "job_shards"
    __table_args__ = (Index("ix_job_shards_claim", "state", "queue", "job_id", "stage", "shard_no"),)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="RESTRICT"), primary_key=True)
    stage: Mapped[int] = mapped_column(primary_key=True)
    shard_no: Mapped[int] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(String(10), default="cpu")
    name: Mapped[str] = mapped_column(String(60))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    total: Mapped[int] = mapped_column(default=1)
    rows_done: Mapped[int] = mapped_column(default=0)
    problems: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempt: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_token: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[float | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result_path: Mapped[str | None] = mapped_column(String(300))
    result_sha256: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None] = mapped_column(Text)
