"""The next of the queue comes from an index of open samples, so that it is no farther away when much is settled."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.db.base import utc_now
from app.db.repositories.queue import next_query
from app.db.repositories.sample_filter import SampleFilter, SampleOrder, Way
from tests.fixtures.databases import both_backends


@both_backends
@pytest.mark.parametrize("order", SampleOrder)
@pytest.mark.parametrize("given_label", [None, "cat"])
def test_the_next_of_each_order_is_found_among_open_samples(world, order, given_label):
    query = next_query(1, 1, SampleFilter(given_label=given_label), order, most=6, now=utc_now(), way=Way())
    with world.database.reading() as session:
        bind = session.get_bind()
        if world.database.is_sqlite:
            explain = "EXPLAIN QUERY PLAN "
        else:  # a handful of rows is read from end to end and sorted unless that is forbidden
            session.execute(text("SET LOCAL enable_seqscan = off"))
            session.execute(text("SET LOCAL enable_sort = off"))
            session.execute(text("SET LOCAL enable_bitmapscan = off"))
            explain = "EXPLAIN "
        said = str(query.compile(bind, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(str(tuple(row)) for row in session.execute(text(explain + said.replace(":", r"\:"))))
    assert "ix_sample_states_open" in plan or "ix_sample_states_state (project_id=? AND state=?)" in plan
    assert "TEMP B-TREE" not in plan
