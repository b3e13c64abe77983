"""What the queue's order knows of each source: how often its flags were right when it was last ranked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class SourceWeight(Base):
    """``weight`` is what an opinion of this source on this issue type counts for, from ``right`` of ``settled``."""

    __tablename__ = "source_weights"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"), primary_key=True)
    source: Mapped[str] = mapped_column(String(100), primary_key=True)
    issue_type: Mapped[str] = mapped_column(String(20), primary_key=True)
    weight: Mapped[float]
    right: Mapped[int]
    settled: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=utc_now)
