"""Check samples: which there are, whose turn they are, and how the answers on them turned out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import and_, case, delete, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from app.db.models.accounts import User
from app.db.models.projects import Sample
from app.db.models.reviews import ReviewRow, SampleState
from app.db.models.team import CheckSample
from app.db.repositories.sample_filter import SampleFilter, filtered


def check_ids(session: Session, ids: Sequence[int]) -> set[int]:
    """Those of these samples that are check samples."""
    found: set[int] = set()
    for start in range(0, len(ids), 500):
        query = select(CheckSample.sample_id).where(CheckSample.sample_id.in_(ids[start : start + 500]))
        found.update(session.scalars(query))
    return found


def count_answered(session: Session, project_id: int, reviewer_id: int) -> int:
    """Samples that this reviewer submitted or skipped."""
    query = select(func.count()).where(
        ReviewRow.project_id == project_id, ReviewRow.reviewer_id == reviewer_id,
        ReviewRow.status.in_(("submitted", "skipped")),
    )  # fmt: skip
    return session.scalar(query) or 0


def count_given(session: Session, project_id: int, reviewer_id: int) -> int:
    """Check samples that this reviewer was given and answered since they are ones."""
    query = (
        select(func.count())
        .select_from(CheckSample)
        .join(ReviewRow, _of_check())
        .where(CheckSample.project_id == project_id, ReviewRow.reviewer_id == reviewer_id)
        .where(ReviewRow.status.in_(("submitted", "skipped")))
    )
    return session.scalar(query) or 0


def _of_check() -> Any:
    """Joins a check sample with the answers that were given since it is one."""
    return and_(
        ReviewRow.sample_id == CheckSample.sample_id,
        ReviewRow.is_adjudication.is_(False),
        ReviewRow.updated_at >= CheckSample.added_at,
    )


def unseen_ids(session: Session, project_id: int, reviewer_id: int, wanted: SampleFilter) -> list[int]:
    """Check samples in this part of the queue on which the reviewer never had a say."""
    answered = exists().where(
        ReviewRow.sample_id == SampleState.sample_id, ReviewRow.reviewer_id == reviewer_id, ReviewRow.status != "draft"
    )
    query = (
        select(SampleState.sample_id)
        .join(CheckSample, CheckSample.sample_id == SampleState.sample_id)
        .where(CheckSample.project_id == project_id, ~answered)
    )
    return list(session.scalars(filtered(query, wanted)))


def list_checks(session: Session, project_id: int, limit: int) -> list[Any]:
    """(check sample, sample, who added it, answers, right ones), the newest first."""
    right = func.coalesce(func.sum(case((_is_right(), 1), else_=0)), 0)
    query = (
        select(CheckSample, Sample, User.username, func.count(ReviewRow.id), right)
        .join(Sample, Sample.id == CheckSample.sample_id)
        .join(User, User.id == CheckSample.added_by)
        .outerjoin(ReviewRow, and_(_of_check(), ReviewRow.status == "submitted"))
        .where(CheckSample.project_id == project_id)
        .group_by(CheckSample.sample_id, Sample.id, User.username)
        .order_by(CheckSample.added_at.desc(), CheckSample.sample_id)
        .limit(limit)
    )
    return list(session.execute(query))


def _is_right() -> Any:
    same_label = or_(CheckSample.decision != "relabel", CheckSample.new_label == ReviewRow.new_label)
    return and_(ReviewRow.decision == CheckSample.decision, same_label)


def count_checks(session: Session, project_id: int) -> int:
    return session.scalar(select(func.count()).where(CheckSample.project_id == project_id)) or 0


def right_by_reviewer(session: Session, project_id: int) -> dict[int, tuple[int, int]]:
    """(right answers, answers) on check samples by reviewer."""
    query = (
        select(ReviewRow.reviewer_id, func.sum(case((_is_right(), 1), else_=0)), func.count())
        .select_from(CheckSample)
        .join(ReviewRow, _of_check())
        .where(CheckSample.project_id == project_id, ReviewRow.status == "submitted")
        .group_by(ReviewRow.reviewer_id)
    )
    return {reviewer: (right, answered) for reviewer, right, answered in session.execute(query)}


def queued_labels(session: Session, project_id: int, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Id and given label by key, of those samples that stand in the queue."""
    found: dict[str, tuple[int, str]] = {}
    for start in range(0, len(keys), 500):
        query = (
            select(Sample.key, Sample.id, Sample.given_label)
            .join(SampleState, SampleState.sample_id == Sample.id)
            .where(Sample.project_id == project_id, Sample.key.in_(keys[start : start + 500]))
        )
        found.update({key: (id_, label) for key, id_, label in session.execute(query)})
    return found


def adjudicated(session: Session, project_id: int, limit: int) -> list[Any]:
    """(sample id, decision, new label) of samples that a lead settled and that are no check samples yet."""
    known = exists().where(CheckSample.sample_id == SampleState.sample_id)
    query = (
        select(SampleState.sample_id, SampleState.decision, SampleState.new_label)
        .where(SampleState.project_id == project_id, SampleState.state == "resolved")
        .where(SampleState.how == "adjudicated", ~known)
        .order_by(SampleState.sample_id)
        .limit(limit)
    )
    return list(session.execute(query))


def replace_checks(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add check samples; one that is known gets the new answer, and its earlier answers count no more."""
    remove_checks(session, [row["sample_id"] for row in rows])
    if rows:
        session.execute(insert(CheckSample), list(rows))


def remove_checks(session: Session, ids: Collection[int]) -> None:
    wanted = sorted(ids)
    for start in range(0, len(wanted), 500):
        chunk = wanted[start : start + 500]
        session.execute(delete(CheckSample).where(CheckSample.sample_id.in_(chunk)))
