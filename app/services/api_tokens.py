"""Personal API tokens: how much they may, where, until when, and who makes a request by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.adapters.passwords import new_token, token_hash
from app.db.base import utc_now
from app.db.models.accounts import ApiToken
from app.db.repositories import accounts as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.accounts import Scope
from app.domain.errors import InvalidInput, NotFound
from app.services import audit
from app.services.projects import access_project
from app.services.sign_in import NOTED_EVERY, Actor

MAX_DAYS = 3650


@dataclass(frozen=True)
class TokenView:
    """A token as its owner sees it; ``project`` is the name of the only one that it is for."""

    id: int
    name: str
    scope: str
    project: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    has_ended: bool


def find_token_actor(session: Session, token: str) -> Actor | None:
    """Say who an API token belongs to, or None when it is unknown, revoked or expired."""
    row = repository.find_token(session, token_hash(token))
    if row is None or row.revoked_at or (row.expires_at and row.expires_at < utc_now()):
        return None
    user = repository.get_user(session, row.user_id)
    if not user.is_active:
        return None
    return Actor(
        user.id, user.username or "", user.display_name, user.is_admin, None, Scope(row.scope), row.project_id
    )  # fmt: skip


def token_needs_touch(session: Session, token: str) -> bool:
    """Whether the token's last use is long enough ago to be noted again."""
    row = repository.find_token(session, token_hash(token))
    return row is not None and (row.last_used_at is None or row.last_used_at + NOTED_EVERY < utc_now())


def touch_token(session: Session, token: str) -> None:
    row = repository.find_token(session, token_hash(token))
    if row is not None:
        row.last_used_at = utc_now()


def list_tokens(session: Session, actor: Actor) -> list[TokenView]:
    """One's own tokens that were not revoked."""
    now = utc_now()
    names: dict[int | None, str | None] = {None: None}
    rows = repository.list_tokens(session, actor.user_id)
    for number in {row.project_id for row in rows if row.project_id is not None}:
        names[number] = projects_repository.get_project_by_id(session, number).name
    return [
        TokenView(
            row.id, row.name, row.scope, names[row.project_id], row.created_at, row.expires_at, row.last_used_at,
            row.expires_at is not None and row.expires_at < now,
        )
        for row in rows
    ]  # fmt: skip


def make_token(
    session: Session, actor: Actor, *, name: str, scope: str, days: int | None, project: str | None = None
) -> str:
    """Make a personal API token; it is shown this once. ``days`` None means it never expires.

    Args:
        project: slug of the only project that the token is for; None is for all that its owner may enter.

    Raises:
        InvalidInput: it has no name, an unknown scope, or lives too long.
        NotFound: the person may not enter the project.
    """
    if not name.strip():
        raise InvalidInput("Give the token a name, so that you know later what uses it.")
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"A token lives 1 to {MAX_DAYS:,} days.")
    if scope not in list(Scope):
        raise InvalidInput(f"A token may {', '.join(Scope)}; {scope!r} is none of these.")
    only = access_project(session, actor, project).project if project else None
    token = "wnw_" + new_token()
    row = ApiToken(
        user_id=actor.user_id, name=name.strip()[:100], token_hash=token_hash(token), scope=scope,
        project_id=only.id if only else None, expires_at=utc_now() + timedelta(days=days) if days else None,
    )  # fmt: skip
    session.add(row)
    audit.record(
        session, "token_made", user_id=actor.user_id, project_id=row.project_id, name=row.name, scope=scope, days=days
    )
    return token


def revoke_token(session: Session, actor: Actor, token_id: int) -> None:
    for row in repository.list_tokens(session, actor.user_id):
        if row.id == token_id:
            row.revoked_at = utc_now()
            audit.record(session, "token_revoked", user_id=actor.user_id, name=row.name)
            return
    raise NotFound("You have no such token.")
