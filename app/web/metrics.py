"""Figures of the server in Prometheus' format, for an admin's token or for a collector on this machine."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response

from app.domain.formats.prometheus_text import CONTENT_TYPE, write_text
from app.services.measure_server import measure_server
from app.services.users import require_admin
from app.web.dependencies import Wiring, WiringDep, get_actor

router = APIRouter(tags=["health"])

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_LOCAL_NAME = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?", re.ASCII)
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def get_metrics(request: Request, wiring: WiringDep) -> Response:
    """Requests, decisions, jobs, workers and sizes, for admins; from this machine without a token where set so."""
    if not (wiring.settings.metrics_from_loopback and _is_local(request)):
        require_admin(get_actor(request, wiring))
    return Response(_measure(wiring), media_type=CONTENT_TYPE)


def _measure(wiring: Wiring) -> str:
    with wiring.database.reading() as session:
        return write_text([*wiring.requests.families(), *measure_server(session, wiring.settings.data_dir)])


def _is_local(request: Request) -> bool:
    """Whether this comes from a program on this machine, and not through a proxy that runs here."""
    if request.client is None or request.client.host not in _LOOPBACK:
        return False
    named = _LOCAL_NAME.fullmatch(request.headers.get("host", ""))
    return named is not None and not any(name in request.headers for name in _FORWARDED)
