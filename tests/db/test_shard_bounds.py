"""However a split's samples lie among the others, its parts hold each of them once."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from app.db.models.projects import Sample, Source
from app.db.repositories.projects import shard_bounds
from tests.fixtures.databases import both_backends


@both_backends
@pytest.mark.parametrize("splits", ["aaaaaaaabbb", "abababaabab", "bbaaaaaaaba"], ids=["in turn", "mixed", "one apart"])
@pytest.mark.parametrize("size", [1, 3, 4, 8, 20])
def test_parts_hold_every_sample_once(world, splits, size):
    with world.database.writing() as session:
        project, source = session.execute(select(Source.project_id, Source.id)).one()
        for number, split in enumerate(splits):
            session.execute(
                insert(Sample).values(
                    project_id=project, source_id=source, split=split, key=f"{split}/x/{number}", given_label="x"
                )
            )
        ids = list(session.scalars(select(Sample.id).where(Sample.split == "a").order_by(Sample.id)))

        bounds = shard_bounds(session, project, "a", size)
        none = shard_bounds(session, project, "none", size)

    inside = [[number for number in ids if first <= number <= last] for first, last, _ in bounds]
    assert inside == [ids[start : start + size] for start in range(0, len(ids), size)]
    assert [count for _, _, count in bounds] == [len(part) for part in inside]
    assert none == []
