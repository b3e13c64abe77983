"""A project's dataset sources: adding one, looking at them, and telling where one lies now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.adapters.datasets.image_bytes import missing_places
from app.db.models.projects import Source
from app.db.repositories import sources as repository
from app.db.session import Session
from app.domain.errors import InvalidInput, NotAllowed
from app.domain.sources import SourceKind, SourceSpec
from app.services import audit
from app.services.dataset_roots import check_inside, check_place
from app.services.make_source import make_source
from app.services.ports import Doorbell
from app.services.projects import Access
from app.services.scan_dataset import start_scan

PROBED = 1_000
"""Samples whose files are looked for where a source is said to lie now."""


@dataclass(frozen=True)
class SourceView:
    """``changed_at`` is when reading it again first found something else than before."""

    id: int
    kind: str
    label: str
    root: str
    options: dict[str, Any]
    samples: int
    read_at: datetime | None
    changed_at: datetime | None


@dataclass(frozen=True)
class MoveView:
    """What would be found at another place: ``looked_for`` samples, spread over the source, of which some miss."""

    root: str
    looked_for: int
    missing: int
    examples: list[str] = field(default_factory=list)


def view_sources(session: Session, access: Access) -> list[SourceView]:
    return [_view(source) for source in repository.list_sources(session, access.id)]


def _view(source: Source) -> SourceView:
    return SourceView(
        source.id, source.kind, SourceKind(source.kind).label, source.root, source.options, source.samples,
        source.read_at, source.changed_at,
    )  # fmt: skip


def add_source(
    session: Session,
    doorbell: Doorbell,
    access: Access,
    *,
    root: str,
    roots: Sequence[Path],
    kind: str = "",
    options: Mapping[str, Any] | None = None,
) -> SourceView:
    """Add a source and start to read it.

    Raises:
        NotAllowed: only an admin of the server does that.
        InvalidInput: as ``make_source``.
    """
    _require_admin(access)
    source = make_source(session, access.id, root, roots, kind, options or {})
    start_scan(session, doorbell, access.project, access.actor.user_id)
    audit.record(
        session, "source_added", user_id=access.actor.user_id, project_id=access.id, source=source.id,
        kind=source.kind, root=source.root,
    )  # fmt: skip
    return _view(source)


def look_at_move(session: Session, access: Access, source_id: int, root: str, roots: Sequence[Path]) -> MoveView:
    """Which of a source's images would be found at another place. Nothing is changed."""
    _require_admin(access)
    source = repository.get_source(session, access.id, source_id)
    return _probe(session, source, check_place(root, roots))


def _probe(session: Session, source: Source, place: Path) -> MoveView:
    found = repository.spread_places(session, source, PROBED)
    moved = [repository.make_place(place, key, locator, None) for key, locator in found]
    missing = missing_places(moved)
    return MoveView(str(place), len(moved), len(missing), missing[:5])


def move_source(
    session: Session,
    doorbell: Doorbell,
    access: Access,
    source_id: int,
    *,
    root: str,
    roots: Sequence[Path],
    accept_missing: bool = False,
) -> MoveView:
    """Say where a source lies now, and read it there. Samples, flags and reviews stay as they are.

    Raises:
        NotAllowed: only an admin of the server does that.
        InvalidInput: it is no place that may be read, or images are missing there and that was not accepted.
    """
    _require_admin(access)
    source = repository.get_source(session, access.id, source_id)
    place = check_place(root, roots)
    check_inside(SourceSpec(SourceKind(source.kind), place, source.options), roots)
    move = _probe(session, source, place)
    if move.missing and (move.missing == move.looked_for or not accept_missing):
        raise InvalidInput(
            f"Of {move.looked_for:,} images that were looked for in {place}, {move.missing:,} are missing, such as "
            f"{move.examples[0]!r}. Nothing was changed."
        )
    before, source.root = source.root, str(place)
    start_scan(session, doorbell, access.project, access.actor.user_id)
    audit.record(
        session, "source_moved", user_id=access.actor.user_id, project_id=access.id, source=source.id,
        before=before, after=source.root,
    )  # fmt: skip
    return move


def _require_admin(access: Access) -> None:
    if not access.actor.is_admin:
        raise NotAllowed("Only an admin of this server says which of its folders are read.")
