"""One answer for many samples, as the guide's batch tagging does it; every sample gets its own event."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.db.repositories import flags as flags_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import reviews as repository
from app.db.session import Session
from app.domain.errors import InvalidInput, WinnowError
from app.domain.reviews import ReviewInput, suggested_label
from app.domain.taxonomy import Decision
from app.services.projects import Access
from app.services.submit_review import submit_review


@dataclass(frozen=True)
class BatchResult:
    """``submitted`` samples were answered; ``repeated`` ones had this batch's answer already."""

    submitted: int
    repeated: int


def submit_batch(
    session: Session,
    access: Access,
    keys: Sequence[str],
    given: ReviewInput,
    *,
    batch_id: str,
    use_suggestion: bool = False,
) -> BatchResult:
    """Answer on all of ``keys``, or on none.

    Raises:
        InvalidInput: a key is unknown or stands there twice, or the answer does not fit one of the samples.
    """
    ids = projects_repository.sample_ids_by_key(session, access.id, keys)
    unknown = [key for key in keys if key not in ids]
    if unknown:
        raise InvalidInput(f"The project has no image {unknown[0]!r} ({len(unknown):,} unknown). Nothing was changed.")
    if len(ids) != len(keys):
        raise InvalidInput("An image is named twice. Nothing was changed.")
    known = sum(_submit(session, access, ids[key], key, given, batch_id, use_suggestion) for key in sorted(keys))
    return BatchResult(len(keys) - known, known)


def _submit(
    session: Session, access: Access, sample_id: int, key: str, given: ReviewInput, batch_id: str, use_suggestion: bool
) -> bool:
    event_id = hashlib.sha256(f"{batch_id}\0{access.actor.user_id}\0{sample_id}".encode()).hexdigest()
    if repository.find_event(session, event_id) is not None:
        return True
    current = repository.find_review(session, sample_id, access.actor.user_id)
    if use_suggestion and given.decision is Decision.RELABEL:
        given = replace(given, new_label=_suggestion(session, sample_id))
    try:
        submit_review(
            session, access, sample_id, given, client_event_id=event_id,
            base_version=current.version if current else 0,
        )  # fmt: skip
    except WinnowError as error:
        raise InvalidInput(f"{key}: {error.message} Nothing was changed.") from error
    return False


def _suggestion(session: Session, sample_id: int) -> str | None:
    rows = flags_repository.flags_of_samples(session, [sample_id])[sample_id]
    return suggested_label([flags_repository.as_flag(row) for row in rows])
