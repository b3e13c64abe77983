"""Members of a project, and the users who could become one."""

from __future__ import annotations

from dataclasses import dataclass

from app.db.repositories import accounts as accounts_repository
from app.db.repositories import projects as repository
from app.db.session import Session
from app.services.projects import Access


@dataclass(frozen=True)
class MemberView:
    username: str
    display_name: str
    role: str
    user_id: int


@dataclass(frozen=True)
class UserView:
    id: int
    username: str
    display_name: str


def list_members(session: Session, access: Access) -> tuple[list[MemberView], list[UserView]]:
    """(members, active users who are not)."""
    rows = repository.list_members(session, access.id)
    members = [MemberView(user.username or "", user.display_name, role, user.id) for user, role in rows]
    known = {member.user_id for member in members}
    others = [
        UserView(user.id, user.username or "", user.display_name)
        for user in accounts_repository.list_users(session)
        if user.id not in known and user.is_active
    ]
    return members, others
