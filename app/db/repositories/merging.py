"""Reading a whole project for a merge: wide queries, one pass each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import SampleState
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

    With ``settled_only`` those that are still open are left out.
    """
    query = (
        select(
            Sample.id, Sample.key, Sample.split, Sample.given_label, SampleState.state, SampleState.decision,
            SampleState.new_label, SampleState.tags, SampleState.how, SampleState.by, SampleState.reason,
            SampleState.submitted, SampleState.needed,
        )
        .join(SampleState, SampleState.sample_id == Sample.id)
        .where(SampleState.project_id == project_id)
        .order_by(Sample.id)
    )  # fmt: skip
    yield from session.execute(query.where(SampleState.state != "open") if settled_only else query)


def count_open(session: Session, project_id: int, without: Sequence[int]) -> int:
    """Number of open samples, those in ``without`` not counted."""
    is_open = (SampleState.project_id == project_id) & (SampleState.state == "open")
    total = session.scalar(select(func.count()).where(is_open)) or 0
    for start in range(0, len(without), 500):
        chunk = SampleState.sample_id.in_(without[start : start + 500])
        total -= session.scalar(select(func.count()).where(is_open, chunk)) or 0
    return total
