"""After a change of policies: every reviewed sample's outcome is worked out again, so that none is stuck."""

from __future__ import annotations

from app.db.repositories import bulk as bulk_repository
from app.db.repositories import reviews as repository
from app.db.session import Session
from app.domain.merge import Policies
from app.services.submit_review import resolve_rows


def resolve_project(session: Session, project_id: int, policies: Policies) -> int:
    """Bring the states of a project's reviewed samples up to its policies; return how many changed."""
    ids = repository.reviewed_ids(session, project_id)
    reviews = repository.reviews_of_samples(session, ids)
    states = repository.states_of_samples(session, ids)
    bulk = bulk_repository.bulk_answers(session, ids)
    changed = []
    for sample_id, rows in reviews.items():
        state = states[sample_id]
        resolution, submitted = resolve_rows(rows, policies.rule, state.needed, bulk.get(sample_id))
        before = (state.state, state.decision, state.new_label, state.how, state.reason)
        how = resolution.how.value if resolution.how else None
        decision = resolution.decision.value if resolution.decision else None
        if before != (resolution.state.value, decision, resolution.new_label, how, resolution.reason):
            changed.append((sample_id, resolution, submitted))
    repository.set_resolutions(session, changed)
    return len(changed)
