"""Who makes a request and which project they stand before, in one statement that is written out once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, null, select

from app.db.direct import Direct, Statement
from app.db.models.accounts import ApiToken, User, UserSession
from app.db.models.projects import Member, Project, Sample, Source
from app.db.repositories.projects import POLICIES_LOCK
from app.db.repositories.sources import PLACE


class Entrance(NamedTuple):
    """A session or token with its person, and the project at whose door they stand; None where there is no such.

    ``scope`` and ``only_project`` are a token's: what it may, and the one project it is for. ``root``, ``key``,
    ``locator`` and ``box`` are those of the sample by which the project was named.
    """

    started_at: datetime
    ends_at: datetime | None
    seen_at: datetime | None
    is_revoked: bool
    session_id: int | None
    scope: str | None
    only_project: int | None
    user_id: int
    username: str | None
    display_name: str
    is_admin: bool
    is_active: bool
    project_id: int | None
    slug: str | None
    name: str | None
    policies: dict[str, Any] | None
    role: str | None
    root: str | None
    key: str | None
    locator: str | None
    box: list[float] | None


_PERSON = (User.id, User.username, User.display_name, User.is_admin, User.is_active)
_PROJECT = (Project.id, Project.slug, Project.name, Project.policies, Member.role)
_BY_SESSION = (UserSession.created_at, UserSession.created_at, UserSession.last_seen_at, UserSession.id, null(), null())
_BY_TOKEN = (
    ApiToken.created_at, ApiToken.expires_at, ApiToken.last_used_at, ApiToken.revoked_at, ApiToken.scope,
    ApiToken.project_id,
)  # fmt: skip


def _entrance(of: Any, columns: Sequence[Any], *, by_sample: bool) -> Statement:
    is_member = (Member.project_id == Project.id) & (Member.user_id == User.id)
    place: Sequence[Any] = PLACE if by_sample else (null(),) * len(PLACE)
    query = select(*columns, *_PERSON, *_PROJECT, *place).select_from(of).join(User, User.id == of.user_id)
    if by_sample:
        query = query.outerjoin(Sample, Sample.id == bindparam("sample_id"))
        query = query.outerjoin(Source, Source.id == Sample.source_id)
        query = query.outerjoin(Project, Project.id == Sample.project_id)
    else:
        query = query.outerjoin(Project, Project.slug == bindparam("slug"))
    return Statement(query.outerjoin(Member, is_member).where(of.token_hash == bindparam("hash")))


_DOORS = {
    (of, place): _entrance(of, columns, by_sample=place == "sample_id")
    for of, columns in ((UserSession, _BY_SESSION), (ApiToken, _BY_TOKEN))
    for place in ("slug", "sample_id")
}


def find_entrance(direct: Direct, *, token: str | None, cookie: str | None, **place: Any) -> Entrance | None:
    """Who has this hash of a token or of a cookie, at the door of the project of a ``slug`` or of a ``sample_id``."""
    of: Any = ApiToken if token is not None else UserSession
    row = direct.first(_DOORS[of, next(iter(place))], hash=token or cookie or "", **place)
    if row is None:
        return None
    started, ends, seen, mark, *rest = row
    if of is ApiToken:
        return Entrance(started, ends, seen, mark is not None, None, *rest)
    return Entrance(started, None, seen, False, mark, *rest)


_HOLD = Statement(
    select(func.pg_advisory_xact_lock_shared(POLICIES_LOCK, Project.id)).where(Project.slug == bindparam("slug"))
)
_TURN = Statement(
    select(Project.id).where(Project.id == bindparam("project_id")).with_for_update(key_share=True)
)  # fmt: skip


def hold_policies(direct: Direct, slug: str) -> None:
    """As ``projects.hold_policies``; what is read of the project afterwards stays true until the transaction ends."""
    if not direct.is_sqlite:
        direct.all(_HOLD, slug=slug)


def take_turn(direct: Direct, project_id: int) -> None:
    """As ``queue.take_turn``."""
    if not direct.is_sqlite:
        direct.all(_TURN, project_id=project_id)
