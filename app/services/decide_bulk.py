"""Applying a bulk decision that was proved, and taking one back whole. The samples follow in a job."""

from __future__ import annotations

from typing import Any

from app.db.models.bulk import BulkDecision
from app.db.repositories import bulk as repository
from app.db.repositories import jobs as jobs_repository
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.bulk import CONFIDENCE, MIN_LOOKS, Proof, Said
from app.domain.consensus import describe
from app.domain.errors import Conflict, InvalidInput, NotAllowed, NotReady
from app.domain.jobs import LIVE, JobKind, ShardSpec
from app.domain.taxonomy import Decision
from app.services.bulk_proof import Look, looks_at
from app.services.draw_bulk import add_event, proposal_json, repeated
from app.services.jobs import start_job
from app.services.ports import Doorbell
from app.services.projects import Access

MAX_REASON = 2_000


def why_not_apply(bulk: BulkDecision, proof: Proof) -> str | None:
    """What keeps a bulk decision from being applied; None where nothing does."""
    if bulk.state != "drawn":
        return f"It is {bulk.state} already."
    if proof.open:
        return f"{proof.open:,} of the {proof.drawn:,} drawn samples are not decided yet."
    if proof.drawn >= bulk.population:
        return "Every sample of the stratum was drawn: once they are decided, nothing is left to apply it to."
    if proof.decided < MIN_LOOKS:
        return f"{proof.decided} looks prove too little; at least {MIN_LOOKS} are needed. Draw from a larger stratum."
    return None


def apply_bulk(
    session: Session,
    doorbell: Doorbell,
    access: Access,
    bulk_id: int,
    *,
    client_event_id: str,
    seen: tuple[int, int] | None = None,
) -> BulkDecision:
    """Record the decision with its evidence and start the job that settles the others; go on with one that stopped.

    ``seen`` is (decided, agreeing) as the lead saw them: a proof that changed since is looked at again first.

    Raises:
        NotAllowed: only leads apply.
        NotReady: a drawn sample is undecided, or there are too few.
        Conflict: the proof changed.
    """
    _require_lead(access)
    bulk = repository.hold_bulk(session, repository.get_bulk(session, access.id, bulk_id).id, to_change=True)
    if repeated(session, access, bulk.id, client_event_id, "apply") is not None:
        return bulk
    if bulk.state == "applying":
        _start(session, doorbell, access, bulk, "apply")
        return bulk
    proof, looks = looks_at(session, bulk)
    if problem := why_not_apply(bulk, proof):
        raise NotReady(f"Not applied. {problem}")
    if seen is not None and seen != (proof.decided, proof.agreeing):
        raise Conflict(
            "Somebody changed an answer on a drawn sample since you looked. Look at the proof again, then apply.",
            decided=proof.decided, agreeing=proof.agreeing,
        )  # fmt: skip
    event = add_event(session, access, bulk, "apply", client_event_id, _evidence(session, bulk, proof, looks))
    bulk.state, bulk.applied_event_id = "applying", event.id
    _start(session, doorbell, access, bulk, "apply")
    return bulk


def revoke_bulk(
    session: Session, doorbell: Doorbell, access: Access, bulk_id: int, *, client_event_id: str, reason: str
) -> BulkDecision:
    """Take a bulk decision back whole: from now on it counts nowhere, and a job brings the samples up to that.

    Raises:
        NotAllowed: only leads revoke.
        InvalidInput: no reason is given.
        Conflict: it was taken back already.
    """
    _require_lead(access)
    bulk = repository.hold_bulk(session, repository.get_bulk(session, access.id, bulk_id).id, to_change=True)
    if repeated(session, access, bulk.id, client_event_id, "revoke") is not None:
        return bulk
    if bulk.state == "revoking":
        _start(session, doorbell, access, bulk, "revoke")
        return bulk
    if bulk.state == "revoked":
        raise Conflict("This bulk decision was taken back already.")
    said = reason.strip()
    if not said or len(said) > MAX_REASON:
        raise InvalidInput(f"Say why it is taken back, in at most {MAX_REASON:,} characters.")
    add_event(session, access, bulk, "revoke", client_event_id, {"reason": said, "was": bulk.state})
    if bulk.state == "drawn":
        bulk.state = "revoked"
        return bulk
    bulk.state = "revoking"
    _start(session, doorbell, access, bulk, "revoke")
    return bulk


def _require_lead(access: Access) -> None:
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Applying a bulk decision or taking it back needs the role lead; reviewers draw and look.")


def _start(session: Session, doorbell: Doorbell, access: Access, bulk: BulkDecision, action: str) -> None:
    """Start the job, unless it is under way."""
    total = bulk.settled if action == "revoke" else bulk.population
    words = {"apply": "Apply", "revoke": "Take back"}
    stage = {"apply": "settling samples", "revoke": "taking samples back"}
    job, _ = start_job(
        session, doorbell, kind=JobKind.BULK, title=f"{words[action]} bulk decision {bulk.id}",
        live_key=f"bulk-{action}:{bulk.id}", shards=[ShardSpec(0, stage[action], total=max(1, total))],
        params={"bulk_id": bulk.id, "action": action}, project_id=access.id, user_id=access.actor.user_id,
    )  # fmt: skip
    bulk.job_id = job.id


def is_stuck(session: Session, bulk: BulkDecision) -> bool:
    """Whether its job ended before all was done: cancelled, or failed."""
    if bulk.state not in repository.UNDER_WAY or bulk.job_id is None:
        return False
    return jobs_repository.get_job(session, bulk.job_id).state not in LIVE


def _evidence(session: Session, bulk: BulkDecision, proof: Proof, looks: list[Look]) -> dict[str, Any]:
    keys = repository.keys_of(session, [look.sample_id for look in looks])
    return {
        **proposal_json(bulk), "drawn": proof.drawn, "decided": proof.decided, "agreeing": proof.agreeing,
        "share": proof.share, "low": proof.low, "high": proof.high, "confidence": CONFIDENCE, "interval": "wilson",
        "looks": [_look_json(look, keys[look.sample_id]) for look in looks],
    }  # fmt: skip


def _look_json(look: Look, key: str) -> dict[str, Any]:
    decision = Decision(look.decision) if look.decision else None
    said = describe(decision, look.new_label) if look.state == "resolved" else look.state
    return {
        "image_id": key, "expected_label": look.expected_label, "said": said, "how": look.how, "by": look.by,
        "agrees": look.said is Said.AGREES,
    }  # fmt: skip
