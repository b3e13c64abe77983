"""Projects, their members and classes, and the samples of their dataset."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class Project(Base):
    """One dataset under cleaning. Its images lie in its sources."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    label_coding: Mapped[str] = mapped_column(String(10), default="name")
    policies: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Source(Base):
    """A folder or file that images are read from, never written: ``options`` are those of its kind.

    ``fingerprint`` is a digest over keys, sizes and labels as they were last read, ``samples`` their number.
    """

    __tablename__ = "sources"
    __table_args__ = (Index("ix_sources_project", "project_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(String(20))
    root: Mapped[str] = mapped_column(String(4096))
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    samples: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    read_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]


class Member(Base):
    __tablename__ = "members"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(10))


class ProjectClass(Base):
    """A class that labels may name. ``index`` is its place in the dataset's own coding, ``title`` a name to read."""

    __tablename__ = "classes"
    __table_args__ = (UniqueConstraint("project_id", "name"), UniqueConstraint("project_id", "index"))

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(300))
    index: Mapped[int]
    title: Mapped[str | None] = mapped_column(String(300))


class Sample(Base):
    """One image and its label, or one object in an image (``box``: left, top, width, height, and those of
    the image, in pixels).

    ``key`` names it in the project: its path in a folder, else ``split/image_id``. ``image_id`` is what lists call it,
    where that is not the key; ``locator`` says where its bytes are, where that is not the file ``key``.
    """

    __tablename__ = "samples"
    __table_args__ = (
        UniqueConstraint("project_id", "key"),
        Index("ix_samples_project_class", "project_id", "given_label", "split"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    split: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(1024))
    given_label: Mapped[str] = mapped_column(String(300))
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="RESTRICT"))
    image_id: Mapped[str | None] = mapped_column(String(1024))
    locator: Mapped[str | None] = mapped_column(Text)
    box: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))


class Listing(Base):
    """One reading of a project's sources. The newest finished one counts; what came before it is deleted.

    ``samples`` counts the images in the folder, ``added`` those that were new, ``relabelled`` those
    that have another label than before; ``passed_over`` has the number of
    ``PassedOverFile`` rows by reason, so that a page need not count a million of them.
    """

    __tablename__ = "listings"
    __table_args__ = (Index("ix_listings_project", "project_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    samples: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    relabelled: Mapped[int] = mapped_column(default=0)
    passed_over: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]


class PassedOverFile(Base):
    """Something in the folder that is no sample, or a sample whose file is gone; in order of path by reason."""

    __tablename__ = "passed_over_files"
    __table_args__ = (Index("ix_passed_over_files_listing", "listing_id", "reason", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listings.id", ondelete="RESTRICT"))
    reason: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(Text)
