"""The record of who did what that others rely on."""

from __future__ import annotations

from typing import Any

from app.db.models.accounts import AuditEntry
from app.db.session import Session


def record(session: Session, action: str, *, user_id: int | None, project_id: int | None = None, **detail: Any) -> None:
    session.add(AuditEntry(action=action, user_id=user_id, project_id=project_id, detail=detail))
