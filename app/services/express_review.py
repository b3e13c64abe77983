"""An answer on the express lane: the first one of a reviewer on an open sample."""

from __future__ import annotations

from app.db.base import utc_now
from app.db.direct import Direct
from app.db.models.reviews import ReviewEvent
from app.db.repositories import express as repository
from app.db.repositories import express_doors as doors
from app.db.repositories.express_cards import flags_of
from app.db.repositories.flags import as_flag
from app.db.session import Database
from app.domain.accounts import Role
from app.domain.consensus import State
from app.domain.decision_tree import standard_tree
from app.domain.reviews import ReviewInput, settle
from app.domain.taxonomy import Decision, Taxonomy
from app.domain.tree_walk import Outcome
from app.services.express import Caller, NotPlain, enter
from app.services.keep_one import DUPLICATE_TAGS
from app.services.projects import Access, policies_of
from app.services.sample_card import review_view
from app.services.submit_review import Submitted, make_payload, project_review, resolve_rows

_TAXONOMY = Taxonomy()


async def submit(
    database: Database,
    caller: Caller,
    slug: str,
    sample_id: int,
    given: ReviewInput,
    *,
    client_event_id: str,
    base_version: int,
    lead_time_ms: int,
) -> Submitted:
    """As ``submit_review``, where nobody has to be told anything: an open sample on which one had no say yet.

    On an open sample nobody is warned of others' answers, so it need not be known which version was looked at.
    """
    if base_version:
        raise NotPlain
    return await database.express.write(
        lambda direct: _submit(direct, caller, slug, sample_id, given, client_event_id, lead_time_ms),
        lambda _, submitted: submitted,
    )


def _submit(
    direct: Direct, caller: Caller, slug: str, sample_id: int, given: ReviewInput, client_event_id: str, spent: int
) -> Submitted:
    doors.hold_policies(direct, slug)
    access = enter(direct, caller, Role.REVIEWER, slug=slug)
    held = repository.lock_sample(direct, sample_id)
    if held is None or held.project_id != access.id or held.state != State.OPEN.value:
        raise NotPlain
    is_known, reviews = repository.said_on(direct, sample_id, client_event_id)
    me = access.actor.user_id
    if is_known or any(row.reviewer_id == me for row, _ in reviews):
        raise NotPlain
    outcome = _work_out(direct, access, sample_id, held.given_label, given)
    event = _event(access, sample_id, client_event_id, make_payload(given, outcome, spent))
    event.id = repository.add_event(direct, **_values(event))
    row = project_review(None, event)
    repository.add_review(direct, row)
    rows = sorted([*reviews, (row, access.actor.username)], key=lambda pair: pair[1])
    resolution, submitted = resolve_rows(rows, policies_of(access.project).rule, held.needed, None)
    repository.set_resolution(direct, sample_id, held, resolution, submitted, utc_now())
    repository.drop_lease(direct, access.id, me, sample_id)
    return Submitted(review_view(row, access.actor.username), resolution.state.value, event.id, held.version + 1)


def _work_out(direct: Direct, access: Access, sample_id: int, given_label: str, given: ReviewInput) -> Outcome:
    outcome = settle(
        given,
        flags=[as_flag(row) for row in flags_of(direct, sample_id)],
        given_label=given_label,
        classes=repository.Classes(direct, access.id),
        tree=standard_tree(policies_of(access.project).mislabel_threshold),
        taxonomy=_TAXONOMY,
    )
    if outcome.decision is Decision.REMOVE and DUPLICATE_TAGS & set(outcome.tags):
        raise NotPlain  # its group has to keep an image
    return outcome


def _event(access: Access, sample_id: int, client_event_id: str, payload: dict[str, object]) -> ReviewEvent:
    return ReviewEvent(
        project_id=access.id, sample_id=sample_id, reviewer_id=access.actor.user_id, kind="review",
        client_event_id=client_event_id, base_version=0, new_version=1, payload=payload, created_at=utc_now(),
    )  # fmt: skip


def _values(event: ReviewEvent) -> dict[str, object]:
    return {name: value for name, value in vars(event).items() if not name.startswith("_")}
