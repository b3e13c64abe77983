"""Users as an admin manages them, and as the command line does."""

from __future__ import annotations

from app.adapters.passwords import hash_password
from app.db.models.accounts import User
from app.db.repositories import accounts as repository
from app.db.session import Session
from app.domain.accounts import check_email, check_password, check_username
from app.domain.errors import InvalidInput, NotAllowed, NotFound
from app.services import audit
from app.services.one_time_links import make_link
from app.services.sign_in import Actor

list_users = repository.list_users
list_sessions = repository.list_sessions


def require_admin(actor: Actor) -> None:
    if not actor.runs_server:
        raise NotAllowed("Only an admin of this server may do that.")


def has_password(session: Session, user_id: int) -> bool:
    return repository.get_user(session, user_id).password_hash is not None


def ensure_first_admin(session: Session) -> str | None:
    """Return a one-time link's token while no admin has a password yet, making the account when needed."""
    if repository.count_active_admins(session):
        return None
    waiting = [user for user in repository.list_users(session) if user.is_admin and user.password_hash is None]
    user = waiting[0] if waiting else User(display_name="", is_admin=True)
    session.add(user)
    session.flush()  # the link needs the new user's id
    return make_link(session, user, "first_admin")


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


def set_email(session: Session, username: str, email: str) -> User:
    """Say which e-mail address is a user's (empty takes it away); a provider's sign-in may find the account by it.

    Raises:
        InvalidInput: it is no address, or somebody else's.
        NotFound: there is no such user.
    """
    user = _get_by_name(session, username)
    address = check_email(email)
    holder = repository.find_user_by_email(session, address) if address else None
    if holder is not None and holder.id != user.id:
        raise InvalidInput(f"{address} is the address of {holder.username or 'somebody else'} already.")
    user.email = address
    audit.record(session, "user_email_set", user_id=None, target=user.id, email=address)
    return user


def _get_by_name(session: Session, username: str) -> User:
    user = repository.find_user(session, username.strip().lower())
    if user is None:
        raise NotFound(f"There is no user {username!r}. See 'winnow users list'.")
    return user


def set_password(session: Session, username: str, password: str, *, is_admin: bool = False) -> User:
    """Add a user with a password, or change an existing one's; for the command line."""
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
    user = _get_by_name(session, username)
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
