"""Presets: mappings of columns that a project keeps under a name, for the next file of the same tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.db.models.imports import ImportPreset
from app.db.repositories import import_presets as repository
from app.db.session import Session
from app.domain.errors import InvalidInput, NotFound
from app.domain.formats.flagged.column_mapping import ColumnMapping, as_json, from_json
from app.services.projects import Access

LONGEST_NAME = 100


@dataclass(frozen=True)
class PresetView:
    """``mapping`` has ``columns`` and ``constants`` by field, ``direction`` and ``percent``."""

    id: int
    name: str
    mapping: dict[str, Any]


def list_presets(session: Session, access: Access) -> list[PresetView]:
    return [_view(row) for row in repository.list_presets(session, access.id)]


def save_preset(session: Session, access: Access, name: str, mapping: ColumnMapping) -> PresetView:
    """Keep a mapping; one of the same name is replaced.

    Raises:
        InvalidInput: the name is none.
    """
    name = check_name(name)
    row = repository.find_preset(session, access.id, name)
    if row is None:
        row = ImportPreset(project_id=access.id, name=name, created_by=access.actor.user_id)
    row.mapping = as_json(mapping)
    session.add(row)
    session.flush()  # the answer has its id
    return _view(row)


def check_name(name: str) -> str:
    """The name with single spaces. Raises ``InvalidInput`` where it can be none."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"A preset needs a name of at most {LONGEST_NAME} characters.")
    return name


def load_preset(session: Session, access: Access, name: str) -> ColumnMapping:
    """Raises ``NotFound`` where the project has no preset of this name; the message lists those that it has."""
    row = repository.find_preset(session, access.id, " ".join(name.split()))
    if row is None:
        names = ", ".join(repr(known.name) for known in repository.list_presets(session, access.id))
        raise NotFound(f"This project has no preset {name[:100]!r}. It has: {names or 'none yet'}.")
    return from_json(row.mapping)


def delete_preset(session: Session, access: Access, preset_id: int) -> None:
    session.delete(repository.get_preset(session, access.id, preset_id))


def _view(row: ImportPreset) -> PresetView:
    return PresetView(row.id, row.name, row.mapping)
