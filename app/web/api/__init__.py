"""``/api/v1``: JSON routes, one module per resource."""

from __future__ import annotations

from fastapi import APIRouter

from app.web.api import (
    agreement,
    bulk,
    comments,
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
for module in (projects, samples, reviews, comments, agreement, groups, bulk, imports, leaks, jobs, versions, views):
    router.include_router(module.router)
