"""Saved views."""

from __future__ import annotations

from fastapi import APIRouter

from app.services import saved_views
from app.services.saved_views import ViewLink
from app.web.api.schemas import ViewBody
from app.web.dependencies import ReadingDep, ViewAccess, ViewWriteAccess, WritingDep

router = APIRouter(prefix="/projects/{slug}/views", tags=["views"])


@router.get("")
def list_views(access: ViewAccess, session: ReadingDep) -> list[ViewLink]:
    """One's own views and those that others share."""
    return saved_views.list_views(session, access)


@router.post("")
def save_view(body: ViewBody, access: ViewWriteAccess, session: WritingDep) -> ViewLink:
    """Save a view; one's own of the same name is replaced."""
    return saved_views.save_view(session, access, name=body.name, query=body.query, is_shared=body.is_shared)


@router.delete("/{view_id}", status_code=204)
def delete_view(view_id: int, access: ViewWriteAccess, session: WritingDep) -> None:
    saved_views.delete_view(session, access, view_id)
