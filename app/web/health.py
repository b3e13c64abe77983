"""Whether the server can answer, for a load balancer or a container's health check."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from app.services.health import check_database, find_hindrance
from app.web.dependencies import ReadingDep, WiringDep

router = APIRouter(tags=["health"])


@dataclass(frozen=True)
class Health:
    status: str


@router.get("/healthz")
def get_health(session: ReadingDep) -> Health:
    """Answers when web server and database do. Tells nothing else, since nobody signs in for it."""
    check_database(session)
    return Health("ok")


@router.get("/readyz", responses={503: {"description": "The status says what is lacking."}})
def get_readiness(response: Response, wiring: WiringDep) -> Health:
    """Answers "ok" when the server can do its work: the database answers, at this release's migration. Else 503."""
    hindrance = find_hindrance(wiring.database)
    if hindrance is None:
        return Health("ok")
    response.status_code = 503
    return Health(hindrance)
