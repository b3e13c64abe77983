"""One answer for a duplicate group: one image stays, the others go or stay, kept as one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.db.models.projects import Sample
from app.db.session import Session
from app.domain.errors import InvalidInput, NotFound
from app.domain.merge import LEAK_TAG
from app.domain.reviews import ReviewInput, ReviewStatus
from app.domain.taxonomy import Decision
from app.services.projects import Access
from app.services.submit_many import BatchResult, GivenAnswer, submit_many
from app.services.view_groups import find_group

TAGS = ("duplicate_exact", "duplicate_near")


@dataclass(frozen=True)
class GroupAnswer:
    """Who stays and who goes. ``seen`` has the version of each member's state when it was looked at.

    ``keeper_label`` is the keeper's new label where the group's labels differ and its own is the wrong one.
    """

    keeper: int
    going: Sequence[int]
    staying: Sequence[int]
    seen: Mapping[int, int]
    tag: str = "duplicate_near"
    keeper_label: str | None = None
    note: str = ""


def decide_group(session: Session, access: Access, name: str, given: GroupAnswer, *, batch_id: str) -> BatchResult:
    """Keep the answer for every member that it names, or for none.

    Raises:
        NotFound: there is no such group.
        InvalidInput: an image is none of the group, is named twice, or the tag is none for duplicates.
        Conflict: somebody else settled a member meanwhile; says whom and what.
    """
    members = find_group(session, access, name)
    if not members:
        raise NotFound(f"This project has no duplicate group {name!r}. It may have changed with a newer import.")
    _check(name, given, members)
    answers = [GivenAnswer(id_, review, given.seen[id_]) for id_, review in _reviews(given, members).items()]
    return submit_many(session, access, answers, batch_id=batch_id, whole=True)


def _check(name: str, given: GroupAnswer, members: Mapping[int, Sample]) -> None:
    named = [given.keeper, *given.going, *given.staying]
    strangers = [id_ for id_ in named if id_ not in members]
    if strangers:
        raise InvalidInput(f"Sample {strangers[0]} is none of the group {name!r}. Nothing was changed.")
    if len(set(named)) != len(named):
        raise InvalidInput("An image can only stay or go: one is named twice. Nothing was changed.")
    if set(named) - set(given.seen):
        raise InvalidInput("Each image needs the version of its state that was looked at. Nothing was changed.")
    if given.tag not in TAGS:
        raise InvalidInput(f"A group is answered as {' or '.join(TAGS)}, not {given.tag!r}. Nothing was changed.")


def _reviews(given: GroupAnswer, members: Mapping[int, Sample]) -> dict[int, ReviewInput]:
    keeper = members[given.keeper]
    reviews = {id_: _review(Decision.KEEP, given.note) for id_ in given.staying}
    relabels = given.keeper_label is not None and given.keeper_label != keeper.given_label
    said = Decision.RELABEL if relabels else Decision.KEEP
    reviews[given.keeper] = _review(said, given.note, label=given.keeper_label if relabels else None)
    for id_ in given.going:
        # A copy in another split than the one that stays is a leak, whatever its pixels.
        tag = given.tag if members[id_].split == keeper.split else LEAK_TAG
        reviews[id_] = _review(Decision.REMOVE, given.note, tags=(tag,))
    return reviews


def _review(decision: Decision, note: str, *, label: str | None = None, tags: tuple[str, ...] = ()) -> ReviewInput:
    return ReviewInput(ReviewStatus.SUBMITTED, manual=True, decision=decision, new_label=label, tags=tags, note=note)
