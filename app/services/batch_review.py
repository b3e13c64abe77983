"""One answer for many samples that are named by their ids, as the guide's batch tagging does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.db.repositories import flags as flags_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import reviews as reviews_repository
from app.db.session import Session
from app.domain.errors import Conflict, InvalidInput
from app.domain.reviews import ReviewInput, suggested_label
from app.domain.taxonomy import Decision
from app.services import audit
from app.services.answer_for import access_for
from app.services.find_samples import find_samples
from app.services.projects import Access
from app.services.submit_many import BatchResult, GivenAnswer, batch_key, submit_many
from app.services.submit_review import said_in

__all__ = ["BatchResult", "submit_batch", "submit_selection"]

_SHOWN = 5
"""So many bad ids are named in an error's message; its details name all."""


def submit_batch(
    session: Session,
    access: Access,
    keys: Sequence[str],
    given: ReviewInput,
    *,
    batch_id: str,
    use_suggestion: bool = False,
    sample_ids: Sequence[int] = (),
    reviewer: str | None = None,
    replace_answers: bool = False,
) -> BatchResult:
    """Answer on all of ``keys`` (ids, paths) and ``sample_ids``, or on none.

    ``reviewer`` is the member whose answer it is, where a lead enters it for them. What they answered themselves is
    not replaced unless ``replace_answers``.

    Raises:
        InvalidInput: an id is unknown or stands there twice, or the answer does not fit one of the samples; the
            details name every such id.
        Conflict: the named reviewer has other answers on some samples.
        NotAllowed: somebody who is no lead enters answers for another.
    """
    person = access_for(session, access, reviewer)
    ids = _find(session, access, keys, sample_ids)
    if person is not access and not replace_answers:
        _refuse_answered(session, person, ids, batch_id)
    seen = [(id_, None) for id_ in ids]
    done = submit_selection(session, person, seen, given, batch_id=batch_id, use_suggestion=use_suggestion)
    if person is not access and done.submitted:
        audit.record(
            session, "reviews_entered", user_id=access.actor.user_id, project_id=access.id,
            reviewer=person.actor.username, samples=done.submitted, batch=batch_id,
        )  # fmt: skip
    return done


def _find(session: Session, access: Access, keys: Sequence[str], sample_ids: Sequence[int]) -> list[int]:
    found = find_samples(session, access, keys)
    known = projects_repository.samples_by_id(session, sample_ids)
    problems: list[dict[str, object]] = [{"id": name, "problem": why} for name, why in found.problems.items()]
    seen: dict[int, object] = {}
    for name, id_ in [*((key, found.ids.get(key)) for key in keys), *((id_, id_) for id_ in sample_ids)]:
        if id_ is None:
            continue
        if isinstance(name, int) and (name not in known or known[name].project_id != access.id):
            problems.append({"id": name, "problem": f"This project has no sample {name}."})
        elif id_ in seen:
            problems.append({"id": name, "problem": f"{name!r} is named twice, the first time as {seen[id_]!r}."})
        seen.setdefault(id_, name)
    if problems:
        raise _refused(problems, len(keys) + len(sample_ids))
    return list(seen)


def _refused(problems: Sequence[dict[str, object]], total: int) -> InvalidInput:
    told = " ".join(str(problem["problem"]) for problem in problems[:_SHOWN])
    more = f" And {len(problems) - _SHOWN:,} more." if len(problems) > _SHOWN else ""
    return InvalidInput(
        f"{len(problems):,} of {total:,} ids can't be answered. {told}{more} Nothing was changed.", ids=list(problems)
    )


def _refuse_answered(session: Session, person: Access, ids: Sequence[int], batch_id: str) -> None:
    """A person's own answers count more than what somebody enters for them."""
    name, reviewer_id = person.actor.username, person.actor.user_id
    done = reviews_repository.samples_of_batch(session, batch_key(batch_id, reviewer_id), reviewer_id)
    own = reviews_repository.own_reviews(session, [id_ for id_ in ids if id_ not in done], reviewer_id)
    answered = {id_: row for id_, row in own.items() if row.status == "submitted"}
    if answered:
        samples = projects_repository.samples_by_id(session, list(answered))
        problems = [{"id": samples[id_].key, "problem": f"{name}: {said_in(row)}"} for id_, row in answered.items()]
        told = "; ".join(f"{p['id']} ({p['problem']})" for p in problems[:_SHOWN])
        raise Conflict(
            f"{name} has answered {len(answered):,} of these already: {told}. Nothing was changed. "
            "Send replace_answers to let this answer count.", ids=problems,
        )  # fmt: skip


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
