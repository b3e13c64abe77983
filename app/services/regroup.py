"""After an import: the project's duplicate groups are worked out from its flags anew."""

from __future__ import annotations

from collections.abc import Iterable

from app.db.models.imports import FlagRow
from app.db.repositories import groups as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.duplicate_groups import NAMES_OTHERS, Tie, find_stars, named_images


def regroup(session: Session, project_id: int) -> set[int]:
    """Make the groups anew; return the ids of all samples in one.

    A group that an export names stands as it is. Of the other flags, those that name images make stars, among images
    that stand in no named group.
    """
    flags = list(repository.flags_about_others(session, project_id, NAMES_OTHERS))
    named = {(flag.group, flag.sample_id) for flag in flags if flag.group}
    taken = {sample_id for _, sample_id in named}
    ties = _ties(session, project_id, [flag for flag in flags if not flag.group])
    stars = find_stars(tie for tie in ties if tie.first not in taken and tie.second not in taken)
    members = sorted(named) + [(f"like:{star[0]}", id_) for star in stars for id_ in star]
    repository.replace_members(session, project_id, members)
    return {id_ for _, id_ in members}


def _ties(session: Session, project_id: int, flags: Iterable[FlagRow]) -> list[Tie]:
    named = [(flag, name) for flag in flags for name in named_images(flag.reason)]
    ids = projects_repository.sample_ids_by_key(session, project_id, sorted({name for _, name in named}))
    return [Tie(flag.sample_id, ids[name], flag.confidence or 0.0) for flag, name in named if name in ids]
