"""Taking answers back and making them again, step by step. Each step is an event of its own.

An answer to many samples is one step: its events share a ``batch_id``, and so do those that take it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.db.models.reviews import ReviewEvent
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import reviews as repository
from app.db.session import Session
from app.domain.errors import NotFound
from app.services.projects import Access
from app.services.sample_card import SampleCard, get_card
from app.services.submit_many import event_id_of
from app.services.submit_review import add_events, repeated_event, require_reviewer

_NO_ANSWER: dict[str, Any] = {
    "status": "draft", "decision": None, "new_label": None, "tags": [], "note": "", "answers": [], "lead_time_ms": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Undone:
    """The sample as it is now, and the answer that was taken back (or made again).

    ``sample_ids`` has every sample of the step: more than one where the answer was given to many at once.
    """

    sample: SampleCard
    undone: dict[str, Any]
    sample_ids: list[int]


def undo(session: Session, access: Access, client_event_id: str) -> Undone:
    """Take back the reviewer's newest answer that stands.

    Raises:
        NotFound: there is none.
    """
    require_reviewer(access)
    accounts_repository.lock_user(session, access.actor.user_id)  # two undos at once must not take the same step back
    known = repeated_event(session, access, None, client_event_id, "undo")
    if known is not None:
        return _repeated(session, access, known, repository.reverted_payloads(session, [known])[known.id])
    standing = repository.undoable_events(session, access.id, access.actor.user_id)
    if not standing:
        raise NotFound("There is nothing to undo.")
    targets = _whole_step(session, standing[0], repository.standing_of_batch)
    before = repository.payloads_before(session, targets)
    _step(session, access, targets, "undo", client_event_id, before)
    return Undone(get_card(session, access, targets[0].sample_id), targets[0].payload, _ids(targets))


def redo(session: Session, access: Access, client_event_id: str) -> Undone:
    """Make the answer again that was last taken back, unless a new one came after.

    Raises:
        NotFound: there is none.
    """
    require_reviewer(access)
    accounts_repository.lock_user(session, access.actor.user_id)
    known = repeated_event(session, access, None, client_event_id, "redo")
    if known is not None:
        return _repeated(session, access, known, known.payload)
    target = repository.find_redoable(session, access.id, access.actor.user_id)
    if target is None:
        raise NotFound("There is nothing to redo.")
    targets = _whole_step(session, target, repository.events_of_batch)
    undone = repository.reverted_payloads(session, targets)
    _step(session, access, targets, "redo", client_event_id, undone)
    return Undone(get_card(session, access, targets[0].sample_id), undone[targets[0].id], _ids(targets))


def undo_batch(session: Session, access: Access, batch_id: str, client_event_id: str) -> int:
    """Take back what stands of one answer to many, wherever it is in the history; return how many samples that was."""
    accounts_repository.lock_user(session, access.actor.user_id)
    targets = repository.standing_of_batch(session, batch_id, access.actor.user_id)
    if targets:
        _step(session, access, targets, "undo", client_event_id, repository.payloads_before(session, targets))
    return len(targets)


def _repeated(session: Session, access: Access, known: ReviewEvent, undone: dict[str, Any]) -> Undone:
    events = _whole_step(session, known, repository.events_of_batch)
    return Undone(get_card(session, access, known.sample_id), undone, _ids(events))


def _whole_step(session: Session, event: ReviewEvent, find: Any) -> list[ReviewEvent]:
    """The event and those that were given together with it."""
    if event.batch_id is None:
        return [event]
    found: list[ReviewEvent] = find(session, event.batch_id, event.reviewer_id)
    return found


def _ids(events: Sequence[ReviewEvent]) -> list[int]:
    return [event.sample_id for event in events]


def _step(
    session: Session,
    access: Access,
    targets: Sequence[ReviewEvent],
    kind: str,
    client_event_id: str,
    payloads: Mapping[int, dict[str, Any]],
) -> None:
    ids = sorted(_ids(targets))
    projects_repository.hold_policies(session, access.project)  # the states are worked out by them
    repository.lock_states(session, ids)
    current = repository.own_reviews(session, ids, access.actor.user_id)
    batch = client_event_id if len(targets) > 1 else None
    events = [
        ReviewEvent(
            project_id=access.id, sample_id=target.sample_id, reviewer_id=access.actor.user_id, kind=kind,
            client_event_id=client_event_id if place == 0 else event_id_of(client_event_id, target.sample_id),
            batch_id=batch, reverts_event_id=target.id, base_version=current[target.sample_id].version,
            new_version=current[target.sample_id].version + 1, payload=payloads.get(target.id, _NO_ANSWER),
        )
        for place, target in enumerate(targets)
    ]  # fmt: skip
    add_events(session, access, events, current)
