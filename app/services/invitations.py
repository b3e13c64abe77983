"""Invitations: a link, shown once, by which somebody gets an account, a role in a project, or both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.adapters.passwords import hash_password, new_token, token_hash
from app.db.base import utc_now
from app.db.models.accounts import Invitation, User
from app.db.models.projects import Project
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import invitations as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.accounts import Role, check_email, check_password, check_username, may
from app.domain.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyAttempts
from app.services import audit
from app.services.projects import Access, access_project
from app.services.sign_in import Actor, Browser, open_session
from app.services.users import require_admin

MAX_DAYS = 30
MAX_OPEN = 500
"""Invitations that one person can have open at a time."""


@dataclass(frozen=True)
class Offer:
    """Whom an invitation is for and what it gives. ``role`` counts where there is a project."""

    name: str = ""
    email: str = ""
    role: str = Role.REVIEWER.value
    is_admin: bool = False
    days: int = 7


@dataclass(frozen=True)
class InvitationView:
    """An invitation that nobody has used yet; ``project`` and ``role`` are None where it is for an account alone."""

    id: int
    name: str
    email: str | None
    project: str | None
    role: str | None
    is_admin: bool
    invited_by: str
    created_at: datetime
    expires_at: datetime
    has_ended: bool


@dataclass(frozen=True)
class Found:
    """An invitation as the person sees who opens its link. ``slug`` leads into the project."""

    name: str
    project: str | None
    slug: str | None
    role: str | None
    is_admin: bool
    invited_by: str
    expires_at: datetime

    @property
    def target(self) -> str:
        """Where to go after accepting."""
        return f"/p/{self.slug}" if self.slug else "/"


def invite_to_server(session: Session, actor: Actor, offer: Offer, slug: str | None = None) -> str:
    """Invite somebody to an account, and into a project where one is named; return the link's token."""
    require_admin(actor)
    if slug:
        return _invite(session, actor, offer, access_project(session, actor, slug, Role.ADMIN).project)
    return _invite(session, actor, offer, None)


def invite_to_project(session: Session, access: Access, offer: Offer) -> str:
    """Invite somebody into a project, with at most the role one has there; return the link's token."""
    if offer.role in list(Role) and not may(access.role, Role(offer.role)):
        raise NotAllowed(f"You are {access.role.value} here, so you can't invite somebody as {offer.role}.")
    if offer.is_admin:
        require_admin(access.actor)
    return _invite(session, access.actor, offer, access.project)


def _invite(session: Session, actor: Actor, offer: Offer, project: Project | None) -> str:
    if project is not None and offer.role not in list(Role):
        raise InvalidInput(f"There is no role {offer.role!r}. Choose one of {', '.join(Role)}.")
    if not 1 <= offer.days <= MAX_DAYS:
        raise InvalidInput(f"An invitation lives 1 to {MAX_DAYS} days.")
    if repository.count_open_by(session, actor.user_id) >= MAX_OPEN:
        raise TooManyAttempts(f"You have {MAX_OPEN} open invitations. Revoke some that nobody used.")
    token = new_token()
    row = Invitation(
        token_hash=token_hash(token), name=offer.name.strip()[:200], email=check_email(offer.email),
        project_id=project.id if project else None, role=offer.role if project else None, is_admin=offer.is_admin,
        invited_by=actor.user_id, expires_at=utc_now() + timedelta(days=offer.days),
    )  # fmt: skip
    session.add(row)
    session.flush()  # the entry names its number
    audit.record(
        session, "invitation_made", user_id=actor.user_id, project_id=row.project_id, invitation=row.id, name=row.name,
        role=row.role, is_admin=row.is_admin, days=offer.days,
    )  # fmt: skip
    return token


def list_invitations(session: Session, project_id: int | None = None) -> list[InvitationView]:
    """Invitations that were neither used nor revoked, of one project or of all."""
    now = utc_now()
    return [
        InvitationView(
            row.id, row.name, row.email, project.name if project else None, row.role, row.is_admin,
            user.display_name, row.created_at, row.expires_at, row.expires_at < now,
        )
        for row, user, project in repository.list_open(session, project_id)
    ]  # fmt: skip


def revoke(session: Session, actor: Actor, invitation_id: int, project_id: int | None = None) -> None:
    """Let a link stop working. Without ``project_id`` the person has to be an admin of the server."""
    if project_id is None:
        require_admin(actor)
    found = repository.get_invitation(session, invitation_id)
    if found is None or (project_id is not None and found[0].project_id != project_id):
        raise NotFound(f"There is no invitation {invitation_id}.")
    row = found[0]
    if row.accepted_at is not None:
        raise Conflict("Somebody has accepted this invitation. Take the person's role away instead.")
    row.revoked_at = row.revoked_at or utc_now()
    audit.record(
        session,
        "invitation_revoked",
        user_id=actor.user_id,
        project_id=row.project_id,
        invitation=row.id,
        name=row.name,
    )


def find(session: Session, token: str) -> Found:
    """What the link offers.

    Raises:
        NotFound: it is unknown, used, revoked or too old, or who made it may not invite any more.
    """
    listed = repository.find_invitation(session, token_hash(token))
    if listed is None or not _works(session, *listed):
        raise NotFound("This invitation does not work any more. Ask whoever sent it for a new one.")
    row, inviter, project = listed
    return Found(
        row.name, project.name if project else None, project.slug if project else None, row.role, row.is_admin,
        inviter.display_name, row.expires_at,
    )  # fmt: skip


def _works(session: Session, row: Invitation, inviter: User, project: Project | None) -> bool:
    if row.accepted_at is not None or row.revoked_at is not None or row.expires_at < utc_now():
        return False
    if not inviter.is_active:
        return False
    if inviter.is_admin:
        return True
    if project is None or row.is_admin:
        return False
    held = projects_repository.role_of(session, project.id, inviter.id)
    return held is not None and may(Role(held), Role.LEAD) and may(Role(held), Role(row.role or Role.LEAD))


def accept_as_new(
    session: Session, token: str, *, username: str, display_name: str, password: str, browser: Browser
) -> tuple[str, str]:
    """Make an account by an invitation; return the new session's token and where to go.

    Raises:
        NotFound: the link does not work any more.
        InvalidInput: the name is taken, or name or password break the rules; the link is not used up.
    """
    row, found = _take(session, token)
    name = check_username(username)
    if accounts_repository.find_user(session, name) is not None:
        raise InvalidInput(f"The user name {name!r} is taken. Choose another, or sign in and open the link again.")
    check_password(password, name)
    user = User(
        username=name, display_name=(display_name.strip() or row.name or name)[:200],
        password_hash=hash_password(password), email=_email_of(session, row),
    )  # fmt: skip
    session.add(user)
    session.flush()  # the membership needs the user's id
    _give(session, row, user)
    return open_session(session, user, browser, "link"), found.target


def accept_as_oneself(session: Session, actor: Actor, token: str) -> str:
    """Accept an invitation with the account one has; return where to go. A role one has is never lowered."""
    row, found = _take(session, token)
    _give(session, row, accounts_repository.get_user(session, actor.user_id))
    return found.target


def _take(session: Session, token: str) -> tuple[Invitation, Found]:
    row = repository.lock_invitation(session, token_hash(token))  # two at once: the second finds it used
    found = find(session, token)
    if row is None:
        raise NotFound("This invitation does not work any more.")
    return row, found


def _email_of(session: Session, row: Invitation) -> str | None:
    """The note becomes the account's e-mail where an admin wrote it and nobody has it: sign-in may go by it."""
    if row.email is None or not accounts_repository.get_user(session, row.invited_by).is_admin:
        return None
    return None if accounts_repository.find_user_by_email(session, row.email) else row.email


def _give(session: Session, row: Invitation, user: User) -> None:
    row.accepted_at, row.accepted_by = utc_now(), user.id
    user.is_admin = user.is_admin or row.is_admin
    if row.project_id is not None and row.role is not None:
        held = projects_repository.role_of(session, row.project_id, user.id)
        if held is None or not may(Role(held), Role(row.role)):
            projects_repository.set_member(session, row.project_id, user.id, row.role)
    audit.record(
        session, "invitation_accepted", user_id=user.id, project_id=row.project_id, invitation=row.id, role=row.role,
        is_admin=row.is_admin, invited_by=row.invited_by,
    )  # fmt: skip
