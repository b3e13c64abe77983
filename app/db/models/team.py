"""What a team says beside its answers: check samples with a known answer, comments, and who is named in them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class CheckSample(Base):
    """A sample whose answer is known; reviewers get it among the others. ``source`` says where the answer is from."""

    __tablename__ = "check_samples"
    __table_args__ = (Index("ix_check_samples_project", "project_id", "sample_id"),)

    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    decision: Mapped[str] = mapped_column(String(10))
    new_label: Mapped[str | None] = mapped_column(String(300))
    source: Mapped[str] = mapped_column(String(20))
    added_by: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    added_at: Mapped[datetime] = mapped_column(default=utc_now)


class Comment(Base):
    """What somebody said of a sample. It is never changed; one that is withdrawn stays, and is not shown."""

    __tablename__ = "comments"
    __table_args__ = (Index("ix_comments_sample", "sample_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"))
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    client_event_id: Mapped[str] = mapped_column(String(64), unique=True)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    withdrawn_at: Mapped[datetime | None]


class Mention(Base):
    """A member named in a comment, by ``@name``."""

    __tablename__ = "mentions"
    __table_args__ = (Index("ix_mentions_user", "user_id", "project_id", "read_at"),)

    comment_id: Mapped[int] = mapped_column(ForeignKey("comments.id", ondelete="RESTRICT"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    read_at: Mapped[datetime | None]
