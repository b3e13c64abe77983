"""What reviewers came to on the drawn samples of bulk decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.db.models.bulk import BulkDecision, BulkDraw
from app.db.models.reviews import SampleState
from app.db.repositories import bulk as repository
from app.db.session import Session
from app.domain.bulk import Answer, Proof, Said, prove, read_look
from app.domain.consensus import How, State
from app.domain.taxonomy import Decision


@dataclass(frozen=True)
class Look:
    """One drawn sample and what was made of it; ``said`` tells what that means for the proposed answer."""

    sample_id: int
    expected_label: str | None
    said: Said
    state: str
    decision: str | None
    new_label: str | None
    how: str | None
    by: list[str]


def looks_at(session: Session, bulk: BulkDecision) -> tuple[Proof, list[Look]]:
    return proofs_of(session, [bulk])[bulk.id]


def proofs_of(session: Session, rows: Sequence[BulkDecision]) -> dict[int, tuple[Proof, list[Look]]]:
    """Proof and looks by bulk decision, in the order in which the samples were drawn."""
    draws = repository.list_draws(session, [bulk.id for bulk in rows])
    found = {}
    for bulk in rows:
        answer = Answer(Decision(bulk.decision), tuple(bulk.tags))
        looks = [_look(answer, draw, state) for draw, state in draws[bulk.id]]
        found[bulk.id] = prove(len(looks), [look.said for look in looks]), looks
    return found


def _look(answer: Answer, draw: BulkDraw, state: SampleState) -> Look:
    # What an earlier bulk decision said of a sample proves nothing: nobody looked at it.
    shown = State.OPEN if state.how == How.BULK.value else State(state.state)
    decision = Decision(state.decision) if state.decision else None
    said = read_look(answer, draw.new_label, shown, decision, state.new_label)
    return Look(
        draw.sample_id, draw.new_label, said, shown.value, state.decision if shown is not State.OPEN else None,
        state.new_label, state.how, list(state.by),
    )  # fmt: skip
