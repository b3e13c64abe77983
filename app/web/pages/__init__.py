"""HTML pages, one module per part of the site; each page's context is a frozen dataclass."""

from __future__ import annotations

from fastapi import APIRouter

from app.web.pages import (
    accounts,
    admin,
    audit,
    bulk,
    comparison,
    finish,
    imports,
    leaks,
    members,
    patterns,
    projects,
    review,
    samples,
    team,
    versions,
)

router = APIRouter(include_in_schema=False)
for module in (
    accounts,
    admin,
    audit,
    projects,
    review,
    samples,
    bulk,
    leaks,
    imports,
    finish,
    versions,
    members,
    team,
    comparison,
    patterns,
):
    router.include_router(module.router)
