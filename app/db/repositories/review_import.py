"""Many reviews at once: events and reviews, each in a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.db.models.projects import Sample
from app.db.models.reviews import ReviewEvent, ReviewRow

_CHUNK = 10_000


def samples_of_keys(session: Session, project_id: int, keys: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Id and given label by key."""
    wanted, found = list(keys), {}
    for start in range(0, len(wanted), 500):
        query = select(Sample.key, Sample.id, Sample.given_label).where(Sample.project_id == project_id)
        for key, id_, label in session.execute(query.where(Sample.key.in_(wanted[start : start + 500]))):
            found[key] = (id_, label)
    return found


def current_reviews(session: Session, project_id: int, reviewers: Sequence[int]) -> dict[tuple[int, int], ReviewRow]:
    """The answers that these reviewers have given, by sample and reviewer."""
    query = select(ReviewRow).where(
        ReviewRow.project_id == project_id, ReviewRow.reviewer_id.in_(reviewers), ReviewRow.is_adjudication.is_(False)
    )
    return {(row.sample_id, row.reviewer_id): row for row in session.scalars(query)}


def add_events(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Append events; return their ids by ``client_event_id``."""
    for start in range(0, len(rows), _CHUNK):
        session.execute(insert(ReviewEvent), rows[start : start + _CHUNK])
    names, ids = [row["client_event_id"] for row in rows], {}
    for start in range(0, len(names), 500):
        query = select(ReviewEvent.client_event_id, ReviewEvent.id)
        for name, id_ in session.execute(query.where(ReviewEvent.client_event_id.in_(names[start : start + 500]))):
            ids[name] = id_
    return ids


def add_reviews(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(rows), _CHUNK):
        session.execute(insert(ReviewRow), rows[start : start + _CHUNK])


def change_reviews(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change reviews by ``id``."""
    if rows:
        session.execute(update(ReviewRow), list(rows))
