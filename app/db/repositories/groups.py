"""Duplicate groups: made anew from the flags after an import, and read a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.orm import Session

from app.db.models.imports import DuplicateMember, FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import IS_OPEN, SampleState
from app.domain.samples import IssueType

_CHUNK = 10_000


def flags_about_others(session: Session, project_id: int, issues: Iterable[IssueType]) -> Iterator[FlagRow]:
    """Flags that name a group, or whose reason may name other images."""
    query = select(FlagRow).where(
        FlagRow.project_id == project_id,
        or_(FlagRow.group.is_not(None), FlagRow.issue_type.in_([issue.value for issue in issues])),
    )
    yield from session.scalars(query.order_by(FlagRow.id))


def replace_members(session: Session, project_id: int, members: Iterable[tuple[str, int]]) -> None:
    """Replace all (group, sample id) of a project."""
    session.execute(delete(DuplicateMember).where(DuplicateMember.project_id == project_id))
    rows = [{"project_id": project_id, "cluster": group, "sample_id": id_} for group, id_ in members]
    for start in range(0, len(rows), _CHUNK):
        session.execute(insert(DuplicateMember), rows[start : start + _CHUNK])


def group_names(
    session: Session, project_id: int, *, after: str, limit: int, open_only: bool, differing_only: bool = False
) -> list[str]:
    """Names of groups from behind ``after``. Open ones have a flagged member that waits for an answer."""
    query = select(SampleState.cluster).where(SampleState.project_id == project_id, SampleState.cluster > after)
    if open_only:
        query = query.where(IS_OPEN)
    if differing_only:
        query = query.where(SampleState.cluster.in_(_differing(project_id)))
    return list(session.scalars(query.distinct().order_by(SampleState.cluster).limit(limit)))


def count_groups(session: Session, project_id: int, *, open_only: bool) -> int:
    query = select(func.count(SampleState.cluster.distinct())).where(
        SampleState.project_id == project_id, SampleState.cluster > ""
    )
    return session.scalar(query.where(IS_OPEN) if open_only else query) or 0


def _differing(project_id: int) -> Any:
    """Groups whose members carry different labels."""
    return (
        select(DuplicateMember.cluster)
        .join(Sample, Sample.id == DuplicateMember.sample_id)
        .where(DuplicateMember.project_id == project_id)
        .group_by(DuplicateMember.cluster)
        .having(func.min(Sample.given_label) != func.max(Sample.given_label))
    )


def count_differing(session: Session, project_id: int, *, open_only: bool) -> int:
    query = select(func.count(SampleState.cluster.distinct())).where(
        SampleState.project_id == project_id, SampleState.cluster.in_(_differing(project_id))
    )
    return session.scalar(query.where(IS_OPEN) if open_only else query) or 0


def members_of(
    session: Session, project_id: int, groups: Sequence[str]
) -> dict[str, list[tuple[Sample, SampleState | None]]]:
    """Samples of these groups with their states, by path; one that nobody flagged or answered has no state."""
    found: dict[str, list[tuple[Sample, SampleState | None]]] = {group: [] for group in groups}
    for start in range(0, len(groups), 500):
        query = (
            select(DuplicateMember.cluster, Sample, SampleState)
            .join(Sample, Sample.id == DuplicateMember.sample_id)
            .outerjoin(SampleState, SampleState.sample_id == DuplicateMember.sample_id)
            .where(DuplicateMember.project_id == project_id, DuplicateMember.cluster.in_(groups[start : start + 500]))
            .order_by(DuplicateMember.cluster, Sample.key)
        )
        for group, sample, state in session.execute(query):
            found[group].append((sample, state))
    return found


def groups_of_samples(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    """Names of the groups that each of these samples belongs to."""
    found: dict[int, list[str]] = {}
    for start in range(0, len(ids), 500):
        query = select(DuplicateMember.sample_id, DuplicateMember.cluster)
        query = query.where(DuplicateMember.sample_id.in_(ids[start : start + 500])).order_by(DuplicateMember.cluster)
        for sample_id, group in session.execute(query):
            found.setdefault(sample_id, []).append(group)
    return found


def keys_by_group(session: Session, project_id: int) -> dict[str, set[str]]:
    """Sample keys of every group of a project."""
    query = (
        select(DuplicateMember.cluster, Sample.key)
        .join(Sample, Sample.id == DuplicateMember.sample_id)
        .where(DuplicateMember.project_id == project_id)
    )
    groups: dict[str, set[str]] = {}
    for group, key in session.execute(query):
        groups.setdefault(group, set()).add(key)
    return groups
