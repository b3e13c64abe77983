"""Which flagged samples a view takes in, and in which order: one filter for the queue, the list, the grid and bulk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Text, and_, cast, exists, or_, select, tuple_
from sqlalchemy.orm import Session

from app.db.models.accounts import User
from app.db.models.bulk import BulkDraw
from app.db.models.imports import FlagRow
from app.db.models.leaks import LeakPair
from app.db.models.picks import PickedSample
from app.db.models.projects import Sample
from app.db.models.reviews import IS_OPEN, ReviewRow, SampleState
from app.db.repositories import text_search


class SampleOrder(StrEnum):
    """How a view is sorted, in the list, in the grid and in the queue."""

    CONFIDENCE = "confidence"
    CLASS = "class"
    RANDOM = "random"
    DISAGREEMENT = "disagreement"
    GROUPS = "groups"
    NEWEST = "newest"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class SampleFilter:
    """Which samples to take; ``None`` leaves a field open. Confidences are in 0..1.

    ``issue_type``, ``source``, ``suggested_label`` and the confidences must hold for one and the same flag. ``q`` is
    part of a path, a reason or a note; ``group`` names a duplicate group; ``leak`` is ``open`` or ``confirmed``;
    ``draw`` is the number of a bulk decision, ``pick`` that of samples picked on a map.
    """

    issue_type: str | None = None
    given_label: str | None = None
    split: str | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    source: str | None = None
    suggested_label: str | None = None
    group: str | None = None
    decision: str | None = None
    state: str | None = None
    tag: str | None = None
    reviewer: str | None = None
    leak: str | None = None
    q: str | None = None
    draw: int | None = None
    pick: int | None = None


FEW = 5_000
"""So many flags of one type are looked up by the type; where there are more, the next in order is near."""


@dataclass(frozen=True, slots=True)
class Way:
    """How the samples of a filter are found best: by flags of a rare issue type, by an index of rare words (which
    names the database's dialect), or, with neither, in their order. ``common_words`` are met in it soon."""

    by_type: bool = False
    by_words: str | None = None
    common_words: bool = False


def find_way(session: Session, project_id: int, wanted: SampleFilter) -> Way:
    """Look which way to take to the samples of a filter."""
    by_type = wanted.issue_type is not None and session.scalar(beyond_few(project_id, wanted.issue_type)) is None
    if not wanted.q or not text_search.can_be_indexed(wanted.q):
        return Way(by_type)
    dialect = session.get_bind().dialect.name
    if session.scalar(text_search.is_indexed(dialect)) is None:
        return Way(by_type)
    values = text_search.parameters(wanted.q)
    is_common = any(session.execute(query, values).first() is not None for query in text_search.beyond_few(dialect))
    return Way(by_type, None, common_words=True) if is_common else Way(by_type, dialect)


def beyond_few(project_id: Any, issue_type: Any) -> Any:
    """A query that finds something where more than ``FEW`` flags are of this type."""
    return _of_type(project_id, issue_type).offset(FEW).limit(1)


def in_project(project_id: Any, way: Way) -> Any:
    """The condition that a state is one of the project.

    Where words name few samples it is said so that no index has it: SQLite would walk one that has the order, and look
    for each of 200,000 samples whether it is among those few.
    """
    return (SampleState.project_id + 0 if way.by_words else SampleState.project_id) == project_id


def narrowed(query: Any, project_id: Any, wanted: SampleFilter, way: Way) -> Any:
    """Narrow a query. Of a rare issue type, its own flags say which samples those are: walking 200,000 samples until
    six of them turn up takes most of a second. So it is with words that few samples have."""
    if way.by_type:
        query = query.where(SampleState.sample_id.in_(_of_type(project_id, wanted.issue_type)))
    if way.by_words is not None and wanted.q is not None:
        query = query.where(SampleState.sample_id.in_(text_search.ids_that_say(way.by_words, wanted.q)))
        wanted = replace(wanted, q=None)
    elif way.common_words and wanted.q is not None:
        query = query.where(text_search.says(wanted.q, are_common=True))
        wanted = replace(wanted, q=None)
    return filtered(query, wanted)


def narrow(session: Session, query: Any, project_id: int, wanted: SampleFilter) -> Any:
    """Narrow a query to those of a project, by the way that is best now for all of them, as counting needs."""
    way = replace(find_way(session, project_id, wanted), common_words=False)
    return narrowed(query.where(in_project(project_id, way)), project_id, wanted, way)


def _of_type(project_id: Any, issue_type: Any) -> Any:
    return select(FlagRow.sample_id).where(FlagRow.project_id == project_id, FlagRow.issue_type == issue_type)


def filtered(query: Any, wanted: SampleFilter) -> Any:
    """Narrow a query over ``SampleState``; whether ``Sample`` is joined to it makes no difference."""
    for column, value in (
        (SampleState.given_label, wanted.given_label),
        (SampleState.cluster, wanted.group),
        (SampleState.decision, wanted.decision),
    ):
        if value:
            query = query.where(column == value)
    if wanted.state:
        query = query.where(IS_OPEN if wanted.state == "open" else SampleState.state == wanted.state)
    if wanted.draw is not None:
        drawn = select(BulkDraw.sample_id).where(BulkDraw.bulk_id == wanted.draw)
        query = query.where(SampleState.sample_id.in_(drawn))
    if wanted.pick is not None:
        picked = select(PickedSample.sample_id).where(PickedSample.pick_id == wanted.pick)
        query = query.where(SampleState.sample_id.in_(picked))
    for condition in (*_by_sample(wanted), *_by_flag(wanted), *_by_review(wanted), *_by_leak(wanted)):
        query = query.where(condition)
    return query


def _by_sample(wanted: SampleFilter) -> list[Any]:
    if not wanted.split:
        return []
    other = Sample.__table__.alias()
    return [exists().where(other.c.id == SampleState.sample_id, other.c.split == wanted.split)]


def _by_flag(wanted: SampleFilter) -> list[Any]:
    conditions: list[Any] = [
        column == value
        for column, value in (
            (FlagRow.issue_type, wanted.issue_type),
            (FlagRow.source, wanted.source),
            (FlagRow.suggested_label, wanted.suggested_label),
        )
        if value
    ]
    least, most = wanted.min_confidence, wanted.max_confidence
    bounds: list[Any] = []
    if least is not None:
        bounds.append(SampleState.surest >= least)
    if most is not None:
        bounds.append(SampleState.least_sure <= most)
    if not conditions and len(bounds) < 2:
        return bounds  # of some flag, and of the surest or the least sure one, this is the same
    # Else the bounds say nothing new, but the index of an order has them: no flag is looked up of what they leave out.
    sure = [FlagRow.confidence >= least] if least is not None else []
    sure += [FlagRow.confidence <= most] if most is not None else []
    flagged = exists().where(FlagRow.sample_id == SampleState.sample_id, *conditions, *sure)
    if conditions:
        return [*bounds, flagged]
    return [*bounds, or_(SampleState.surest <= most, SampleState.least_sure >= least, flagged)]


def _by_review(wanted: SampleFilter) -> list[Any]:
    found: list[Any] = []
    if wanted.reviewer:
        reviewer = select(User.id).where(User.username == wanted.reviewer).scalar_subquery()
        theirs = ReviewRow.__table__.alias()  # the query around may read reviews itself
        mine = and_(theirs.c.sample_id == SampleState.sample_id, theirs.c.reviewer_id == reviewer)
        found.append(exists().where(mine, theirs.c.status == "submitted"))
    if wanted.tag:
        # Tags are a JSON list of plain words, so a quoted word in its text is a whole tag.
        found.append(cast(SampleState.tags, Text).like(f'%"{text_search.like(wanted.tag)}"%', escape="\\"))
    if wanted.q:
        found.append(text_search.says(wanted.q))
    return found


def _by_leak(wanted: SampleFilter) -> list[Any]:
    if not wanted.leak:
        return []
    side = or_(LeakPair.train_sample_id == SampleState.sample_id, LeakPair.test_sample_id == SampleState.sample_id)
    return [exists().where(side, LeakPair.verdict == wanted.leak)]


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an order."""

    column: Any
    is_descending: bool = False


def sort_keys(order: SampleOrder) -> list[SortKey]:
    """The columns of an order; together they tell any two samples apart, so that a page can start after one."""
    down = SortKey(SampleState.sample_id, True)
    surest = [SortKey(SampleState.priority, True), down]
    keys = {
        SampleOrder.CONFIDENCE: surest,
        SampleOrder.CLASS: [SortKey(SampleState.given_label), *surest],
        SampleOrder.RANDOM: [SortKey(SampleState.shuffle), SortKey(SampleState.sample_id)],
        SampleOrder.DISAGREEMENT: [SortKey(SampleState.dispute, True), *surest],
        SampleOrder.GROUPS: [SortKey(SampleState.cluster, True), *surest],
        SampleOrder.NEWEST: [SortKey(SampleState.changed_at, True), down],
        SampleOrder.PATH: [SortKey(Sample.key)],
    }
    return keys[order]


def ordered(query: Any, keys: list[SortKey], *, backwards: bool = False) -> Any:
    return query.order_by(*(k.column.desc() if k.is_descending != backwards else k.column.asc() for k in keys))


def beyond(keys: list[SortKey], values: list[Any], *, backwards: bool = False) -> Any:
    """The condition that a row comes after (or before) the one with these values.

    Columns that run the same way are compared as one row value: databases then start in the index, however many rows
    share the first value.
    """
    first, rest = keys[0], keys[1:]
    goes_down = first.is_descending != backwards
    if all(key.is_descending == first.is_descending for key in rest):
        row, bound = tuple_(*(key.column for key in keys)), tuple_(*values)
        return row < bound if goes_down else row > bound
    further = first.column < values[0] if goes_down else first.column > values[0]
    not_before = first.column <= values[0] if goes_down else first.column >= values[0]
    return and_(not_before, or_(further, beyond(rest, values[1:], backwards=backwards)))
