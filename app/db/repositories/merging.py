"""Reading a whole project for a merge: wide queries, one pass each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from app.db.models.accounts import User
from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import IS_OPEN, ReviewEvent, ReviewRow, SampleState
from app.domain.samples import Flag, IssueType


def flags_of_project(session: Session, project_id: int) -> Iterator[tuple[int, Flag]]:
    """(sample id, flag), each sample's surest flag first."""
    query = (
        select(
            FlagRow.sample_id, FlagRow.issue_type, FlagRow.raw_issue_type, FlagRow.confidence,
            FlagRow.suggested_label, FlagRow.reason, FlagRow.group,
        )
        .where(FlagRow.project_id == project_id)
        .order_by(FlagRow.sample_id, FlagRow.confidence.desc().nulls_last(), FlagRow.id)
    )  # fmt: skip
    for sample_id, issue, raw, confidence, suggested, reason, group in session.execute(query):
        yield sample_id, Flag(IssueType(issue), raw, confidence, suggested, reason, group)


def states_of_project(session: Session, project_id: int, *, settled_only: bool) -> Iterator[Any]:
    """Every flagged or reviewed sample with its state, as plain rows: there may be 200,000 of them.

    ``tags`` and ``by`` are JSON as it is stored: most rows have one of a few (``names_of``). With ``settled_only``
    those that are still open are left out.
    """
    query = (
        select(
            Sample.id, Sample.key, Sample.split, Sample.given_label, SampleState.state, SampleState.decision,
            SampleState.new_label, cast(SampleState.tags, Text).label("tags"), SampleState.how,
            cast(SampleState.by, Text).label("by"), SampleState.reason, SampleState.submitted, SampleState.needed,
        )
        .join(SampleState, SampleState.sample_id == Sample.id)
        .where(SampleState.project_id == project_id)
        .order_by(Sample.id)
    )  # fmt: skip
    yield from session.execute(query.where(SampleState.state != "open") if settled_only else query)


@lru_cache(maxsize=4096)
def names_of(stored: str) -> tuple[str, ...]:
    """The strings of a JSON list. Remembered: parsing a list for each of 200,000 rows takes a third of a merge."""
    return tuple(json.loads(stored))


def count_open(session: Session, project_id: int, without: Sequence[int]) -> int:
    """Number of open samples, those in ``without`` not counted."""
    is_open = (SampleState.project_id == project_id) & IS_OPEN
    total = session.scalar(select(func.count()).where(is_open)) or 0
    for start in range(0, len(without), 500):
        chunk = SampleState.sample_id.in_(without[start : start + 500])
        total -= session.scalar(select(func.count()).where(is_open, chunk)) or 0
    return total


def list_events(session: Session, project_id: int, last: int) -> Iterator[tuple[Any, str, str]]:
    """(event, reviewer, sample key) of all events up to ``last``, in order. Plain rows: there may be a million."""
    columns = (
        ReviewEvent.id, ReviewEvent.kind, ReviewEvent.created_at, ReviewEvent.reverts_event_id, ReviewEvent.payload,
    )  # fmt: skip
    query = (
        select(*columns, User.username, Sample.key)
        .join(User, User.id == ReviewEvent.reviewer_id)
        .join(Sample, Sample.id == ReviewEvent.sample_id)
        .where(ReviewEvent.project_id == project_id, ReviewEvent.id <= last)
        .order_by(ReviewEvent.id)
    )
    for row in session.execute(query):
        yield row, row.username or "", row.key


def list_submitted(session: Session, project_id: int) -> list[tuple[Any, str]]:
    """Submitted reviews and adjudications with their reviewer; not those on check samples that were settled before.

    Plain rows: sample_id, is_adjudication, decision, note, updated_at.
    """
    columns = (
        ReviewRow.sample_id, ReviewRow.is_adjudication, ReviewRow.decision, ReviewRow.note, ReviewRow.updated_at,
    )  # fmt: skip
    query = (
        select(*columns, User.username)
        .join(User, User.id == ReviewRow.reviewer_id)
        .where(ReviewRow.project_id == project_id, ReviewRow.status == "submitted", ReviewRow.is_check.is_(False))
        .order_by(ReviewRow.sample_id, User.username)
    )
    return [(row, row.username or "") for row in session.execute(query)]


def last_event_id(session: Session, project_id: int) -> int:
    return session.scalar(select(func.max(ReviewEvent.id)).where(ReviewEvent.project_id == project_id)) or 0
