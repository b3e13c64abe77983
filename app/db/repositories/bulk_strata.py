"""Flags by stratum: how many are open, and what people made of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.db.models.imports import FlagRow
from app.db.models.reviews import IS_OPEN, SampleState

Stratum = tuple[str, str, int | None]
"""(issue type, source, band). A band is a place in the list of lower ends; a flag without confidence has none."""


def count_open(session: Session, project_id: int, lows: Sequence[float]) -> dict[Stratum, int]:
    """Flags on open samples by stratum. ``lows`` are the lower ends of the bands, the highest first.

    One pass over an index that has all of it, with one row a type and source: sorting 200,000 flags takes longer.
    """
    shares = [func.sum(case((_band(lows) == index, 1), else_=0)) for index in range(len(lows))]
    without = func.sum(case((FlagRow.confidence.is_(None), 1), else_=0))
    query = (
        select(FlagRow.issue_type, FlagRow.source, without, *shares)
        .join(SampleState, SampleState.sample_id == FlagRow.sample_id)
        .where(FlagRow.project_id == project_id, IS_OPEN)
        .group_by(FlagRow.issue_type, FlagRow.source)
    )
    found: dict[Stratum, int] = {}
    for issue, source, none, *counts in session.execute(query):
        found[issue, source, None] = none
        found.update({(issue, source, band): count for band, count in enumerate(counts)})
    return {stratum: count for stratum, count in found.items() if count}


def count_decided(session: Session, project_id: int, lows: Sequence[float]) -> dict[Stratum, dict[str, int]]:
    """Flags that people decided one by one, by stratum and by answer.

    An answer is a decision, ``relabel`` only where it is the flag's own suggestion; all else is ``other``.
    """
    flags = (
        select(FlagRow.issue_type, FlagRow.source, _band(lows).label("band"), _answer().label("answer"))
        .join(SampleState, SampleState.sample_id == FlagRow.sample_id)
        .where(
            SampleState.project_id == project_id, SampleState.state.in_(("resolved", "conflict")),
            func.coalesce(SampleState.how, "") != "bulk",
        )
        .subquery()
    )  # fmt: skip
    columns = (flags.c.issue_type, flags.c.source, flags.c.band, flags.c.answer)
    query = select(*columns, func.count()).group_by(*columns)
    found: dict[Stratum, dict[str, int]] = {}
    for issue, source, band, answer, count in session.execute(query):
        found.setdefault((issue, source, band), {})[answer] = count
    return found


def _band(lows: Sequence[float]) -> Any:
    return case(*((FlagRow.confidence >= low, index) for index, low in enumerate(lows)), else_=None)


def _answer() -> Any:
    as_suggested = (SampleState.decision == "relabel") & (SampleState.new_label == FlagRow.suggested_label)
    return case(
        (SampleState.state == "conflict", "other"),
        (SampleState.decision.in_(("keep", "remove")), SampleState.decision),
        (as_suggested, "relabel"),
        else_="other",
    )
