"""Rows for measurements: a project of any size, without images."""

from __future__ import annotations

from collections.abc import Sequence

from app.db.models.imports import Import
from app.db.models.projects import Project
from app.db.repositories import flags as flags_repository
from app.db.session import Session
from app.domain.merge import Policies
from app.services.projects import policies_as_json


def add_project(session: Session, slug: str) -> int:
    project = Project(slug=slug, name=slug, root="/nonexistent", policies=policies_as_json(Policies()))
    session.add(project)
    session.flush()  # its samples refer to it
    return project.id


def add_flags(session: Session, project_id: int, sample_ids: Sequence[int]) -> None:
    """One mislabel flag a sample, each less sure than the one before."""
    row = Import(project_id=project_id, file_name="bench.csv", stored_name="", file_sha256="", source="bench")
    session.add(row)
    session.flush()  # the flags refer to it
    flags_repository.add_flags(
        session,
        [
            {"project_id": project_id, "sample_id": id_, "import_id": row.id, "source": "bench",
             "issue_type": "mislabel", "raw_issue_type": "mislabel", "confidence": 1 - place / (2 * len(sample_ids)),
             "suggested_label": f"class{id_ % 100}", "reason": "predicted", "group": None, "image_id": ""}
            for place, id_ in enumerate(sample_ids)
        ],
    )  # fmt: skip
