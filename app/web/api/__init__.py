"""``/api/v1``: JSON routes, one module per resource."""

from __future__ import annotations

from fastapi import APIRouter

from app.web.api import (
    agreement,
    bulk,
    comments,
    comparison,
    groups,
    imports,
    jobs,
    leaks,
    projects,
    reviews,
    samples,
    versions,
    views,
)

router = APIRouter(prefix="/api/v1")
_MODULES = (
    projects, samples, reviews, comments, agreement, groups, bulk, imports, leaks, jobs, versions, comparison, views,
)  # fmt: skip
for module in _MODULES:
    router.include_router(module.router)
