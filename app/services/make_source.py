"""Making a dataset source: it is checked, and its kind recognised where none is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.adapters.datasets.recognise import recognise_source
from app.db.models.projects import Source
from app.db.repositories import sources as repository
from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.source_options import check_options
from app.domain.sources import SourceKind, SourceSpec
from app.services.dataset_roots import check_inside, check_place


def make_source(
    session: Session, project_id: int, root: str, roots: Sequence[Path], kind: str, options: Mapping[str, Any]
) -> Source:
    """Check a source and add it to the project; nothing of it is read yet.

    Raises:
        InvalidInput: it does not lie where the server may read, or its kind or options make no sense.
    """
    place = check_place(root, roots)
    known = SourceKind(kind) if kind in list(SourceKind) else None
    if kind and known is None:
        raise InvalidInput(f"There is no kind of source {kind!r}. Kinds are: {', '.join(SourceKind)}.")
    spec = SourceSpec(known, place, dict(options)) if known else recognise_source(place, options)
    spec = SourceSpec(spec.kind, spec.root, check_options(spec.kind, spec.options))
    check_inside(spec, roots)
    for other in repository.list_sources(session, project_id):
        if (other.root, other.kind, other.options) == (str(spec.root), spec.kind.value, dict(spec.options)):
            raise InvalidInput(f"{spec.root} is a source of this project already.")
    source = Source(project_id=project_id, kind=spec.kind.value, root=str(spec.root), options=dict(spec.options))
    session.add(source)
    session.flush()
    return source
