"""The map of an analysis: where each image lies among those like it, and what people pick on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.db.repositories import picks as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.errors import InvalidInput, NotFound
from app.services.analyses import get_analysis, judged_path, map_path
from app.services.projects import Access

SCALE = 10_000
"""Places are whole numbers from 0 to this: shorter than fractions, and finer than any screen."""

MOST_PICKED = 50_000


@dataclass(frozen=True)
class MapData:
    """One entry an image: its sample, its place (``y`` grows downwards), the number of its label among ``classes``, and
    whether it is in the queue (1) or not (0)."""

    ids: list[int]
    x: list[int]
    y: list[int]
    label: list[int]
    queued: list[int]
    classes: list[str]


@dataclass(frozen=True)
class PickView:
    """``flagged`` of the picked ``samples`` are in the queue: those the grid shows."""

    id: int
    samples: int
    flagged: int
    grid_url: str


def get_map(session: Session, access: Access, job_id: int, results: Path) -> MapData:
    """Where the images lie.

    Raises:
        NotFound: there is no such analysis, it had no vectors, or its results were cleared away.
    """
    get_analysis(session, access, job_id, results)
    judged = judged_path(session, job_id, results)
    nothing = f"Analysis {job_id} has no map: it compared no pictures, or was cleared away."
    if judged is None:
        raise NotFound(nothing)
    try:
        with np.load(map_path(judged), allow_pickle=False) as stored:
            keys, places = stored["keys"].tolist(), stored["places"]
    except FileNotFoundError:
        raise NotFound(nothing) from None
    known = projects_repository.labels_by_key(session, access.id)
    rows = [row for row, key in enumerate(keys) if key in known]
    samples = [known[keys[row]] for row in rows]
    classes = sorted({label for _, label in samples})
    number = {label: n for n, label in enumerate(classes)}
    queued = set(repository.queued_ids(session, access.id))
    spots = np.round(places[rows] * SCALE).astype(int)
    return MapData(
        [id_ for id_, _ in samples], spots[:, 0].tolist(), spots[:, 1].tolist(),
        [number[label] for _, label in samples], [int(id_ in queued) for id_, _ in samples], classes,
    )  # fmt: skip


def pick_samples(session: Session, access: Access, sample_ids: Sequence[int]) -> PickView:
    """Keep a selection, so that the grid can show it.

    Raises:
        InvalidInput: it holds no sample of the project, or too many.
    """
    if len(sample_ids) > MOST_PICKED:
        raise InvalidInput(f"A selection holds at most {MOST_PICKED:,} samples, not {len(sample_ids):,}.")
    pick = repository.add_pick(session, access.id, access.actor.user_id, sample_ids)
    if not pick.samples:
        raise InvalidInput("None of these is a sample of the project.")
    flagged = repository.count_queued(session, pick.id)
    return PickView(pick.id, pick.samples, flagged, f"/p/{access.project.slug}/grid?pick={pick.id}")
