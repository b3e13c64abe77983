"""Two projects (or more) side by side: each by a frozen version's own summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.db.repositories import versions as repository
from app.db.session import Session
from app.deliverables.comparison import ProjectComparison, compare_summaries
from app.domain.errors import InvalidInput, NotReady
from app.services.projects import Access, access_project
from app.services.sign_in import Actor
from app.services.version_files import find_file

MOST = 6
"""Versions beside each other."""


def compare_projects(session: Session, actor: Actor, wanted: Sequence[str], folder: Path) -> ProjectComparison:
    """Compare versions, each named ``project`` (its newest that is not archived) or ``project@number``.

    Raises:
        InvalidInput: fewer than two are named, or too many, or a number can't be read.
        NotFound: there is no such project or version, or the person may not enter it.
        NotReady: a project has no version yet, or its files are still being written.
    """
    if not 2 <= len(wanted) <= MOST:
        raise InvalidInput(f"Name between two and {MOST} projects to compare, such as imagenet1k and coco@2.")
    return compare_summaries([_summary(session, actor, one, folder) for one in wanted])


def _summary(session: Session, actor: Actor, wanted: str, folder: Path) -> dict[str, Any]:
    slug, at, number = wanted.partition("@")
    if at and not (number.isdecimal() and len(number) < 10):
        raise InvalidInput(f"{wanted!r} names no version: write the project, or project@number.")
    access = access_project(session, actor, slug)
    version = int(number) if number else _newest(session, access)
    name = f"{access.project.slug}_cleaning_summary.json"
    row = repository.get_version(session, access.id, version)
    if all(file.name != name for file in repository.list_files(session, row.id)):
        raise NotReady(
            f"Version {version} of {access.project.name} has no {name} yet. Wait for its files, or have them written "
            "again on the version's page."
        )
    path = find_file(session, access, version, name, folder)
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary


def _newest(session: Session, access: Access) -> int:
    current = [v for v in repository.list_versions(session, access.id) if v.archived_at is None]
    if not current:
        raise NotReady(f"{access.project.name} has no version yet; freeze one first.")
    return current[0].number
