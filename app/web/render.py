"""Pages: a frozen context a page, rendered with strict templates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app import __version__
from app.domain.accounts import Role, may
from app.domain.errors import Busy, NotAllowed, NotFound, OutOfSpace, ProviderFailed, TooManyAttempts, WinnowError
from app.services.projects import Access
from app.services.sign_in import Actor

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
TITLES = {
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    409: "Not now",
    429: "Too many tries",
    502: "No answer from the sign-in service",
    503: "Busy",
}
_REFUSALS = {
    NotAllowed: 403, NotFound: 404, TooManyAttempts: 429, ProviderFailed: 502, Busy: 503, OutOfSpace: 507,
}  # fmt: skip

RETRY_AFTER = 3
"""Seconds after which a request that found the database busy may come again."""


@dataclass(frozen=True)
class ProjectInfo:
    """What every page inside a project shows of it."""

    slug: str
    name: str
    role: str
    is_lead: bool
    unread: int


@cache
def static_url(name: str) -> str:
    """The address of a file under ``static``, with a part that changes when the file does."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


def format_number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def format_percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f} %"


def format_bytes(value: float | None) -> str:
    if value is None:
        return "–"
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit != "MB" else f"{value:.1f} MB"
        value /= 1000
    return f"{value:.1f} GB"


def format_duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d}"


def format_ago(value: datetime | None) -> str:
    if value is None:
        return "never"
    seconds = (datetime.now(UTC) - value).total_seconds()
    if seconds < 45:
        return "just now"
    for unit, length in (("min", 60), ("h", 3600), ("days", 86400)):
        if seconds < {"min": 5400, "h": 129600, "days": 1e12}[unit]:
            return f"{max(1, round(seconds / length))} {unit} ago"
    return value.strftime("%d %b %Y")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=format_number, percent=format_percent, bytes=format_bytes, duration=format_duration, ago=format_ago
    )
    environment.globals.update(static=static_url, version=__version__)
    return environment


@cache
def templates() -> Environment:
    return _environment()


def context_of(request: Request) -> dict[str, Any]:
    """What every template gets beside its page."""
    actor: Actor | None = getattr(request.state, "actor", None)
    project: ProjectInfo | None = getattr(request.state, "project", None)
    return {
        "current_user": actor,
        "project": project,
        "path": request.scope["path"],
    }


def project_info(access: Access, unread: int = 0) -> ProjectInfo:
    """``unread`` is the number of comments that name the reader and that they have not seen."""
    project = access.project
    return ProjectInfo(project.slug, project.name, access.role.value, may(access.role, Role.LEAD), unread)


def render(request: Request, template: str, page: object, status: int = 200) -> HTMLResponse:
    html = templates().get_template(template).render(page=page, **context_of(request))
    return HTMLResponse(html, status)


def render_refusal(request: Request, template: str, page: object, error: WinnowError) -> HTMLResponse:
    """A page again with what was wrong with its form, and when to come again where that is said."""
    response = render(request, template, page, _REFUSALS.get(type(error), 400))
    if response.status_code == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    if "retry_after" in error.details:
        response.headers["Retry-After"] = str(error.details["retry_after"])
    return response


def render_error(request: Request, status: int, code: str, message: str) -> HTMLResponse:
    title = TITLES.get(status, "Something went wrong" if status >= 500 else "That did not work")
    values: Mapping[str, Any] = {"status": status, "code": code, "message": message, "title": title}
    html = templates().get_template("errors/error.html").render(**values, **context_of(request))
    return HTMLResponse(html, status)


def as_json(value: object) -> Any:
    """Dataclasses and times as what JSON can hold."""
    return jsonable_encoder(value)
