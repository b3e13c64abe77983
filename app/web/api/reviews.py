"""Reviews: one answer, many at once, undo, redo, and a lead's settling answer."""

from __future__ import annotations

from fastapi import APIRouter

from app.services import batch_review, conflicts, submit_review, undo_review
from app.services.batch_review import BatchResult
from app.services.conflicts import ConflictPage, Settled
from app.services.submit_review import Submitted
from app.services.undo_review import Undone
from app.web.api.schemas import AdjudicationBody, BatchBody, ReviewBody, SelectionBody, StepBody
from app.web.dependencies import LeadAccess, ReadingDep, ReviewAccess, ReviewReadAccess, WritingDep

router = APIRouter(prefix="/projects/{slug}", tags=["reviews"])


@router.post("/samples/{sample_id}/reviews")
def submit(sample_id: int, body: ReviewBody, access: ReviewAccess, session: WritingDep) -> Submitted:
    """Answer on one sample. Safe to repeat with the same ``client_event_id``."""
    return submit_review.submit_review(
        session, access, sample_id, body.as_input(), client_event_id=body.client_event_id,
        base_version=body.base_version, lead_time_ms=body.lead_time_ms, seen_version=body.seen_version,
    )  # fmt: skip


@router.post("/reviews/batch")
def submit_batch(body: BatchBody, access: ReviewAccess, session: WritingDep) -> BatchResult:
    """One answer for many samples, all or none. Safe to repeat with the same ``batch_id``.

    An error names every id that is unknown or that the answer does not fit, in ``details.ids``.
    """
    return batch_review.submit_batch(
        session, access, body.ids, body.as_input(), batch_id=body.batch_id,
        use_suggestion=body.relabel_to == "suggestion", sample_ids=body.sample_ids, reviewer=body.reviewer,
        replace_answers=body.replace_answers,
    )  # fmt: skip


@router.post("/reviews/selection")
def submit_selection(body: SelectionBody, access: ReviewAccess, session: WritingDep) -> BatchResult:
    """One answer for selected samples, as one step to undo. Those that others settled meanwhile are held back."""
    return batch_review.submit_selection(
        session, access, [(sample.id, sample.version) for sample in body.samples], body.as_input(),
        batch_id=body.client_event_id, use_suggestion=body.relabel_to == "suggestion",
    )  # fmt: skip


@router.post("/reviews/undo")
def undo(body: StepBody, access: ReviewAccess, session: WritingDep) -> Undone:
    """Take back one's own newest answer."""
    return undo_review.undo(session, access, body.client_event_id)


@router.post("/reviews/redo")
def redo(body: StepBody, access: ReviewAccess, session: WritingDep) -> Undone:
    """Make the answer again that was taken back last."""
    return undo_review.redo(session, access, body.client_event_id)


@router.get("/conflicts")
def list_conflicts(access: ReviewReadAccess, session: ReadingDep, cursor: int = 0) -> ConflictPage:
    return conflicts.list_conflicts(session, access, cursor)


@router.post("/samples/{sample_id}/adjudication")
def adjudicate(sample_id: int, body: AdjudicationBody, access: LeadAccess, session: WritingDep) -> Settled:
    """Settle a conflict; without a decision it is open again. ``base_version`` is the card's ``version``."""
    return conflicts.adjudicate(
        session, access, sample_id, body.as_input(), client_event_id=body.client_event_id,
        base_version=body.base_version,
    )  # fmt: skip
