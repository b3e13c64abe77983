"""Taking answers back and making them again, step by step. Each step is an event of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.db.models.reviews import ReviewEvent
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import reviews as repository
from app.db.session import Session
from app.domain.errors import NotFound
from app.services.projects import Access
from app.services.sample_card import SampleCard, get_card
from app.services.submit_review import append_event, lock_sample, repeated_event, require_reviewer

_NO_ANSWER: dict[str, Any] = {
    "status": "draft", "decision": None, "new_label": None, "tags": [], "note": "", "answers": [], "lead_time_ms": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Undone:
    """The sample as it is now, and the answer that was taken back (or made again)."""

    sample: SampleCard
    undone: dict[str, Any]


def undo(session: Session, access: Access, client_event_id: str) -> Undone:
    """Take back the reviewer's newest answer that stands.

    Raises:
        NotFound: there is none.
    """
    require_reviewer(access)
    accounts_repository.lock_user(session, access.actor.user_id)  # two undos at once must not take the same step back
    known = repeated_event(session, access, None, client_event_id, "undo")
    if known is not None:
        return Undone(get_card(session, access, known.sample_id), known.payload)
    standing = repository.undoable_events(session, access.id, access.actor.user_id)
    if not standing:
        raise NotFound("There is nothing to undo.")
    target = standing[0]
    before = repository.event_before(session, target)
    _step(session, access, target, "undo", client_event_id, before.payload if before else _NO_ANSWER)
    return Undone(get_card(session, access, target.sample_id), target.payload)


def redo(session: Session, access: Access, client_event_id: str) -> Undone:
    """Make the answer again that was last taken back, unless a new one came after.

    Raises:
        NotFound: there is none.
    """
    require_reviewer(access)
    accounts_repository.lock_user(session, access.actor.user_id)
    known = repeated_event(session, access, None, client_event_id, "redo")
    if known is not None:
        return Undone(get_card(session, access, known.sample_id), known.payload)
    target = repository.find_redoable(session, access.id, access.actor.user_id)
    undone = session.get(ReviewEvent, target.reverts_event_id) if target else None
    if target is None or undone is None:
        raise NotFound("There is nothing to redo.")
    _step(session, access, target, "redo", client_event_id, undone.payload)
    return Undone(get_card(session, access, target.sample_id), undone.payload)


def _step(
    session: Session, access: Access, target: ReviewEvent, kind: str, client_event_id: str, payload: dict[str, Any]
) -> None:
    state = lock_sample(session, access, target.sample_id)
    current = repository.find_review(session, target.sample_id, access.actor.user_id)
    append_event(session, access, state, kind, client_event_id, current, payload, reverts=target.id)
