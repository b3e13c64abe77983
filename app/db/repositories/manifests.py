"""Manifests that were sent back, and the answers that they are compared with."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models.manifests import ManifestImport
from app.domain.errors import NotFound


def list_manifests(session: Session, project_id: int) -> list[ManifestImport]:
    """The newest first."""
    query = select(ManifestImport).where(ManifestImport.project_id == project_id)
    return list(session.scalars(query.order_by(ManifestImport.id.desc())))


def get_manifest(session: Session, project_id: int, manifest_id: int, *, lock: bool = False) -> ManifestImport:
    """One of a project's; with ``lock`` nobody else applies it until this transaction ends."""
    query = select(ManifestImport).where(
        ManifestImport.id == manifest_id, ManifestImport.project_id == project_id
    )  # fmt: skip
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound(f"This project has no manifest {manifest_id}.")
    return row
