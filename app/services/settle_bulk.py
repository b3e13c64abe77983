"""A worker's part of a bulk decision: settling the samples of its stratum, or letting them go again.

Each part is a transaction of its own, so that reviewers go on (docs/decisions/0020). Repeating one changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.db.models.bulk import BulkDecision, BulkEvent
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import bulk as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Database, Session
from app.domain.bulk import LeftOut, check_answer
from app.domain.errors import JobCancelled
from app.domain.samples import IssueType
from app.domain.taxonomy import Decision
from app.services.draw_bulk import read_filters
from app.services.keep_one import DUPLICATE_TAGS, last_of_groups
from app.services.ports import ShardContext
from app.services.read_stratum import Stratum, Wanted, read_parts

PART = 1_000
"""Samples settled at a time: less than a tenth of a second, for which a reviewer's decision may have to wait."""


def settle_bulk(database: Database, bulk_id: int, context: ShardContext) -> None:
    """Give the bulk decision's answer to every sample of its stratum that is open and that nobody answered."""
    with database.reading() as session:
        bulk = session.get_one(BulkDecision, bulk_id)
        by = _applied_by(session, bulk)
    answer, stratum, done = check_answer(Decision(bulk.decision), bulk.tags), Stratum(), 0
    parts = read_parts(
        database, bulk.project_id, read_filters(bulk.filters), answer, over_bulk=bulk.over_bulk, into=stratum
    )
    for window in parts:
        for start in range(0, len(window), PART):
            _stop_if_asked(context)
            part = window[start : start + PART]
            if not _settle_part(database, bulk_id, by, part, stratum):
                return
            done += len(part)
            context.report(done)
            database.let_others_write()
    with database.writing() as session:
        held = repository.hold_bulk(session, bulk_id, to_change=True)
        if held.state == "applying":
            held.state, held.left_out = "applied", stratum.left_out_json()


def _applied_by(session: Session, bulk: BulkDecision) -> str:
    event = session.get_one(BulkEvent, bulk.applied_event_id)
    return accounts_repository.usernames(session, {event.user_id})[event.user_id]


def _settle_part(database: Database, bulk_id: int, by: str, part: Sequence[Wanted], stratum: Stratum) -> bool:
    """False: the decision was taken back meanwhile."""
    with database.writing() as session:
        bulk = repository.hold_bulk(session, bulk_id, to_change=True)
        if bulk.state != "applying":
            return False
        project = projects_repository.get_project_by_id(session, bulk.project_id)
        projects_repository.hold_policies(session, project)  # states are not worked out anew meanwhile
        staying = last_of_groups(session, bulk.project_id, [id_ for id_, _ in part]) if _removes_copies(bulk) else ()
        settled = repository.settle_samples(session, bulk, by, [wanted for wanted in part if wanted[0] not in staying])
        bulk.settled += settled
    if staying:
        stratum.left_out[LeftOut.LAST_OF_GROUP] += len(staying)
    return True


def _removes_copies(bulk: BulkDecision) -> bool:
    """Whether samples go for being duplicates: then each group keeps an image, as with answers one by one."""
    as_duplicates = bulk.filters.get("issue_type") == IssueType.DUPLICATE or DUPLICATE_TAGS & set(bulk.tags)
    return bulk.decision == Decision.REMOVE.value and bool(as_duplicates)


def unsettle_bulk(database: Database, bulk_id: int, context: ShardContext) -> None:
    """Let every sample that the bulk decision settled, and that nobody answered since, be what it is without it."""
    with database.reading() as session:
        bulk = session.get_one(BulkDecision, bulk_id)
    after, done = 0, 0
    while True:
        _stop_if_asked(context)
        with database.reading() as session:
            part = repository.settled_ids(session, bulk_id, after, PART)
        if not part:
            break
        with database.writing() as session:
            project = projects_repository.get_project_by_id(session, bulk.project_id)
            projects_repository.hold_policies(session, project)
            repository.unsettle_samples(session, [sample_id for _, sample_id in part])
        after, done = part[-1][0], done + len(part)
        context.report(done)
        database.let_others_write()
    with database.writing() as session:
        repository.hold_bulk(session, bulk_id, to_change=True).state = "revoked"


def _stop_if_asked(context: ShardContext) -> None:
    if context.should_stop():
        raise JobCancelled("The bulk decision was stopped; what is done stays, and it can go on or be taken back.")
