"""Users as an admin manages them, and what each manages of their own: sessions and API tokens."""

from __future__ import annotations

from datetime import timedelta

from app.adapters.passwords import new_token, token_hash
from app.db.base import utc_now
from app.db.models.accounts import ApiToken, User
from app.db.repositories import accounts as repository
from app.db.session import Session
from app.domain.errors import InvalidInput, NotAllowed, NotFound
from app.services import audit
from app.services.sign_in import Actor, make_link

list_users = repository.list_users
list_sessions = repository.list_sessions
list_tokens = repository.list_tokens


def require_admin(actor: Actor) -> None:
    if not actor.is_admin:
        raise NotAllowed("Only an admin of this server may do that.")


def ensure_first_admin(session: Session) -> str | None:
    """Return a one-time link's token while no admin has a password yet, making the account when needed."""
    if repository.count_active_admins(session):
        return None
    waiting = [user for user in repository.list_users(session) if user.is_admin and user.password_hash is None]
    user = waiting[0] if waiting else User(display_name="", is_admin=True)
    session.add(user)
    session.flush()  # the link needs the new user's id
    return make_link(session, user, "first_admin")


def invite(session: Session, actor: Actor, *, display_name: str, is_admin: bool) -> str:
    """Add a user who chooses name and password by the link whose token is returned."""
    require_admin(actor)
    if not display_name.strip():
        raise InvalidInput("Say whom the invitation is for.")
    user = User(display_name=display_name.strip()[:200], is_admin=is_admin)
    session.add(user)
    session.flush()  # the link needs the new user's id
    audit.record(session, "user_invited", user_id=actor.user_id, invited=user.id, is_admin=is_admin)
    return make_link(session, user, "invitation")


def manage_user(session: Session, actor: Actor, user_id: int, action: str) -> str | None:
    """Deactivate, activate or reset a user; a reset returns the token of a link to choose a new password."""
    require_admin(actor)
    user = repository.get_user(session, user_id)
    if action == "deactivate" and user.id == actor.user_id:
        raise InvalidInput("You can't deactivate yourself. Ask another admin.")
    audit.record(session, f"user_{action}", user_id=actor.user_id, target=user_id)
    if action == "reset":
        return make_link(session, user, "reset")
    if action not in ("activate", "deactivate"):
        raise InvalidInput(f"Unknown action {action!r}: use deactivate, activate or reset.")
    user.is_active = action == "activate"
    if not user.is_active:
        repository.delete_sessions(session, user.id)
        repository.delete_unused_links(session, user.id)  # using one would activate the account again
    return None


def end_session(session: Session, actor: Actor, session_id: int) -> None:
    for row in repository.list_sessions(session, actor.user_id):
        if row.id == session_id:
            session.delete(row)
            return
    raise NotFound("You have no such session.")


def make_token(session: Session, actor: Actor, *, name: str, days: int | None) -> str:
    """Make a personal API token; it is shown this once. ``days`` None means it never expires."""
    if not name.strip():
        raise InvalidInput("Give the token a name, so that you know later what uses it.")
    if days is not None and not 1 <= days <= 3650:
        raise InvalidInput("A token lives 1 to 3,650 days.")
    token = "wnw_" + new_token()
    expires_at = utc_now() + timedelta(days=days) if days else None
    row = ApiToken(user_id=actor.user_id, name=name.strip()[:100], token_hash=token_hash(token), expires_at=expires_at)
    session.add(row)
    audit.record(session, "token_made", user_id=actor.user_id, name=row.name)
    return token


def revoke_token(session: Session, actor: Actor, token_id: int) -> None:
    for row in repository.list_tokens(session, actor.user_id):
        if row.id == token_id:
            row.revoked_at = utc_now()
            return
    raise NotFound("You have no such token.")


def set_password(session: Session, username: str, password: str, *, is_admin: bool = False) -> User:
    """Add a user with a password, or change an existing one's; for the command line."""
    from app.adapters.passwords import hash_password
    from app.domain.accounts import check_password, check_username

    name = check_username(username)
    check_password(password, name)
    user = repository.find_user(session, name) or User(username=name, display_name=name)
    user.password_hash, user.is_admin = hash_password(password), user.is_admin or is_admin
    user.is_active = True
    session.add(user)
    session.flush()  # callers use the id
    repository.delete_sessions(session, user.id)
    return user


def make_reset_link(session: Session, username: str) -> str:
    """Token of a link by which a user chooses a new password; for the command line."""
    user = repository.find_user(session, username.strip().lower())
    if user is None:
        raise NotFound(f"There is no user {username!r}. See 'winnow users list'.")
    audit.record(session, "user_reset", user_id=None, target=user.id)
    return make_link(session, user, "reset")


def add_reviewer_on_paper(session: Session, name: str) -> User:
    """The account of somebody whose answers come from a file: nobody can sign in by it."""
    user = User(username=name, display_name=name, is_active=False)
    session.add(user)
    session.flush()  # callers use the id
    audit.record(session, "user_made_for_import", user_id=None, target=user.id)
    return user


def add_owner(session: Session) -> User:
    """The account of whoever runs the server, before any admin exists; it becomes the first admin's."""
    user = User(display_name="", is_admin=True)
    session.add(user)
    session.flush()  # callers use the id
    return user
