"""Reading a whole project for a merge: wide queries, one pass each."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
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


def states_of_project(session: Session, project_id: int) -> Iterator[tuple[Sample, SampleState]]:
    """Every flagged or reviewed sample with its state."""
    query = (
        select(Sample, SampleState)
        .join(SampleState, SampleState.sample_id == Sample.id)
        .where(SampleState.project_id == project_id)
        .order_by(Sample.id)
    )
    yield from session.execute(query)
