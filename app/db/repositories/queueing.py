"""Putting flagged samples into the review queue, each with its place in every order."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db.base import utc_now
from app.db.many_rows import add_rows, count_anew, read_rows
from app.db.models.imports import DuplicateMember, FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import SampleState
from app.db.repositories.overlap import set_needed
from app.db.repositories.queue import take_turn
from app.db.repositories.ranking import load_weights
from app.domain.evidence import place, strongest

_FEW = 500
"""So many samples are looked up by their ids; for more, all of the project are read at once."""

_CHUNK = 10_000


class _Place(NamedTuple):
    """Where a sample stands, apart from what its reviews say (see ``SampleState``)."""

    priority: float = 0.0
    cluster: str = ""
    rivals: int = 0
    """1 where flags suggest different labels."""
    surest: float | None = None
    least_sure: float | None = None


def queue_samples(session: Session, project_id: int, sample_ids: Collection[int]) -> None:
    """Put samples into the queue, or bring their place in it up to their flags. One without a flag comes last."""
    take_turn(session, project_id)
    wanted = set(sample_ids)
    places = _places(session, project_id, wanted)
    known = {row.sample_id: row for row in _known(session, project_id, wanted)}
    for id_ in (known.keys() & wanted) - places.keys():  # answered, and flagged no more: it stays where it was
        places[id_] = _Place(known[id_].priority, known[id_].cluster, known[id_].rivals)
    labels = _labels(session, project_id, [id_ for id_ in sorted(wanted) if id_ not in known])
    unflagged = _Place()
    new = [_new(id_, label, places.get(id_, unflagged)) for id_, label in labels.items()]
    add_rows(session, SampleState, _NEW, new, {**_UNANSWERED, "project_id": project_id, "changed_at": utc_now()})
    if new:
        set_needed(session, project_id, list(labels) if len(new) <= _FEW else None)
    _move(session, known, places)


def note_growth(session: Session) -> None:
    """Say that many flags and queued samples were added."""
    count_anew(session, FlagRow, SampleState)


def queued_of(session: Session, sample_ids: Collection[int]) -> set[int]:
    """Those of these samples that are in the queue already."""
    found: set[int] = set()
    ids = sorted(sample_ids)
    for start in range(0, len(ids), _CHUNK):
        query = select(SampleState.sample_id).where(SampleState.sample_id.in_(ids[start : start + _CHUNK]))
        found.update(session.scalars(query))
    return found


def _places(session: Session, project_id: int, wanted: set[int]) -> dict[int, _Place]:
    """What all flags of a sample say together decides its place (``domain.evidence``)."""
    query = select(
        FlagRow.sample_id, FlagRow.source, FlagRow.issue_type, FlagRow.confidence, FlagRow.suggested_label
    ).where(FlagRow.project_id == project_id)
    if len(wanted) <= _FEW:
        query = query.where(FlagRow.sample_id.in_(wanted))
    clusters = _clusters(session, project_id, wanted)
    in_group = clusters.get
    weights = load_weights(session, project_id)
    flags: dict[int, list[tuple[str, str, float | None]]] = {}
    labels: dict[int, set[str]] = {}
    for sample_id, source, issue, sure, suggested in read_rows(session, query):
        if sample_id in wanted:
            flags.setdefault(sample_id, []).append((source, issue, sure))
            if suggested is not None:
                labels.setdefault(sample_id, set()).add(suggested)
    none: set[str] = set()
    found = {
        sample_id: _Place(
            place(strongest(rows), weights), in_group(sample_id, ""), int(len(labels.get(sample_id, none)) > 1),
            *_bounds(rows),
        )
        for sample_id, rows in flags.items()
    }  # fmt: skip
    # What is left nobody flagged; it is in the queue only where somebody answered on it.
    for sample_id in clusters.keys() & wanted - found.keys():
        found[sample_id] = _Place(cluster=clusters[sample_id])
    return found


def _bounds(flags: Sequence[tuple[str, str, float | None]]) -> tuple[float | None, float | None]:
    """The largest and the smallest confidence of a sample's flags."""
    if len(flags) == 1:
        return flags[0][2], flags[0][2]  # nearly always
    known = [sure for _, _, sure in flags if sure is not None]
    return max(known, default=None), min(known, default=None)


def _clusters(session: Session, project_id: int, wanted: set[int]) -> dict[int, str]:
    """Each sample's duplicate group, the first by name where it stands in several."""
    query = (
        select(DuplicateMember.sample_id, func.min(DuplicateMember.cluster))
        .where(DuplicateMember.project_id == project_id)
        .group_by(DuplicateMember.sample_id)
    )
    if len(wanted) <= _FEW:
        query = query.where(DuplicateMember.sample_id.in_(wanted))
    return {sample_id: cluster for sample_id, cluster in session.execute(query)}  # noqa: C416 - as above


def _known(session: Session, project_id: int, wanted: set[int]) -> Sequence[Any]:
    query = select(SampleState.sample_id, SampleState.dispute, *(getattr(SampleState, name) for name in _Place._fields))
    if len(wanted) <= _FEW:
        return session.execute(query.where(SampleState.sample_id.in_(wanted))).all()
    return session.execute(query.where(SampleState.project_id == project_id)).all()


def _labels(session: Session, project_id: int, ids: Sequence[int]) -> dict[int, str]:
    """Given labels by id, in the order of the ids."""
    query = select(Sample.id, Sample.given_label).where(Sample.project_id == project_id)
    if len(ids) <= _FEW:
        found: dict[int, str] = {id_: label for id_, label in session.execute(query.where(Sample.id.in_(ids)))}  # noqa: C416
    else:
        found = dict(cast(list[tuple[int, str]], read_rows(session, query)))
    return {id_: found[id_] for id_ in ids if id_ in found}


_UNANSWERED = {
    "state": "open", "submitted": 0, "needed": 1, "version": 0, "tags": [], "by": [], "reason": "not reviewed yet",
}  # fmt: skip


_NEW = ("sample_id", "given_label", "shuffle", "dispute", *_Place._fields)


def _new(sample_id: int, label: str, place: _Place) -> tuple[Any, ...]:
    shuffle = zlib.crc32(str(sample_id).encode())
    return (sample_id, label, shuffle, place.rivals, *place)


def _move(session: Session, known: dict[int, Any], places: dict[int, _Place]) -> None:
    changed = [
        {"sample_id": id_, "dispute": known[id_].dispute - known[id_].rivals + place.rivals, **place._asdict()}
        for id_, place in places.items()
        if id_ in known and known[id_][2:] != place
    ]
    if changed:
        session.execute(update(SampleState), changed)
