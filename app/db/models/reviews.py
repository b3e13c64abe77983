"""Reviews: an append-only history of events, and the current state worked out from it.

Events are never changed or deleted; triggers in the database refuse it. ``ReviewRow`` and ``SampleState`` are
projections, updated in the same transaction as the event they follow from.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, utc_now


class ReviewEvent(Base):
    """One step in the history of a sample.

    ``kind`` is ``review``, ``undo``, ``redo`` or ``adjudication``; ``payload`` holds the whole review after the
    step. ``client_event_id`` makes a repeated request harmless. Events of one ``batch_id`` were one answer to many
    samples and are taken back together.
    """

    __tablename__ = "review_events"
    __table_args__ = (
        Index("ix_review_events_sample", "sample_id", "id"),
        Index("ix_review_events_reviewer", "project_id", "reviewer_id", "id"),
        Index("ix_review_events_recent", "project_id", "created_at", "reviewer_id", "kind"),
        Index(
            "ix_review_events_batch",
            "batch_id",
            "reviewer_id",
            sqlite_where=text("batch_id IS NOT NULL"),
            postgresql_where=text("batch_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    client_event_id: Mapped[str] = mapped_column(String(64), unique=True)
    batch_id: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(20))
    reverts_event_id: Mapped[int | None] = mapped_column(ForeignKey("review_events.id", ondelete="RESTRICT"))
    base_version: Mapped[int]
    new_version: Mapped[int]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ReviewRow(Base):
    """The current review of one reviewer on one sample. ``is_adjudication`` marks a lead's settling answer.

    ``is_check`` marks an answer on a check sample that was settled before: it tells of the reviewer, not of the sample.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("sample_id", "reviewer_id", "is_adjudication"),
        Index("ix_reviews_project_reviewer", "project_id", "reviewer_id", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"))
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    is_adjudication: Mapped[bool] = mapped_column(Boolean, default=False)
    is_check: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    status: Mapped[str] = mapped_column(String(10))
    decision: Mapped[str | None] = mapped_column(String(10))
    new_label: Mapped[str | None] = mapped_column(String(300))
    tags: Mapped[list[str]] = mapped_column(default=list)
    note: Mapped[str] = mapped_column(Text, default="")
    answers: Mapped[list[Any]] = mapped_column(default=list)
    lead_time_ms: Mapped[int] = mapped_column(default=0)
    version: Mapped[int]
    last_event_id: Mapped[int] = mapped_column(ForeignKey("review_events.id", ondelete="RESTRICT"))
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)


_BOUNDS = ("surest", "least_sure")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _index_of_open(name: str, *columns: Any) -> Index:
    """An index of open samples alone: what is settled leaves it, so the queue's next is always at its end."""
    return Index(f"ix_sample_states_{name}", "project_id", *columns, **_where("state = 'open'"))


class SampleState(Base):
    """Where a flagged sample stands; one row per sample in the queue.

    ``priority`` orders the queue (larger first); ``submitted`` of the ``needed`` reviews are in. The other orders have
    a column each, so that none has to sort 200,000 rows: ``given_label`` repeats the sample's, ``shuffle`` is a fixed
    random number, ``dispute`` counts the ways in which flags (``rivals``: 1 where they suggest different labels) and
    reviews contradict each other, ``cluster`` is the sample's duplicate group ("" without one). ``surest`` and
    ``least_sure`` are the largest and smallest confidence of its flags, by which indexes pass over what a limit of the
    confidence leaves out.
    """

    __tablename__ = "sample_states"
    __table_args__ = (
        _index_of_open("open", "priority", "sample_id"),
        _index_of_open("open_path", "sample_id"),
        _index_of_open("open_random", "shuffle", "sample_id"),
        _index_of_open("open_dispute", "dispute", "priority", "sample_id"),
        _index_of_open("open_groups", "cluster", "priority", "sample_id"),
        _index_of_open("open_newest", "changed_at", "sample_id", *_BOUNDS),
        Index("ix_sample_states_state", "project_id", "state", "sample_id"),
        Index("ix_sample_states_decision", "project_id", "decision", **_where("decision IS NOT NULL")),
        Index("ix_sample_states_list", "project_id", "priority", "sample_id"),
        Index("ix_sample_states_list_groups", "project_id", "cluster", "priority", "sample_id"),
        Index("ix_sample_states_list_newest", "project_id", "changed_at", "sample_id", *_BOUNDS),
    )

    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"), primary_key=True)
    project_id: Mapped[int]  # the sample's, which refers to it: a check for each row here would say nothing new
    state: Mapped[str] = mapped_column(String(10), default="open")
    priority: Mapped[float] = mapped_column(default=0.0)
    submitted: Mapped[int] = mapped_column(default=0)
    needed: Mapped[int] = mapped_column(default=1, server_default="1")
    decision: Mapped[str | None] = mapped_column(String(10))
    new_label: Mapped[str | None] = mapped_column(String(300))
    tags: Mapped[list[str]] = mapped_column(default=list)
    how: Mapped[str | None] = mapped_column(String(20))
    by: Mapped[list[str]] = mapped_column(default=list)
    reason: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=0)
    given_label: Mapped[str] = mapped_column(String(300), default="")
    shuffle: Mapped[int] = mapped_column(BigInteger, default=0)
    dispute: Mapped[int] = mapped_column(default=0)
    rivals: Mapped[int] = mapped_column(default=0)
    cluster: Mapped[str] = mapped_column(String(200), default="")
    surest: Mapped[float | None]
    least_sure: Mapped[float | None]
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)


for _name, _only in (("list_class", {}), ("open_class", _where("state = 'open'"))):
    Index(  # as the order by class runs: names up, confidence down
        f"ix_sample_states_{_name}", SampleState.project_id, SampleState.given_label, SampleState.priority.desc(),
        SampleState.sample_id.desc(), SampleState.surest, SampleState.least_sure, **_only,
    )  # fmt: skip

IS_OPEN = SampleState.state == literal_column("'open'")
"""The indexes of open samples serve only a query that says so in its text, not in a parameter."""


class Lease(Base):
    """A sample that a reviewer holds, so that nobody else is given it. It lapses by itself."""

    __tablename__ = "leases"
    __table_args__ = (Index("ix_leases_reviewer", "project_id", "reviewer_id"),)

    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id", ondelete="RESTRICT"), primary_key=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="RESTRICT"))
    expires_at: Mapped[datetime]
