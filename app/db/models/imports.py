"""Imports of flagged samples: what came in, what was refused, and the flags themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class Import(Base):
    """An upload. ``state``: ``unmapped``, ``queued``, ``previewed``, ``done``, ``failed`` or ``discarded``.

    ``mapping`` says how a table of unknown columns is read; ``preview_digest`` stands for what ``preview`` showed.
    """

    __tablename__ = "imports"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="RESTRICT"))
    file_name: Mapped[str] = mapped_column(String(300))
    stored_name: Mapped[str] = mapped_column(String(100))
    file_sha256: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(100))
    confidence_in_percent: Mapped[bool] = mapped_column(default=False)
    format: Mapped[str] = mapped_column(String(40), default="guide")
    ignore_case: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default="queued")
    error: Mapped[str | None] = mapped_column(Text)
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_accepted: Mapped[int] = mapped_column(default=0)
    rows_rejected: Mapped[int] = mapped_column(default=0)
    flags_new: Mapped[int] = mapped_column(default=0)
    flags_updated: Mapped[int] = mapped_column(default=0)
    flags_unchanged: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[list[str]] = mapped_column(default=list)
    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    preview: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    preview_digest: Mapped[str | None] = mapped_column(String(64))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ImportPreset(Base):
    """A mapping of columns that the project keeps under a name."""

    __tablename__ = "import_presets"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(100))
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON(none_as_null=True))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ImportReject(Base):
    __tablename__ = "import_rejects"
    __table_args__ = (Index("ix_import_rejects_import_line", "import_id", "line"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="RESTRICT"))
    line: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    raw: Mapped[str] = mapped_column(Text)


class DuplicateMember(Base):
    """An image of a duplicate group, flagged or not. Worked out from the flags after each import, never edited."""

    __tablename__ = "duplicate_members"
    __table_args__ = (Index("ix_duplicate_members_sample", "sample_id"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"), primary_key=True)
    cluster: Mapped[str] = mapped_column(String(200), primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"), primary_key=True)


class FlagRow(Base):
    """A flag on a sample. ``image_id`` is the detector's own name for the image, ``raw_score`` its own number.

    The first two indexes hold all that filters and the ranking of strata ask: neither reads the rows.
    """

    __tablename__ = "flags"
    __table_args__ = (
        Index("ix_flags_stratum", "project_id", "issue_type", "source", "confidence", "sample_id"),
        Index("ix_flags_sample", "sample_id", "issue_type", "confidence", "source"),
        Index("ix_flags_project_group", "project_id", "group"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]  # the sample's, which refers to it: a check for each row here would say nothing new
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"))
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id", ondelete="RESTRICT"))
    source: Mapped[str] = mapped_column(String(100))
    issue_type: Mapped[str] = mapped_column(String(20))
    raw_issue_type: Mapped[str] = mapped_column(String(200))
    confidence: Mapped[float | None]
    suggested_label: Mapped[str | None] = mapped_column(String(300))
    reason: Mapped[str | None] = mapped_column(Text)
    group: Mapped[str | None] = mapped_column(String(200))
    image_id: Mapped[str] = mapped_column(String(300), default="")
    raw_score: Mapped[float | None]
    raw_score_name: Mapped[str | None] = mapped_column(String(100))
