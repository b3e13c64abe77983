"""Bulk decisions: one answer for a whole stratum, proved by looking at a random sample of it.

``BulkDecision`` is a projection; what was drawn, applied, taken back and settled is in tables that only grow.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class BulkDecision(Base):
    """An answer proposed for the samples that ``filters`` take in, and how far it has come.

    ``state`` goes from ``drawn`` over ``applying`` to ``applied``, and over ``revoking`` to ``revoked``. ``population``
    counts the samples it could settle when the sample was drawn, ``left_out`` those it could not, by reason;
    ``settled`` counts those that it settled. ``applied_event_id`` orders bulk decisions: the larger one counts.
    """

    __tablename__ = "bulk_decisions"
    __table_args__ = (Index("ix_bulk_decisions_project", "project_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    filters: Mapped[dict[str, Any]]
    over_bulk: Mapped[bool]
    decision: Mapped[str] = mapped_column(String(10))
    tags: Mapped[list[str]]
    width: Mapped[float]
    seed: Mapped[int]
    population: Mapped[int]
    left_out: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(10), default="drawn")
    settled: Mapped[int] = mapped_column(default=0)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="RESTRICT"))
    applied_event_id: Mapped[int | None]
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class BulkDraw(Base):
    """One sample that was drawn. ``new_label`` is what the bulk decision would relabel it to."""

    __tablename__ = "bulk_draws"
    __table_args__ = (UniqueConstraint("bulk_id", "position"),)

    bulk_id: Mapped[int] = mapped_column(ForeignKey("bulk_decisions.id", ondelete="RESTRICT"), primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"), primary_key=True)
    position: Mapped[int]
    new_label: Mapped[str | None] = mapped_column(String(300))


class BulkEvent(Base):
    """One step of a bulk decision: ``draw``, ``apply`` or ``revoke``; ``payload`` holds the evidence as it was."""

    __tablename__ = "bulk_events"
    __table_args__ = (Index("ix_bulk_events_project", "project_id", "id"), Index("ix_bulk_events_bulk", "bulk_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    bulk_id: Mapped[int] = mapped_column(ForeignKey("bulk_decisions.id", ondelete="RESTRICT"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    client_event_id: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class BulkSample(Base):
    """One sample that a bulk decision settled. It stays when the decision is taken back, or a reviewer answers."""

    __tablename__ = "bulk_samples"
    __table_args__ = (UniqueConstraint("sample_id", "bulk_id"), Index("ix_bulk_samples_bulk", "bulk_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    bulk_id: Mapped[int] = mapped_column(ForeignKey("bulk_decisions.id", ondelete="RESTRICT"))
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"))
    new_label: Mapped[str | None] = mapped_column(String(300))
