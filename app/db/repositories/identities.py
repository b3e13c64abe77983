"""Accounts at an OpenID Connect provider, and browsers that are on their way there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db.models.accounts import Identity, OidcFlow


def find_identity(session: Session, issuer: str, subject: str) -> Identity | None:
    return session.scalar(select(Identity).where(Identity.issuer == issuer, Identity.subject == subject))


def list_identities(session: Session, user_id: int) -> list[Identity]:
    return list(session.scalars(select(Identity).where(Identity.user_id == user_id).order_by(Identity.id)))


def add_flow(session: Session, flow: OidcFlow) -> None:
    session.add(flow)


def take_flow(session: Session, cookie_hash: str) -> OidcFlow | None:
    """Read a flow and remove it: what comes back a second time finds none."""
    flow = session.scalar(select(OidcFlow).where(OidcFlow.cookie_hash == cookie_hash).with_for_update())
    if flow is not None:
        session.delete(flow)
    return flow


def forget_flows(session: Session, before: datetime) -> None:
    session.execute(delete(OidcFlow).where(OidcFlow.created_at < before))
