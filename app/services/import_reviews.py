"""Importing people's answers from a file: all rows or none, each as an event of its reviewer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.adapters.datasets.folder import normalise_key
from app.db.base import utc_now
from app.db.models.imports import FlagRow
from app.db.models.reviews import ReviewRow
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import flags as flags_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import queue as queue_repository
from app.db.repositories import queueing
from app.db.repositories import review_import as repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories import sources as sources_repository
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.decision_tree import standard_tree
from app.domain.errors import InvalidInput
from app.domain.formats.reviews_csv import RejectedReview, ReviewRecord, read_reviews
from app.domain.reviews import ReviewInput, ReviewStatus, settle
from app.domain.taxonomy import Decision, Taxonomy
from app.domain.tree_walk import Outcome
from app.services import audit, users
from app.services.projects import Access, add_classes, policies_of
from app.services.submit_review import make_payload, refresh_states, settled_checks


@dataclass
class ReviewImport:
    """What became of a file."""

    total: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    created: list[str] = field(default_factory=list)
    rejects: list[RejectedReview] = field(default_factory=list)


class RowsRejected(InvalidInput):
    """Rows of a file can't be kept; ``done`` lists them with line and reason."""

    def __init__(self, done: ReviewImport) -> None:
        super().__init__(f"Nothing was kept: {len(done.rejects):,} of {done.total:,} rows were rejected.")
        done.rejects.sort(key=lambda reject: reject.line)
        done.created = []
        self.done = done


@dataclass(frozen=True)
class _Answer:
    """One row that fits the project: whose, on what, and what it says."""

    record: ReviewRecord
    sample_id: int
    reviewer_id: int
    payload: dict[str, Any]


def import_reviews(
    session: Session,
    access: Access,
    data: bytes,
    *,
    create_reviewers: bool = False,
    replace: bool = False,
    with_classes: bool = False,
) -> ReviewImport:
    """Keep the answers of a file; importing it again changes nothing.

    ``create_reviewers`` adds unknown reviewers as users who can't sign in; ``replace`` lets a row stand over another
    answer that its reviewer has given; ``with_classes`` adds labels that are no class of the project yet.

    Raises:
        InvalidFile: the file can't be read at all.
        RowsRejected: some rows make no sense here, so none is kept.
    """
    done = ReviewImport()
    records = _good(read_reviews(data), done)
    projects_repository.hold_policies(session, access.project)
    queue_repository.take_turn(session, access.id)
    if with_classes:
        add_classes(session, access, sorted({label for r in records if (label := r.new_label or r.label)}))
        session.flush()  # the answers are checked against the classes in the database
    people = _reviewers(session, access, records, done, create=create_reviewers)
    answers = _check(session, access, records, people, done)
    fresh = _compare(session, access, answers, done, replace=replace)
    if done.rejects:
        raise RowsRejected(done)
    _keep(session, access, fresh, done)
    audit.record(
        session, "reviews_imported", user_id=access.actor.user_id, project_id=access.id, added=done.added,
        changed=done.changed, created=done.created,
    )  # fmt: skip
    return done


def _good(rows: Iterable[ReviewRecord | RejectedReview], done: ReviewImport) -> list[ReviewRecord]:
    records = []
    for row in rows:
        done.total += 1
        if isinstance(row, RejectedReview):
            done.rejects.append(row)
        else:
            records.append(row)
    return records


def _reviewers(
    session: Session, access: Access, records: list[ReviewRecord], done: ReviewImport, *, create: bool
) -> dict[str, int]:
    """Ids of those who may have answered, by name. Who is missing is made, or their rows are rejected."""
    members = projects_repository.list_members(session, access.id)
    people = {user.username: user.id for user, role in members if user.username and may(Role(role), Role.REVIEWER)}
    for name in sorted({record.reviewer for record in records} - people.keys()):
        known = accounts_repository.find_user(session, name)
        if known is not None and known.is_admin:
            people[name] = known.id
        elif known is None and create:
            people[name] = users.add_reviewer_on_paper(session, name).id
            projects_repository.set_member(session, access.id, people[name], Role.REVIEWER.value)
            done.created.append(name)
    for record in records:
        if record.reviewer not in people:
            done.rejects.append(RejectedReview(record.line, _unknown(record.reviewer)))
    return people


def _unknown(name: str) -> str:
    return f"{name!r} is no reviewer of this project. Add them to it, or let --create-reviewers make them."


def _check(
    session: Session, access: Access, records: list[ReviewRecord], people: dict[str, int], done: ReviewImport
) -> list[_Answer]:
    """Match rows to samples and work out what they say, by the rules that every answer follows."""
    roots = sources_repository.roots_of(session, access.id).values()
    keys = {record.key: normalise_key(record.key, *roots) or "" for record in records}
    samples = repository.samples_of_keys(session, access.id, set(keys.values()))
    rules = _Rules(session, access, [sample_id for sample_id, _ in samples.values()])
    answers: dict[tuple[int, int], _Answer] = {}
    for record in records:
        if record.reviewer not in people:
            continue
        try:
            sample_id, given_label = _sample(samples, keys[record.key])
            payload = rules.payload(record, sample_id, given_label)
        except InvalidInput as error:
            done.rejects.append(RejectedReview(record.line, error.message))
            continue
        answer = _Answer(record, sample_id, people[record.reviewer], payload)
        first = answers.setdefault((answer.sample_id, answer.reviewer_id), answer)
        if first is not answer:
            told = f"{record.reviewer} answers on {record.key} in line {first.record.line} too."
            done.rejects.append(RejectedReview(record.line, told))
    return list(answers.values())


def _sample(samples: dict[str, tuple[int, str]], key: str) -> tuple[int, str]:
    if key not in samples:
        raise InvalidInput(f"The dataset has no image {key!r}. Paths are relative to its folder: split/class/file.")
    return samples[key]


class _Rules:
    """What makes an answer a valid one here, looked up once for all rows."""

    def __init__(self, session: Session, access: Access, sample_ids: list[int]) -> None:
        self._session, self._sample_ids = session, sample_ids
        self._classes = projects_repository.class_index(session, access.id)
        self._tree, self._taxonomy = standard_tree(policies_of(access.project).mislabel_threshold), Taxonomy()

    @cached_property
    def _flags(self) -> dict[int, list[FlagRow]]:
        """Read only where a label is no class: a flag may have suggested it."""
        return flags_repository.flags_of_samples(self._session, self._sample_ids)

    def payload(self, record: ReviewRecord, sample_id: int, given_label: str) -> dict[str, Any]:
        given = _as_input(record, given_label)
        return make_payload(given, self._settle(given, sample_id, given_label), 0)

    def _settle(self, given: ReviewInput, sample_id: int, given_label: str) -> Outcome:
        unusual = given.new_label is not None and given.new_label not in self._classes
        flags = [flags_repository.as_flag(row) for row in self._flags[sample_id]] if unusual else []
        return settle(
            given, flags=flags, given_label=given_label, classes=self._classes, tree=self._tree,
            taxonomy=self._taxonomy,
        )  # fmt: skip


def _as_input(record: ReviewRecord, given_label: str) -> ReviewInput:
    decision, new_label = record.decision, record.new_label
    if record.label is not None:
        is_same = record.label == given_label
        decision, new_label = (Decision.KEEP, None) if is_same else (Decision.RELABEL, record.label)
    return ReviewInput(
        ReviewStatus.SUBMITTED, manual=True, decision=decision, new_label=new_label, tags=record.tags, note=record.note
    )


_SAID = ("status", "decision", "new_label", "tags", "note")


def _compare(
    session: Session, access: Access, answers: list[_Answer], done: ReviewImport, *, replace: bool
) -> list[tuple[_Answer, ReviewRow | None]]:
    """The answers that are news, with the review that they stand over."""
    known = repository.current_reviews(session, access.id, sorted({answer.reviewer_id for answer in answers}))
    fresh = []
    for answer in answers:
        current = known.get((answer.sample_id, answer.reviewer_id))
        if current is not None and all(getattr(current, name) == answer.payload[name] for name in _SAID):
            done.unchanged += 1
        elif current is not None and current.status == ReviewStatus.SUBMITTED.value and not replace:
            told = f"{answer.record.reviewer} has another answer on this image already; --replace lets this one count."
            done.rejects.append(RejectedReview(answer.record.line, told))
        else:
            fresh.append((answer, current))
    return fresh


def _keep(session: Session, access: Access, fresh: list[tuple[_Answer, ReviewRow | None]], done: ReviewImport) -> None:
    if not fresh:
        return
    ids = sorted({answer.sample_id for answer, _ in fresh})
    states = reviews_repository.states_of_samples(session, ids)
    queueing.queue_samples(session, access.id, [id_ for id_ in ids if id_ not in states])
    checks = settled_checks(session, states.values())
    events = [_event(access, answer, current, is_check=answer.sample_id in checks) for answer, current in fresh]
    event_ids = repository.add_events(session, events)
    rows = [_review(event, event_ids) for event in events]
    added = [row for row, (_, current) in zip(rows, fresh, strict=True) if current is None]
    changed = [{"id": current.id, **row} for row, (_, current) in zip(rows, fresh, strict=True) if current is not None]
    repository.add_reviews(session, added)
    repository.change_reviews(session, changed)
    done.added, done.changed = len(added), len(changed)
    session.expire_all()  # what was read before is worked out anew from the database
    refresh_states(session, access, ids)


def _event(access: Access, answer: _Answer, current: ReviewRow | None, *, is_check: bool) -> dict[str, Any]:
    base = current.version if current else 0
    mark = current.is_check if current else is_check
    name = f"import\0{access.id}\0{answer.sample_id}\0{answer.reviewer_id}\0{base}"
    return {
        "project_id": access.id, "sample_id": answer.sample_id, "reviewer_id": answer.reviewer_id, "kind": "review",
        "client_event_id": hashlib.sha256(name.encode()).hexdigest(), "reverts_event_id": None, "base_version": base,
        "new_version": base + 1, "payload": {**answer.payload, **({"is_check": True} if mark else {})},
        "created_at": answer.record.at or utc_now(),
    }  # fmt: skip


def _review(event: dict[str, Any], event_ids: dict[str, int]) -> dict[str, Any]:
    payload = event["payload"]
    return {
        **{name: event[name] for name in ("project_id", "sample_id", "reviewer_id")},
        **{name: payload[name] for name in (*_SAID, "answers", "lead_time_ms")},
        "is_adjudication": False, "is_check": payload.get("is_check", False), "version": event["new_version"],
        "last_event_id": event_ids[event["client_event_id"]], "updated_at": event["created_at"],
    }  # fmt: skip
