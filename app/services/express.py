"""The express lane: what reviewers do every second, for the plain case alone.

Whatever is not plain raises ``NotPlain`` before anything of it is kept, and takes the ordinary way, which also says
what is wrong with it. So the lane holds no rule of its own: it may only do what the ordinary way would have done
(docs/decisions/0026-express-lane.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from app.adapters.passwords import token_hash
from app.db.base import utc_now
from app.db.direct import Direct
from app.db.models.projects import Project
from app.db.repositories import express_doors as repository
from app.db.repositories.express_doors import Entrance
from app.db.repositories.sources import make_place
from app.domain.accounts import Role, Scope, covers, may
from app.domain.sources import ImagePlace
from app.services.projects import Access
from app.services.sign_in import NOTED_EVERY, Actor


class NotPlain(Exception):
    """This request takes the ordinary way."""


@dataclass(frozen=True)
class Caller:
    """What a request brings to say who makes it: an API token, or else a session's cookie."""

    token: str | None
    cookie: str | None
    idle: timedelta
    absolute: timedelta


def enter(direct: Direct, caller: Caller, needed: Role, slug: str) -> Access:
    """As ``sign_in.find_actor`` and ``projects.access_project``."""
    return _enter(direct, caller, needed, slug=slug)[0]


def enter_by_sample(direct: Direct, caller: Caller, needed: Role, sample_id: int) -> tuple[Access, ImagePlace]:
    """The project of a sample, and where its image lies."""
    access, found = _enter(direct, caller, needed, sample_id=sample_id)
    return access, make_place(found.root or "", found.key or "", found.locator, found.box)


def _enter(direct: Direct, caller: Caller, needed: Role, **place: Any) -> tuple[Access, Entrance]:
    secrets = {"token": caller.token, "cookie": None if caller.token is not None else caller.cookie}
    if secrets["token"] is None and secrets["cookie"] is None:
        raise NotPlain
    hashes = {name: None if secret is None else token_hash(secret) for name, secret in secrets.items()}
    found = repository.find_entrance(direct, **hashes, **place)
    if found is None or not found.is_active or not _lives(found, caller):
        raise NotPlain
    role = Role.ADMIN if found.is_admin else Role(found.role) if found.role else None
    if found.project_id is None or role is None or not may(role, needed):
        raise NotPlain
    scope = Scope(found.scope) if found.scope is not None else None
    if scope is not None and not covers(scope, Scope.READ if needed is Role.VIEWER else Scope.REVIEW):
        raise NotPlain
    if found.only_project not in (None, found.project_id):
        raise NotPlain
    actor = Actor(
        found.user_id, found.username or "", found.display_name, found.is_admin, found.session_id, scope,
        found.only_project,
    )  # fmt: skip
    return Access(_project(found, found.policies or {}), role, actor), found


def _lives(found: Entrance, caller: Caller) -> bool:
    """Whether the session or token counts, and that it is in use was noted a short while ago."""
    now = utc_now()
    if found.seen_at is None or found.seen_at + NOTED_EVERY < now or found.is_revoked:
        return False
    if caller.token is not None:
        return found.ends_at is None or found.ends_at >= now
    return found.seen_at + caller.idle >= now and found.started_at + caller.absolute >= now


def _project(found: Entrance, policies: dict[str, Any]) -> Project:
    return _made(found.project_id, found.slug, found.name, tuple(sorted(policies.items())))


@lru_cache(256)
def _made(project_id: int | None, slug: str | None, name: str | None, policies: tuple[tuple[str, Any], ...]) -> Project:
    """A project that belongs to no session. It is remembered by all that is in it, so it is never out of date."""
    return Project(id=project_id, slug=slug, name=name, policies=dict(policies))
