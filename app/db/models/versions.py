"""Versions: frozen outcomes of a project, the samples they settle, and the files they hand out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class Version(Base):
    """``snapshot`` holds what the files tell beside the samples: sizes, policies, people, agreement.

    One that was archived stays whole, with its files; lists show it apart.
    Without a job it is not frozen yet, or freezing it was cut off: nobody is shown it.
    """

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    number: Mapped[int]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="RESTRICT"))
    note: Mapped[str] = mapped_column(Text, default="")
    digest: Mapped[str] = mapped_column(String(64))
    removed: Mapped[int]
    relabelled: Mapped[int]
    kept: Mapped[int]
    snapshot: Mapped[dict[str, Any]]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    archived_at: Mapped[datetime | None]


class VersionSample(Base):
    """One sample's outcome in one version, whole: later reviews do not reach it."""

    __tablename__ = "version_samples"

    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id", ondelete="RESTRICT"), primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"), primary_key=True)
    outcome: Mapped[dict[str, Any]]


class VersionFile(Base):
    __tablename__ = "version_files"
    __table_args__ = (UniqueConstraint("version_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(200))
    bytes: Mapped[int]
    rows: Mapped[int | None]
    sha256: Mapped[str] = mapped_column(String(64))
