"""Counts from which agreement is measured, a stretch of samples at a time.

The database counts, so that what leaves it stays small at any number of reviews; stretches are short, because an open
reading transaction can keep others from writing (docs/decisions/0004-sqlite-journal.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, case, distinct, func, literal_column, or_, select
from sqlalchemy.orm import Session, aliased

from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import ReviewRow, SampleState

Stretch = tuple[int, int]
"""First and last sample id."""


def stretches(session: Session, project_id: int, size: int) -> Iterator[Stretch]:
    """Cut the ids of a project's queued samples into stretches of at most ``size`` ids."""
    query = select(func.min(SampleState.sample_id), func.max(SampleState.sample_id))
    first, last = session.execute(query.where(SampleState.project_id == project_id)).one()
    if first is not None:
        yield from ((start, min(start + size - 1, last)) for start in range(first, last + 1, size))


# Written out: PostgreSQL takes an expression with two parameters of one value for two, and refuses to group by it.
_KEEP: Any = literal_column("'keep'")
_RELABEL: Any = literal_column("'relabel'")
_DISCUSS: Any = literal_column("'discuss'")


def _counts(review: Any, project_id: int, stretch: Stretch) -> ColumnElement[bool]:
    """Submitted reviews that tell of the sample.

    Nothing is added to the project's number, so that SQLite looks samples up and not all reviews of the project.
    """
    return and_(
        review.project_id + 0 == project_id, review.sample_id.between(*stretch), review.status == "submitted",
        review.is_adjudication.is_(False), review.is_check.is_(False),
    )  # fmt: skip


def _label(review: Any) -> Any:
    """The label that a review leaves the sample with; none where it removes or discusses it."""
    return case(
        (review.decision == _KEEP, Sample.given_label), (review.decision == _RELABEL, review.new_label), else_=None
    )


def _decision(review: Any) -> Any:
    return func.coalesce(review.decision, _DISCUSS)


def pair_cells(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(reviewer a, reviewer b, decision a, decision b, label a, label b, samples) of samples that both answered."""
    a, b = aliased(ReviewRow), aliased(ReviewRow)
    columns = (a.reviewer_id, b.reviewer_id, _decision(a), _decision(b), _label(a), _label(b))
    both = and_(b.sample_id == a.sample_id, b.reviewer_id > a.reviewer_id)
    query = (
        select(*columns, func.count())
        .select_from(a)
        .join(b, both)
        .join(Sample, Sample.id == a.sample_id)
        .where(_counts(a, project_id, stretch), _counts(b, project_id, stretch))
        .group_by(*columns)
    )
    return list(session.execute(query))


DECISIONS = ("keep", "remove", "relabel", "discuss")


def _per_sample(project_id: int, stretch: Stretch) -> Any:
    """One row a sample that several people answered: how many said what."""
    said = _decision(ReviewRow)
    counts = [func.sum(case((said == name, 1), else_=0)).label(name) for name in DECISIONS]
    return (
        select(ReviewRow.sample_id, *counts)
        .where(_counts(ReviewRow, project_id, stretch))
        .group_by(ReviewRow.sample_id)
        .having(func.count() > 1)
        .subquery()
    )


def answer_patterns(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(keep, remove, relabel, discuss, samples): how many samples were answered so often so."""
    unit = _per_sample(project_id, stretch)
    columns = [unit.c[name] for name in DECISIONS]
    return list(session.execute(select(*columns, func.count()).group_by(*columns)))


def patterns_by_issue(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(issue type, keep, remove, relabel, discuss, samples); a sample counts for each type of flag it has."""
    unit = _per_sample(project_id, stretch)
    columns = [FlagRow.issue_type, *(unit.c[name] for name in DECISIONS)]
    query = (
        select(*columns, func.count(distinct(unit.c.sample_id)))
        .select_from(unit)
        .join(FlagRow, FlagRow.sample_id == unit.c.sample_id)
        .group_by(*columns)
    )
    return list(session.execute(query))


def label_counts(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(sample id, decision or None, label, times): the label that reviews leave a sample with, or else the decision."""
    several = _per_sample(project_id, stretch)
    label = _label(ReviewRow)
    said = case((label.is_(None), _decision(ReviewRow)), else_=None)
    query = (
        select(ReviewRow.sample_id, said, label, func.count())
        .join(Sample, Sample.id == ReviewRow.sample_id)
        .join(several, several.c.sample_id == ReviewRow.sample_id)
        .where(_counts(ReviewRow, project_id, stretch))
        .group_by(ReviewRow.sample_id, said, label)
    )
    return list(session.execute(query))


def reviewer_counts(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(reviewer, decision, reviews, of them with a time, milliseconds, adjudicated, overturned)."""
    overturned = or_(
        ReviewRow.decision.is_distinct_from(SampleState.decision),
        ReviewRow.new_label.is_distinct_from(SampleState.new_label),
    )
    settled = and_(SampleState.state == "resolved", SampleState.how == "adjudicated")
    said = _decision(ReviewRow)
    query = (
        select(
            ReviewRow.reviewer_id, said, func.count(),
            func.sum(case((ReviewRow.lead_time_ms > 0, 1), else_=0)), func.sum(ReviewRow.lead_time_ms),
            func.sum(case((settled, 1), else_=0)), func.sum(case((and_(settled, overturned), 1), else_=0)),
        )
        .join(SampleState, SampleState.sample_id == ReviewRow.sample_id)
        .where(_counts(ReviewRow, project_id, stretch))
        .group_by(ReviewRow.reviewer_id, said)
    )  # fmt: skip
    return list(session.execute(query))


TIME_STEP = 100
"""Milliseconds to which times are rounded down, so that there are few different ones."""


def lead_times(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(reviewer, time in steps, reviews) of reviews with a time."""
    step = ReviewRow.lead_time_ms // literal_column(str(TIME_STEP))
    query = (
        select(ReviewRow.reviewer_id, step, func.count())
        .where(_counts(ReviewRow, project_id, stretch), ReviewRow.lead_time_ms > 0)
        .group_by(ReviewRow.reviewer_id, step)
    )
    return list(session.execute(query))


def disputed_answers(session: Session, project_id: int, stretch: Stretch) -> list[Any]:
    """(sample id, decision, new label) of the different answers on samples in conflict."""
    columns = (ReviewRow.sample_id, _decision(ReviewRow), ReviewRow.new_label)
    query = (
        select(*columns)
        .join(SampleState, SampleState.sample_id == ReviewRow.sample_id)
        .where(SampleState.project_id == project_id, SampleState.state == "conflict")
        .where(_counts(ReviewRow, project_id, stretch))
        .distinct()
        .order_by(*columns)
    )
    return list(session.execute(query))


def conflicts_by_issue(session: Session, project_id: int) -> dict[str, int]:
    """Samples in conflict by the type of their flags; one with flags of two types counts for both."""
    query = (
        select(FlagRow.issue_type, func.count(distinct(FlagRow.sample_id)))
        .join(SampleState, SampleState.sample_id == FlagRow.sample_id)
        .where(SampleState.project_id == project_id, SampleState.state == "conflict")
        .group_by(FlagRow.issue_type)
    )
    return {issue: count for issue, count in session.execute(query)}  # noqa: C416 - typed rows are no pairs here
