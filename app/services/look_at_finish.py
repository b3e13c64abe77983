"""What the finish page shows, kept between two looks for as long as nothing that it is made of has changed.

At 170,000 decided samples a merge takes seconds, and a page is loaded often. Only the page goes by what is kept: a
freeze always merges anew, and is refused where its checks are not those that somebody accepted.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace

from app.db.repositories import finish_mark as repository
from app.db.repositories import progress as progress_repository
from app.db.repositories import projects as projects_repository
from app.db.session import Database
from app.domain.checks import Check, SizeChange
from app.domain.merge import Policies
from app.services.finish import merge_project
from app.services.keep_measured import Keeper


@dataclass(frozen=True)
class FinishLook:
    """What a version would change if it was frozen now; the checks tell how many samples, not which."""

    policies: Policies
    checks: list[Check]
    removed: int
    relabelled: int
    kept: int
    by_split: list[SizeChange]
    by_class: list[SizeChange]
    seconds: float
    """How long the merge took."""


def keep_finish_looks() -> Keeper[FinishLook]:
    """A keeper of which every answer is as new as its project, but for files that vanish from the disk."""
    return Keeper(look, rest=0, mark=_mark)


def look(database: Database, project_id: int) -> FinishLook:
    """Merge the project and count."""
    begun = time.monotonic()
    with database.reading() as session:
        merged = merge_project(session, projects_repository.get_project_by_id(session, project_id), settled_only=True)
    removed, relabelled = len(merged.removed), len(merged.relabelled)
    return FinishLook(
        merged.policies,
        [replace(check, keys=(), more=check.count) for check in merged.checks],
        removed,
        relabelled,
        sum(merged.class_sizes.values()) - removed - relabelled,
        merged.by_split,
        [c for c in merged.by_class() if c.removed or c.relabelled_away or c.relabelled_in],
        time.monotonic() - begun,
    )


def _mark(database: Database, project_id: int) -> str:
    with database.reading() as session:
        project = projects_repository.get_project_by_id(session, project_id)
        events = repository.last_changes(session, project_id)
        flags = progress_repository.imports_mark(session, project_id)
        return f"{events} {flags} {json.dumps(project.policies, sort_keys=True)}"
