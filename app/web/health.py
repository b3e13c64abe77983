"""Whether the server can answer, for a load balancer or a container's health check."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from app.services.health import check_database
from app.web.dependencies import ReadingDep

router = APIRouter(tags=["health"])


@dataclass(frozen=True)
class Health:
    status: str


@router.get("/healthz")
def get_health(session: ReadingDep) -> Health:
    """Answers when web server and database do. Tells nothing else, since nobody signs in for it."""
    check_database(session)
    return Health("ok")
