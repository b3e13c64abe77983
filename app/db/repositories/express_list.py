"""A page of the list of samples in statements that are written out once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Integer, any_, bindparam, column, func, select

from app.db.direct import Direct, Statement
from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import SampleState
from app.db.repositories.express import find_way
from app.db.repositories.express_cards import FLAG, FlagFacts
from app.db.repositories.listing import page_query
from app.db.repositories.sample_filter import SampleFilter, SampleOrder, Way, sort_keys


class RowFacts(NamedTuple):
    """A sample with its state, with the fields of both that a row of the list and its cursor use."""

    id: int
    key: str
    split: str
    given_label: str
    sample_id: int
    state: str
    decision: str | None
    new_label: str | None
    how: str | None
    by: list[str]
    version: int
    cluster: str
    priority: float
    shuffle: int
    dispute: int
    changed_at: datetime


_COLUMNS = tuple(getattr(Sample if name in ("id", "key", "split") else SampleState, name) for name in RowFacts._fields)


@lru_cache(256)
def _page(wanted: SampleFilter, order: SampleOrder, way: Way, is_later: bool, backwards: bool) -> Statement:
    places = [bindparam(f"place{n}", type_=key.column.type) for n, key in enumerate(sort_keys(order))]
    most = bindparam("most", type_=Integer())
    query = page_query(
        bindparam("project_id", type_=Integer()), wanted, order, columns=_COLUMNS, limit=most,
        after=places if is_later else None, backwards=backwards, way=way,
    )  # fmt: skip
    return Statement(query)


def list_samples(
    direct: Direct,
    project_id: int,
    wanted: SampleFilter,
    order: SampleOrder,
    *,
    limit: int,
    after: Sequence[Any] | None,
    backwards: bool,
) -> list[RowFacts]:
    """As ``listing.list_samples``."""
    way = find_way(direct, project_id, wanted)
    statement = _page(wanted, order, way, after is not None, backwards)
    places = {f"place{n}": value for n, value in enumerate(after or ())}
    rows = [RowFacts(*row) for row in direct.all(statement, project_id=project_id, most=limit, **places)]
    return rows[::-1] if backwards else rows


def _flags_of_many(among: Any) -> Statement:
    query = select(*FLAG).where(among)
    return Statement(query.order_by(FlagRow.confidence.desc().nulls_last(), FlagRow.id))


_listed = func.json_each(bindparam("ids")).table_valued(column("value", Integer))
_OF_MANY = {
    True: _flags_of_many(FlagRow.sample_id.in_(select(_listed.c.value))),
    False: _flags_of_many(FlagRow.sample_id == any_(bindparam("ids", type_=ARRAY(Integer)))),
}


def flags_of_many(direct: Direct, ids: Sequence[int]) -> dict[int, list[FlagFacts]]:
    """As ``flags.flags_of_samples``."""
    given: Any = str(list(ids)) if direct.is_sqlite else list(ids)
    found: dict[int, list[FlagFacts]] = {id_: [] for id_ in ids}
    for row in direct.all(_OF_MANY[direct.is_sqlite], ids=given):
        flag = FlagFacts(*row)
        found[flag.sample_id].append(flag)
    return found
