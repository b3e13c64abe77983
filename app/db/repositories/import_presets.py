"""Mappings of columns that a project keeps."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models.imports import ImportPreset
from app.domain.errors import NotFound


def list_presets(session: Session, project_id: int) -> list[ImportPreset]:
    query = select(ImportPreset).where(ImportPreset.project_id == project_id)
    return list(session.scalars(query.order_by(func.lower(ImportPreset.name), ImportPreset.id)))


def find_preset(session: Session, project_id: int, name: str) -> ImportPreset | None:
    return session.scalar(select(ImportPreset).where(ImportPreset.project_id == project_id, ImportPreset.name == name))


def get_preset(session: Session, project_id: int, preset_id: int) -> ImportPreset:
    row = session.get(ImportPreset, preset_id)
    if row is None or row.project_id != project_id:
        raise NotFound(f"This project has no preset {preset_id}.")
    return row
