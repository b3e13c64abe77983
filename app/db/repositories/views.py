"""Saved views."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.db.models.accounts import User
from app.db.models.views import SavedView


def list_views(session: Session, project_id: int, user_id: int) -> list[tuple[SavedView, str]]:
    """A person's views and shared ones, by name, each with its owner's name."""
    query = (
        select(SavedView, User.username)
        .join(User, User.id == SavedView.created_by)
        .where(SavedView.project_id == project_id)
        .where(or_(SavedView.created_by == user_id, SavedView.is_shared))
        .order_by(func.lower(SavedView.name), SavedView.id)
    )
    return [(view, owner or "") for view, owner in session.execute(query)]


def find_view(session: Session, project_id: int, user_id: int, name: str) -> SavedView | None:
    mine = (SavedView.project_id == project_id) & (SavedView.created_by == user_id)
    return session.scalar(select(SavedView).where(mine, SavedView.name == name))


def get_view(session: Session, project_id: int, view_id: int) -> SavedView | None:
    view = session.get(SavedView, view_id)
    return view if view is not None and view.project_id == project_id else None


def count_views(session: Session, project_id: int, user_id: int) -> int:
    mine = (SavedView.project_id == project_id) & (SavedView.created_by == user_id)
    return session.scalar(select(func.count()).select_from(SavedView).where(mine)) or 0
