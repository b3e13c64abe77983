"""A lead enters answers in the name of a member who gave them: they count as theirs; the audit log says who did."""

from __future__ import annotations

from app.db.repositories import accounts as accounts_repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.accounts import Role, check_username, may
from app.domain.errors import InvalidInput, NotAllowed
from app.services import users
from app.services.projects import Access
from app.services.sign_in import Actor


def access_for(session: Session, access: Access, reviewer: str | None, *, create: bool = False) -> Access:
    """The project as ``reviewer`` enters it; one's own way in where nobody else is named.

    ``create`` makes an account that nobody can sign in by where there is none of that name.

    Raises:
        NotAllowed: only leads act for others.
        InvalidInput: the name is no reviewer's of this project.
    """
    name = check_username(reviewer) if reviewer else access.actor.username
    if name == access.actor.username:
        return access
    if not access.is_lead:
        raise NotAllowed(f"Only a lead may enter answers for somebody else ({name!r}).")
    user = accounts_repository.find_user(session, name)
    if user is None and create:
        user = users.add_reviewer_on_paper(session, name)
        projects_repository.set_member(session, access.id, user.id, Role.REVIEWER.value)
    role = None if user is None else projects_repository.role_of(session, access.id, user.id)
    is_reviewer = user is not None and (user.is_admin or (role is not None and may(Role(role), Role.REVIEWER)))
    if user is None or not is_reviewer:
        raise InvalidInput(f"{name!r} is no reviewer of this project. Add them to it first.")
    # As a reviewer and no more, whatever else they may: what is entered for them is an answer.
    return Access(access.project, Role.REVIEWER, Actor(user.id, name, user.display_name, False))


def list_reviewers(session: Session, access: Access) -> list[str]:
    """Names in which a lead may enter answers, one's own included."""
    members = projects_repository.list_members(session, access.id)
    names = {user.username for user, role in members if user.username and may(Role(role), Role.REVIEWER)}
    return sorted({*names, access.actor.username})
