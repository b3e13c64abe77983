"""Leak runs, the pairs they found, and what people said of each pair."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class LeakRun(Base):
    __tablename__ = "leak_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"), index=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="RESTRICT"))
    number: Mapped[int]
    params: Mapped[dict[str, Any]]
    dataset_fingerprint: Mapped[str | None] = mapped_column(String(64))
    code_version: Mapped[str] = mapped_column(String(40))
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]


class LeakPair(Base):
    """Two samples that may show the same picture, whichever runs and methods found them.

    ``verdict`` is the projection of the pair's events. ``similarity`` ranks the list: the score where there is one,
    else the largest similarity of any method. A ``leak_type`` of ``rejected_by_verification`` says that no run ever
    accepted the pair: it is kept for the report, and nobody is asked about it.
    """

    __tablename__ = "leak_pairs"
    __table_args__ = (
        UniqueConstraint("train_sample_id", "test_sample_id"),
        Index("ix_leak_pairs_list", "project_id", "verdict", "similarity", "id", "leak_type"),
        Index("ix_leak_pairs_test", "test_sample_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    train_sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"))
    test_sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"))
    similarity: Mapped[float]
    score: Mapped[float | None]
    transform: Mapped[str | None] = mapped_column(String(20))
    leak_type: Mapped[str] = mapped_column(String(30))
    label_conflict: Mapped[bool] = mapped_column(default=False)
    verdict: Mapped[str] = mapped_column(String(10), default="open")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0)


class LeakMatch(Base):
    """One method's finding of a pair in one run."""

    __tablename__ = "leak_matches"
    __table_args__ = (
        UniqueConstraint("run_id", "pair_id", "method"),
        Index("ix_leak_matches_pair", "pair_id"),
        Index("ix_leak_matches_run", "run_id", "pair_id", "leak_type", "score"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("leak_runs.id", ondelete="RESTRICT"))
    pair_id: Mapped[int] = mapped_column(ForeignKey("leak_pairs.id", ondelete="RESTRICT"))
    method: Mapped[str] = mapped_column(String(20))
    similarity: Mapped[float]
    leak_type: Mapped[str] = mapped_column(String(30))
    hamming_distance: Mapped[int | None]
    score: Mapped[float | None]
    transform: Mapped[str | None] = mapped_column(String(20))


class LeakProblem(Base):
    """An image that a leak run could not read."""

    __tablename__ = "leak_problems"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("leak_runs.id", ondelete="RESTRICT"), index=True)
    key: Mapped[str] = mapped_column(String(1024))
    code: Mapped[str] = mapped_column(String(40))
    message: Mapped[str] = mapped_column(Text)


class LeakVerdictEvent(Base):
    """One step in the history of a pair; never changed, never deleted."""

    __tablename__ = "leak_verdict_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    pair_id: Mapped[int] = mapped_column(ForeignKey("leak_pairs.id", ondelete="RESTRICT"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    client_event_id: Mapped[str] = mapped_column(String(64), unique=True)
    verdict: Mapped[str] = mapped_column(String(10))
    base_version: Mapped[int]
    new_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
