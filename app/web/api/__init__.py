"""``/api/v1``: JSON routes, one module per resource."""

from __future__ import annotations

from fastapi import APIRouter

from app.web.api import bulk, groups, imports, jobs, leaks, projects, reviews, samples, versions, views

router = APIRouter(prefix="/api/v1")
for module in (projects, samples, reviews, groups, bulk, imports, leaks, jobs, versions, views):
    router.include_router(module.router)
