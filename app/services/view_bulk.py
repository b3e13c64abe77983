"""Bulk decisions as pages and the API show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.models.bulk import BulkDecision, BulkEvent
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import bulk as repository
from app.db.repositories import jobs as jobs_repository
from app.db.session import Session
from app.domain.bulk import LeftOut, Proof, describe_stratum
from app.domain.jobs import LIVE
from app.services.bulk_proof import Look, proofs_of
from app.services.decide_bulk import why_not_apply
from app.services.draw_bulk import read_filters
from app.services.jobs import JobView, view_job
from app.services.picture_urls import thumb_url
from app.services.projects import Access

_LEFT_OUT = {
    LeftOut.NO_SUGGESTION: "have no suggested label",
    LeftOut.UNKNOWN_CLASS: "are suggested a label that is no class of this project",
    LeftOut.SAME_LABEL: "are suggested the label that they have",
    LeftOut.LAST_OF_GROUP: "are the last of their duplicate group that stay",
}


@dataclass(frozen=True)
class LeftOutView:
    """Samples that the answer does not fit. ``classes`` names unknown ones, with how many samples each."""

    reason: str
    text: str
    count: int
    classes: dict[str, int]


@dataclass(frozen=True)
class ProofView:
    """``share`` of the decided drawn samples agree with the answer; the true one lies between ``low`` and ``high``."""

    drawn: int
    decided: int
    agreeing: int
    share: float | None
    low: float
    high: float


@dataclass(frozen=True)
class LookView:
    """One drawn sample. ``said`` is agrees, differs or open."""

    sample_id: int
    said: str
    state: str
    decision: str | None
    new_label: str | None
    expected_label: str | None
    by: list[str]
    thumb_url: str
    review_url: str


@dataclass(frozen=True)
class StepView:
    at: datetime
    by: str


@dataclass(frozen=True)
class BulkView:
    """One bulk decision. ``remaining`` is about how many samples applying would settle; ``blocked`` says why not yet.

    ``is_stuck`` means that its job stopped before all was done: it can go on, or be taken back.
    """

    id: int
    state: str
    decision: str
    tags: list[str]
    filters: dict[str, Any]
    stratum: str
    over_bulk: bool
    width: float
    seed: int
    population: int
    left_out: list[LeftOutView]
    proof: ProofView
    remaining: int | None
    settled: int
    blocked: str | None
    is_stuck: bool
    can_decide: bool
    drawn: StepView
    applied: StepView | None
    revoked: StepView | None
    revoke_reason: str | None
    job: JobView | None
    url: str
    review_url: str


@dataclass(frozen=True)
class BulkDetail:
    bulk: BulkView
    looks: list[LookView]


def list_bulk(session: Session, access: Access) -> list[BulkView]:
    """The project's bulk decisions, the newest first."""
    rows = repository.list_bulk(session, access.id)
    proofs = proofs_of(session, rows)
    events = repository.events_of(session, [row.id for row in rows])
    return [_view(session, access, row, proofs[row.id][0], events[row.id]) for row in rows]


def get_bulk(session: Session, access: Access, bulk_id: int, *, count: bool = True) -> BulkDetail:
    """One bulk decision with its drawn samples. ``count`` works out ``remaining``, which looks at the whole stratum."""
    bulk = repository.get_bulk(session, access.id, bulk_id)
    proof, looks = proofs_of(session, [bulk])[bulk.id]
    remaining = None
    if count and bulk.state == "drawn":
        filters = read_filters(bulk.filters)
        found = repository.count_stratum(session, access.id, filters, over_bulk=bulk.over_bulk)
        remaining = max(0, found - sum(row.count for row in _left_out(bulk.left_out)) - proof.open)
    events = repository.events_of(session, [bulk.id])[bulk.id]
    view = _view(session, access, bulk, proof, events, remaining)
    return BulkDetail(view, [_look(access, bulk, look) for look in looks])


def _view(
    session: Session,
    access: Access,
    bulk: BulkDecision,
    proof: Proof,
    events: Sequence[tuple[BulkEvent, str]],
    remaining: int | None = None,
) -> BulkView:
    steps = {event.kind: (event, name) for event, name in events}
    job = jobs_repository.get_job(session, bulk.job_id) if bulk.job_id else None
    live = job is not None and job.state in LIVE
    base = f"/p/{access.project.slug}"
    drawer = accounts_repository.usernames(session, {bulk.created_by}).get(bulk.created_by, "")
    return BulkView(
        id=bulk.id,
        state=bulk.state,
        decision=bulk.decision,
        tags=bulk.tags,
        filters=bulk.filters,
        stratum=describe_stratum(bulk.filters, over_bulk=bulk.over_bulk),
        over_bulk=bulk.over_bulk,
        width=bulk.width,
        seed=bulk.seed,
        population=bulk.population,
        left_out=_left_out(bulk.left_out),
        proof=_proof(proof, steps["apply"][0].payload if "apply" in steps else None),
        remaining=remaining,
        settled=bulk.settled,
        blocked=why_not_apply(bulk, proof),
        is_stuck=bulk.state in repository.UNDER_WAY and not live,
        can_decide=access.is_lead,
        drawn=StepView(bulk.created_at, drawer),
        applied=_step(steps.get("apply")),
        revoked=_step(steps.get("revoke")),
        revoke_reason=steps["revoke"][0].payload["reason"] if "revoke" in steps else None,
        job=view_job(session, job) if job and live else None,
        url=f"{base}/bulk/{bulk.id}",
        review_url=f"{base}/review?draw={bulk.id}",
    )


def _proof(now: Proof, recorded: Mapping[str, Any] | None) -> ProofView:
    """As it was when the decision was applied, or else as it stands."""
    if recorded is None:
        return ProofView(now.drawn, now.decided, now.agreeing, now.share, now.low, now.high)
    return ProofView(*(recorded[name] for name in ("drawn", "decided", "agreeing", "share", "low", "high")))


def _step(found: tuple[BulkEvent, str] | None) -> StepView | None:
    return StepView(found[0].created_at, found[1]) if found else None


def _left_out(raw: Mapping[str, Any]) -> list[LeftOutView]:
    named = raw.get("classes", {})
    return [
        LeftOutView(why.value, _LEFT_OUT[why], raw[why.value], named if why is LeftOut.UNKNOWN_CLASS else {})
        for why in LeftOut
        if raw.get(why.value)
    ]


def _look(access: Access, bulk: BulkDecision, look: Look) -> LookView:
    return LookView(
        look.sample_id, look.said.value, look.state, look.decision, look.new_label, look.expected_label, look.by,
        thumb_url(look.sample_id), f"/p/{access.project.slug}/review/{look.sample_id}?draw={bulk.id}",
    )  # fmt: skip
