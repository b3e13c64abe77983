"""Comments on samples."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from app.services import comments
from app.services.comments import CommentView, MentionView
from app.web.api.schemas import CommentBody
from app.web.dependencies import ReadingDep, ReviewAccess, ReviewReadAccess, WritingDep

router = APIRouter(prefix="/projects/{slug}", tags=["comments"])


@dataclass(frozen=True)
class CommentList:
    """``items`` is null where the reader has to answer on the sample first."""

    items: list[CommentView] | None


@dataclass(frozen=True)
class MentionList:
    items: list[MentionView]
    unread: int


@router.get("/samples/{sample_id}/comments")
def list_comments(sample_id: int, access: ReviewReadAccess, session: ReadingDep) -> CommentList:
    return CommentList(comments.list_comments(session, access, sample_id))


@router.post("/samples/{sample_id}/comments")
def add_comment(sample_id: int, body: CommentBody, access: ReviewAccess, session: WritingDep) -> CommentList:
    """Comment on a sample; ``@name`` names a member. Safe to repeat with the same ``client_event_id``."""
    comments.add_comment(session, access, sample_id, body.text, client_event_id=body.client_event_id)
    return CommentList(comments.list_comments(session, access, sample_id))


@router.post("/samples/{sample_id}/comments/read", status_code=204)
def read_comments(sample_id: int, access: ReviewAccess, session: WritingDep) -> None:
    """Note that the comments that name one on this sample were read."""
    comments.mark_read(session, access, sample_id)


@router.post("/comments/{comment_id}/withdraw", status_code=204)
def withdraw_comment(comment_id: int, access: ReviewAccess, session: WritingDep) -> None:
    """Take back one's own comment. It stays in the history."""
    comments.withdraw(session, access, comment_id)


@router.get("/mentions")
def list_mentions(access: ReviewReadAccess, session: ReadingDep) -> MentionList:
    """Comments that name the reader, unread ones first."""
    return MentionList(comments.list_mentions(session, access), comments.count_unread(session, access))
