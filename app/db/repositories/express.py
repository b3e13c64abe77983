"""Answers and the queue in statements that are written out once: what reviewers do every second.

Each has a sibling among the other repositories that does the same with the ORM, for all that is not plain
(docs/decisions/0026-express-lane.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.db.direct import Direct, Statement
from app.db.models.accounts import User
from app.db.models.bulk import BulkSample
from app.db.models.projects import ProjectClass, Sample
from app.db.models.reviews import Lease, ReviewEvent, ReviewRow, SampleState
from app.db.repositories import text_search
from app.db.repositories.queue import next_query
from app.db.repositories.sample_filter import SampleFilter, SampleOrder, Way, beyond_few
from app.domain.consensus import Resolution


class HeldSample(NamedTuple):
    """A sample with its state, as far as an answer asks for them."""

    project_id: int
    given_label: str
    state: str
    needed: int
    version: int
    rivals: int


_HELD = Statement(
    select(
        Sample.project_id, Sample.given_label,
        SampleState.state, SampleState.needed, SampleState.version, SampleState.rivals,
    )
    .join(SampleState, SampleState.sample_id == Sample.id)
    .where(Sample.id == bindparam("sample_id"))
    .with_for_update(of=SampleState.__table__)
)  # fmt: skip


def lock_sample(direct: Direct, sample_id: int) -> HeldSample | None:
    """Read a sample's state so that no other transaction changes it; None where it is not in the queue."""
    row = direct.first(_HELD, sample_id=sample_id)
    return HeldSample(*row) if row else None


_REVIEW = tuple(column for column in ReviewRow.__table__.columns if column.name != "id")
_NAMES = [column.name for column in _REVIEW]
_KNOWN = select(
    or_(
        select(ReviewEvent.id).where(ReviewEvent.client_event_id == bindparam("event")).exists(),
        select(BulkSample.id).where(BulkSample.sample_id == bindparam("sample_id")).exists(),
    ).label("is_known")
).subquery()
_SAID = Statement(
    select(_KNOWN.c.is_known, User.username, *_REVIEW)
    .select_from(_KNOWN)
    .outerjoin(ReviewRow, ReviewRow.sample_id == bindparam("sample_id"))
    .outerjoin(User, User.id == ReviewRow.reviewer_id)
    .order_by(User.username)
)


def said_on(direct: Direct, sample_id: int, client_event_id: str) -> tuple[bool, list[tuple[ReviewRow, str]]]:
    """What was said on a sample: its reviews with the reviewers' names, in rows that belong to no session.

    Before them: whether there is such an event already, or a bulk decision settled the sample once.
    """
    rows = direct.all(_SAID, sample_id=sample_id, event=client_event_id)
    reviews = [
        (ReviewRow(**dict(zip(_NAMES, review, strict=True))), name or "")
        for _, name, *review in rows
        if review[0] is not None
    ]
    return bool(rows[0][0]), reviews


_CLASS = Statement(
    select(ProjectClass.id).where(
        ProjectClass.project_id == bindparam("project_id"), ProjectClass.name == bindparam("name")
    )
)


@dataclass(frozen=True)
class Classes:
    """As ``projects.ClassNames``."""

    direct: Direct
    project_id: int

    def __contains__(self, name: object) -> bool:
        return self.direct.first(_CLASS, project_id=self.project_id, name=name) is not None


def _adding(model: Any) -> tuple[list[str], Statement]:
    columns = [column.name for column in model.__table__.columns if column.name != "id"]
    return columns, Statement(insert(model.__table__).returning(model.__table__.c.id), columns)


_EVENT_COLUMNS, _ADD_EVENT = _adding(ReviewEvent)
_, _ADD_REVIEW = _adding(ReviewRow)


def add_event(direct: Direct, **values: Any) -> int:
    """Add an event to the history; return its id."""
    blank: dict[str, Any] = dict.fromkeys(_EVENT_COLUMNS)
    row = direct.first(_ADD_EVENT, **{**blank, **values})
    assert row is not None  # noqa: S101 - an insert returns what it asked for
    return int(row[0])


def add_review(direct: Direct, review: ReviewRow) -> None:
    direct.all(_ADD_REVIEW, **{name: getattr(review, name) for name in _NAMES})


_states: Any = SampleState.__table__
_leases: Any = Lease.__table__
_SETTABLE = (
    "state", "decision", "new_label", "tags", "reason", "how", "by", "submitted", "version", "changed_at", "dispute",
)  # fmt: skip
_SET_STATE = Statement(
    update(_states)
    .where(_states.c.sample_id == bindparam("of_sample"))
    .values({name: bindparam(f"new_{name}", type_=_states.c[name].type) for name in _SETTABLE})
)


def set_resolution(
    direct: Direct, sample_id: int, held: HeldSample, found: Resolution, submitted: int, now: datetime
) -> None:
    """As ``reviews.set_resolutions``, for one sample."""
    values = {
        "state": found.state.value, "decision": found.decision.value if found.decision else None,
        "new_label": found.new_label, "tags": list(found.tags), "reason": found.reason,
        "how": found.how.value if found.how else None, "by": list(found.by), "submitted": submitted,
        "version": held.version + 1, "changed_at": now, "dispute": held.rivals + found.dissent,
    }  # fmt: skip
    direct.run(_SET_STATE, of_sample=sample_id, **{f"new_{name}": value for name, value in values.items()})


_mine = (Lease.project_id == bindparam("project_id")) & (Lease.reviewer_id == bindparam("reviewer_id"))
_this = Lease.sample_id == bindparam("sample_id")
_DROP_LEASE = Statement(delete(_leases).where(_mine, _this))
_EXTEND = Statement(
    update(_leases).where(_mine, _this).values(expires_at=bindparam("until", type_=Lease.expires_at.type))
)
_LEASE = ["sample_id", "reviewer_id", "project_id", "expires_at"]


def _taking(dialect: Any) -> Statement:
    adding = dialect.insert(Lease.__table__)
    change = {"expires_at": adding.excluded.expires_at}
    return Statement(adding.on_conflict_do_update(index_elements=["sample_id", "reviewer_id"], set_=change), _LEASE)


_TAKE = {True: _taking(sqlite), False: _taking(postgresql)}


def drop_lease(direct: Direct, project_id: int, reviewer_id: int, sample_id: int) -> None:
    direct.run(_DROP_LEASE, project_id=project_id, reviewer_id=reviewer_id, sample_id=sample_id)


def take_leases(
    direct: Direct, project_id: int, reviewer_id: int, taken: Sequence[int], held: Sequence[int], until: datetime
) -> None:
    """Hold the samples ``taken``, and give more time for those of ``held`` that the reviewer holds."""
    mine = {"project_id": project_id, "reviewer_id": reviewer_id}
    if taken:
        direct.run_many(_TAKE[direct.is_sqlite], [{**mine, "sample_id": id_, "expires_at": until} for id_ in taken])
    if held:
        direct.run_many(_EXTEND, [{**mine, "sample_id": id_, "until": until} for id_ in held])


@lru_cache(256)
def _next(wanted: SampleFilter, order: SampleOrder, way: Way) -> Statement:
    now = bindparam("now", type_=Lease.expires_at.type)
    me: Any = bindparam("reviewer_id")
    project_id: Any = bindparam("project_id")
    most = bindparam("most", type_=SampleState.version.type)
    return Statement(next_query(project_id, me, wanted, order, most=most, now=now, way=way))


_BEYOND_FEW = Statement(beyond_few(bindparam("project_id"), bindparam("issue_type")))


_INDEXED = {name: Statement(text_search.is_indexed(name)) for name in ("sqlite", "postgresql")}
_MANY_WORDS = {name: [Statement(query) for query in text_search.beyond_few(name)] for name in _INDEXED}


def find_way(direct: Direct, project_id: int, wanted: SampleFilter) -> Way:
    """As ``sample_filter.find_way``."""
    issue = wanted.issue_type
    by_type = issue is not None and direct.first(_BEYOND_FEW, project_id=project_id, issue_type=issue) is None
    if not wanted.q or not text_search.can_be_indexed(wanted.q):
        return Way(by_type)
    name = "sqlite" if direct.is_sqlite else "postgresql"
    if direct.first(_INDEXED[name]) is None:
        return Way(by_type)
    values = text_search.parameters(wanted.q)
    is_common = any(direct.first(query, **values) is not None for query in _MANY_WORDS[name])
    return Way(by_type, None, common_words=True) if is_common else Way(by_type, name)


def next_ids(
    direct: Direct,
    project_id: int,
    reviewer_id: int,
    wanted: SampleFilter,
    order: SampleOrder,
    most: int,
    now: datetime,
) -> list[int]:
    """As ``queue.next_sample_ids``, with what the page holds already."""
    statement = _next(wanted, order, find_way(direct, project_id, wanted))
    rows = direct.all(statement, project_id=project_id, reviewer_id=reviewer_id, most=most, now=now)
    return [row[0] for row in rows]
