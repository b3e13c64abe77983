"""``/api/v1``: JSON routes, one module per resource."""

from __future__ import annotations

from fastapi import APIRouter

from app.web.api import (
    agreement,
    analyses,
    bulk,
    comments,
    comparison,
    flags,
    groups,
    import_steps,
    imports,
    jobs,
    leaks,
    manifests,
    projects,
    reviews,
    samples,
    sources,
    training_comparisons,
    versions,
    views,
)

router = APIRouter(prefix="/api/v1")
_MODULES = (
    projects, sources, samples, reviews, comments, agreement, groups, bulk, flags, imports, import_steps, manifests,
    analyses, leaks, jobs, versions, comparison, training_comparisons, views,
)  # fmt: skip
for module in _MODULES:
    router.include_router(module.router)
