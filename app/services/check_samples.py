"""Check samples: samples with a known answer among those that reviewers get, to see how right they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.db.base import utc_now
from app.db.repositories import check_samples as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories.sample_filter import SampleFilter
from app.db.session import Session
from app.domain.check_samples import check_slots, draw_order
from app.domain.errors import InvalidInput
from app.domain.formats.known_answers import KnownAnswer, read_known_answers
from app.services import audit
from app.services.picture_urls import thumb_url
from app.services.projects import Access, policies_of

SHOWN = 200
"""So many are listed on the page."""

MAX_ADDED = 10_000
"""So many can be added at once."""


@dataclass(frozen=True)
class CheckView:
    sample_id: int
    key: str
    given_label: str
    decision: str
    new_label: str | None
    source: str
    added_by: str
    added_at: datetime
    answered: int
    right: int
    thumb_url: str


@dataclass(frozen=True)
class CheckList:
    rows: list[CheckView]
    total: int
    adjudicated: int


def slip_in_checks(
    session: Session, access: Access, wanted: SampleFilter, ids: list[int], held: Sequence[int], count: int
) -> list[int]:
    """Put check samples among the next ones, as often as the project's policy says. None when nothing else is left."""
    share = policies_of(access.project).check_share
    if not share or not ids:
        return ids
    me = access.actor.user_id
    answered = repository.count_answered(session, access.id, me)
    given = repository.count_given(session, access.id, me) + len(repository.check_ids(session, held))
    slots = check_slots(share, me, answered + len(held), count, given)
    if not slots:
        return ids
    taken = {*held, *ids}
    alike = replace(wanted, state=None) if wanted.state == "open" else wanted  # they are settled, and look open
    unseen = [id_ for id_ in repository.unseen_ids(session, access.id, me, alike) if id_ not in taken]
    mixed = list(ids)
    for slot, id_ in zip(slots, sorted(unseen, key=lambda id_: draw_order(me, id_)), strict=False):
        mixed.insert(min(slot, len(mixed)), id_)
    return mixed[:count]


def list_checks(session: Session, access: Access) -> CheckList:
    rows = [
        CheckView(
            check.sample_id, sample.key, sample.given_label, check.decision, check.new_label, check.source, name or "",
            check.added_at, answered, right, thumb_url(check.sample_id),
        )
        for check, sample, name, answered, right in repository.list_checks(session, access.id, SHOWN)
    ]  # fmt: skip
    waiting = len(repository.adjudicated(session, access.id, MAX_ADDED))
    return CheckList(rows, repository.count_checks(session, access.id), waiting)


def add_adjudicated(session: Session, access: Access) -> int:
    """Make every sample that a lead settled a check sample; return how many are new."""
    rows = repository.adjudicated(session, access.id, MAX_ADDED)
    return _add(session, access, "adjudicated", [(id_, decision, label) for id_, decision, label in rows])


def add_listed(session: Session, access: Access, text: str) -> int:
    """Make the samples of a list check samples, each with the answer that stands there; return how many.

    Raises:
        InvalidInput: a line can't be read, or means a sample that reviewers would not be given; nothing was added.
    """
    answers = read_known_answers(text)
    if not 1 <= len(answers) <= MAX_ADDED:
        raise InvalidInput(
            f"Between 1 and {MAX_ADDED:,} check samples can be added at once; these are {len(answers):,}."
        )
    samples = repository.queued_labels(session, access.id, [answer.key for answer in answers])
    classes = projects_repository.class_index(session, access.id)
    problems = [said for answer in answers if (said := _problem(answer, samples, classes))]
    if problems:
        more = f" {len(problems) - 5:,} more lines have problems." if len(problems) > 5 else ""
        raise InvalidInput(f"Nothing was added. {' '.join(problems[:5])}{more}")
    return _add(session, access, "list", [(samples[a.key][0], a.decision, a.new_label) for a in answers])


def _problem(answer: KnownAnswer, samples: dict[str, tuple[int, str]], classes: dict[str, int]) -> str | None:
    if answer.key not in samples:
        return f"Line {answer.line}: no image {answer.key!r} is in the queue. A check sample needs a flag too."
    if answer.new_label is not None and answer.new_label not in classes:
        return f"Line {answer.line}: {answer.new_label!r} is not a class of this project."
    if answer.new_label == samples[answer.key][1]:
        return f"Line {answer.line}: {answer.new_label!r} is the given label; that is a keep."
    return None


def _add(session: Session, access: Access, source: str, rows: Iterable[tuple[int, str, str | None]]) -> int:
    now = utc_now()
    values = [
        {"sample_id": id_, "project_id": access.id, "decision": decision, "new_label": label, "source": source,
         "added_by": access.actor.user_id, "added_at": now}
        for id_, decision, label in rows
    ]  # fmt: skip
    repository.replace_checks(session, values)
    audit.record(
        session, "checks_added", user_id=access.actor.user_id, project_id=access.id, source=source, count=len(values)
    )
    return len(values)


def remove(session: Session, access: Access, sample_id: int) -> None:
    """Make a check sample a sample like any other; what was answered on it stays."""
    projects_repository.get_sample(session, access.id, sample_id)
    repository.remove_checks(session, [sample_id])
    audit.record(session, "check_removed", user_id=access.actor.user_id, project_id=access.id, sample=sample_id)
