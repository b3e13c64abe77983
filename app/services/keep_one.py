"""A duplicate group never loses all of its images to answers that call them duplicates."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.db.repositories import groups as repository
from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.taxonomy import Decision
from app.domain.tree_walk import Outcome

DUPLICATE_TAGS = frozenset(("duplicate_exact", "duplicate_near"))


def check_groups(session: Session, project_id: int, outcomes: Mapping[int, Outcome]) -> None:
    """Refuse answers after which no image of a group would be left. Other reasons to remove one are not asked.

    Raises:
        InvalidInput: the last image of a group would go as a duplicate; says which.
    """
    going = {id_ for id_, outcome in outcomes.items() if outcome.decision is Decision.REMOVE}
    asked = [id_ for id_ in going if DUPLICATE_TAGS & set(outcomes[id_].tags)]
    groups = repository.groups_of_samples(session, asked)
    members = repository.members_of(session, project_id, sorted({name for names in groups.values() for name in names}))
    for name, found in members.items():
        left = [s for s, state in found if s.id not in going and (state is None or state.decision != "remove")]
        if not left and len(found) > 1:
            last = next(sample.key for sample, _ in found if sample.id in asked)
            raise InvalidInput(
                f"{last} is the last image of its group {name!r} that stays: the other {len(found) - 1} go already. "
                "Keep it, or take one of the others back."
            )


def last_of_groups(session: Session, project_id: int, going: Collection[int]) -> set[int]:
    """Of samples that are to go, those that have to stay so that every group keeps an image."""
    groups = repository.groups_of_samples(session, sorted(going))
    members = repository.members_of(session, project_id, sorted({name for names in groups.values() for name in names}))
    staying: set[int] = set()
    for found in members.values():
        leaves = set(going) - staying
        left = [s for s, state in found if s.id not in leaves and (state is None or state.decision != "remove")]
        if not left and len(found) > 1:
            staying.add(next(sample.id for sample, _ in found if sample.id in leaves))
    return staying
