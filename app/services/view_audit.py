"""The audit log as admins of the server see it: filtered, a page at a time, or whole as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TextIO

from app.db.repositories import accounts as accounts_repository
from app.db.repositories import audit as repository
from app.db.repositories.audit import AuditFilter
from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.formats.spreadsheet_csv import defuse
from app.services.sign_in import Actor
from app.services.users import require_admin

PAGE = 100
NOBODY = "(nobody)"
"""Stands for what no person did: the server, and commands on its own machine. No user name has brackets."""

_LAST = date(9999, 12, 30)
_NAMES_A_USER = ("invited", "target", "member")
COLUMNS = ("id", "at", "user", "project", "action", "detail")


@dataclass(frozen=True)
class EntryView:
    """One entry; ``detail`` as names and what they say."""

    id: int
    at: datetime
    user: str | None
    project: str | None
    action: str
    detail: list[tuple[str, str]]


@dataclass(frozen=True)
class AuditPage:
    """A page of entries. ``older`` and ``newer`` are the numbers next to which the neighbouring pages lie."""

    entries: list[EntryView]
    older: int | None
    newer: int | None
    users: list[str]
    actions: list[str]
    projects: list[str]


def read_filter(user: str, action: str, project: str, since: str, until: str) -> AuditFilter:
    """What a form says: empty is no limit; days are days of UTC, the last one included.

    Raises:
        InvalidInput: no day.
    """
    last = _day(until)
    return AuditFilter(
        username=user if user and user != NOBODY else None,
        by_nobody=user == NOBODY,
        action=action or None,
        project=project or None,
        since=_day(since),
        until=last + timedelta(days=1) if last else None,
    )


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(min(date.fromisoformat(text), _LAST), time(), UTC)
    except ValueError:
        raise InvalidInput(f"{text!r} is no day. Write it like 2026-11-21.") from None


def list_entries(
    session: Session, actor: Actor, wanted: AuditFilter, *, before: int | None = None, after: int | None = None
) -> AuditPage:
    """A page of the log, the newest entries first."""
    require_admin(actor)
    found = repository.list_entries(session, wanted, limit=PAGE + 1, before=before, after=after)
    more = len(found) > PAGE
    backwards = after is not None
    shown = (found[1:] if backwards else found[:PAGE]) if more else found
    has_older, has_newer = (bool(shown), more) if backwards else (more, before is not None)
    names = _names(session, shown)
    return AuditPage(
        [_view(entry, names) for entry in shown],
        shown[-1][0].id if shown and has_older else None,
        shown[0][0].id if shown and has_newer else None,
        [*repository.list_actors(session), NOBODY],
        repository.list_actions(session),
        repository.list_slugs(session),
    )


def write_entries(session: Session, actor: Actor, wanted: AuditFilter, target: TextIO) -> None:
    """Write all that fits as CSV, the oldest first, with cells that no spreadsheet program runs."""
    require_admin(actor)
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry, username, slug in repository.stream_entries(session, wanted):
        detail = json.dumps(entry.detail, ensure_ascii=False, sort_keys=True)
        row = (str(entry.id), entry.at.isoformat(), username or "", slug or "", entry.action, detail)
        writer.writerow([defuse(cell) for cell in row])


def _names(session: Session, found: list[repository.Entry]) -> Mapping[int, str]:
    ids = {entry.detail.get(key) for entry, _, _ in found for key in _NAMES_A_USER}
    users = accounts_repository.users_by_id(session, {number for number in ids if isinstance(number, int)})
    return {number: user.username or user.display_name for number, user in users.items()}


def _view(found: repository.Entry, names: Mapping[int, str]) -> EntryView:
    entry, username, slug = found
    detail = [(key.replace("_", " "), _said(key, value, names)) for key, value in entry.detail.items()]
    return EntryView(entry.id, entry.at, username, slug, entry.action, detail)


def _said(key: str, value: Any, names: Mapping[int, str]) -> str:
    if key in _NAMES_A_USER and isinstance(value, int):
        return names.get(value) or f"user {value}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
