"""One answer for many samples that are named by their keys, as the guide's batch tagging does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.db.repositories import flags as flags_repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.reviews import ReviewInput, suggested_label
from app.domain.taxonomy import Decision
from app.services.projects import Access
from app.services.submit_many import BatchResult, GivenAnswer, submit_many

__all__ = ["BatchResult", "submit_batch", "submit_selection"]


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
    seen = [(ids[key], None) for key in keys]
    return submit_selection(session, access, seen, given, batch_id=batch_id, use_suggestion=use_suggestion)


def submit_selection(
    session: Session,
    access: Access,
    seen: Sequence[tuple[int, int | None]],
    given: ReviewInput,
    *,
    batch_id: str,
    use_suggestion: bool = False,
) -> BatchResult:
    """Answer on samples that somebody looked at: (sample id, version of its state then).

    Those that others settled meanwhile are held back and named; an answer that does not fit one sample keeps none.

    Raises:
        InvalidInput: the answer does not fit one of the samples.
        NotFound: a sample is none of this project.
    """
    relabels = use_suggestion and given.decision is Decision.RELABEL
    own = _suggestions(session, [id_ for id_, _ in seen]) if relabels else {}
    answers = [
        GivenAnswer(id_, replace(given, new_label=own[id_]) if relabels else given, version) for id_, version in seen
    ]
    return submit_many(session, access, answers, batch_id=batch_id)


def _suggestions(session: Session, ids: Sequence[int]) -> dict[int, str | None]:
    found = flags_repository.flags_of_samples(session, ids)
    return {id_: suggested_label([flags_repository.as_flag(row) for row in rows]) for id_, rows in found.items()}
