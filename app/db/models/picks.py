"""Samples picked on a map, so that the grid and the queue can show just them, and a link to that can be sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class Pick(Base):
    """So many ``samples`` picked at once; never changed."""

    __tablename__ = "picks"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"), index=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    samples: Mapped[int]


class PickedSample(Base):
    __tablename__ = "picked_samples"

    pick_id: Mapped[int] = mapped_column(ForeignKey("picks.id", ondelete="RESTRICT"), primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"), primary_key=True)
