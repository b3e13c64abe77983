"""Other images that belong beside a sample under review: leak candidates, its duplicate group, and images that a
flag's reason names ("similar to train/deer/0107.jpg")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.adapters.datasets.image_bytes import image_size
from app.db.models.imports import FlagRow
from app.db.models.projects import Project, Sample
from app.db.repositories import groups as groups_repository
from app.db.repositories import leaks as leaks_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories.sources import Places
from app.db.session import Session
from app.domain.duplicate_groups import NAMES_OTHERS, named_images
from app.services.picture_urls import image_url, thumb_url

MOST_PAIRS = 6


@dataclass(frozen=True)
class PairView:
    """Another image that may show the same picture.

    ``kind`` says why it stands here: ``leak`` or ``group``. ``decision`` is what was resolved for it, so that nobody
    removes the last one of a group unawares.
    """

    sample_id: int
    key: str
    split: str
    given_label: str
    image_url: str
    thumb_url: str
    kind: str
    similarity: float | None
    bytes: int | None
    decision: str | None


def find_pairs(session: Session, project: Project, flags: Mapping[int, Sequence[FlagRow]]) -> dict[int, list[PairView]]:
    """Other images by sample, leaks first, each once, at most ``MOST_PAIRS``."""
    leaks = leaks_repository.pairs_of_samples(session, list(flags), MOST_PAIRS)
    others = _duplicates(session, project.id, flags)
    samples = projects_repository.samples_by_id(session, sorted({id_ for ids in others.values() for id_, _ in ids}))
    shown = {*samples, *(side.sample.id for sides in leaks.values() for side in sides)}
    states = reviews_repository.states_of_samples(session, sorted(shown))
    view = _Viewer(Places(session, project.id), {id_: state.decision for id_, state in states.items()})
    return {
        sample_id: _views(view, sample_id, leaks.get(sample_id, ()), others[sample_id], samples) for sample_id in flags
    }


@dataclass(frozen=True)
class _Viewer:
    """Makes views of other images; only those that are shown are looked up on the disk."""

    places: Places
    decisions: Mapping[int, str | None]

    def __call__(self, other: Sample, kind: str, similarity: float | None) -> PairView:
        return PairView(
            other.id, other.key, other.split, other.given_label, image_url(other.id), thumb_url(other.id), kind,
            similarity, image_size(self.places(other)), self.decisions.get(other.id),
        )  # fmt: skip


def _views(
    view: _Viewer,
    sample_id: int,
    leaks: Sequence[leaks_repository.OtherSide],
    duplicates: Sequence[tuple[int, float | None]],
    samples: Mapping[int, Sample],
) -> list[PairView]:
    found: dict[int, tuple[Sample, str, float | None]] = {s.sample.id: (s.sample, "leak", s.similarity) for s in leaks}
    for other_id, similarity in duplicates:
        if other_id != sample_id:
            found.setdefault(other_id, (samples[other_id], "group", similarity))
    return [view(*other) for other in list(found.values())[:MOST_PAIRS]]


def _duplicates(
    session: Session, project_id: int, flags: Mapping[int, Sequence[FlagRow]]
) -> dict[int, list[tuple[int, float | None]]]:
    """(sample id, confidence of the flag) by sample: named in a reason first, then other members of the group."""
    named = {id_: _named_keys(rows) for id_, rows in flags.items()}
    ids = projects_repository.sample_ids_by_key(session, project_id, sorted({k for n in named.values() for k, _ in n}))
    groups = groups_repository.groups_of_samples(session, list(flags))
    members = groups_repository.members_of(session, project_id, sorted({g for of in groups.values() for g in of}))
    found: dict[int, list[tuple[int, float | None]]] = {}
    for sample_id, rows in flags.items():
        sure = max((row.confidence for row in rows if row.group and row.confidence is not None), default=None)
        found[sample_id] = [(ids[k], c) for k, c in named[sample_id] if k in ids]
        for group in groups.get(sample_id, ()):
            found[sample_id] += [(other.id, sure) for other, _ in members[group][: MOST_PAIRS + 1]]
    return found


def _named_keys(rows: Sequence[FlagRow]) -> list[tuple[str, float | None]]:
    about_others = [row for row in rows if row.issue_type in NAMES_OTHERS]
    return [(name, row.confidence) for row in about_others for name in named_images(row.reason)]
