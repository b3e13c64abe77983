"""Samples by what a file or a script calls them: their key, a path that ends like it, or a detector's image id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.db.repositories import flags as flags_repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.path_matching import PathMatcher
from app.services.projects import Access


@dataclass
class FoundSamples:
    """Sample ids by the name that was asked for, and for the other names why there is none."""

    ids: dict[str, int] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def find_samples(session: Session, access: Access, names: Iterable[str]) -> FoundSamples:
    """Find samples: by key first, then by the detector's ``image_id``, then by the end of a path where it is unique."""
    wanted = list(dict.fromkeys(names))
    found = FoundSamples(projects_repository.sample_ids_by_key(session, access.id, wanted))
    missing = [name for name in wanted if name not in found.ids]
    if not missing:
        return found
    by_image_id = flags_repository.samples_of_image_ids(session, access.id, missing)
    keys = projects_repository.sample_ids_by_key(session, access.id)
    matcher = PathMatcher(keys)
    for name in missing:
        bearers = by_image_id.get(name, set())
        if len(bearers) > 1:
            found.problems[name] = f"The detectors gave the id {name!r} to {len(bearers):,} images; name the path."
        elif bearers:
            found.ids[name] = next(iter(bearers))
        else:
            _match(name, matcher, keys, found)
    return found


def _match(name: str, matcher: PathMatcher, keys: dict[str, int], found: FoundSamples) -> None:
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        found.problems[name] = f"The dataset has no image {name!r}."
        return
    match = matcher.find("/".join(parts))
    if match.key is None:
        found.problems[name] = match.reason
    else:
        found.ids[name] = keys[match.key]
