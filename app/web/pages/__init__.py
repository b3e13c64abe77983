"""HTML pages, one module per part of the site; each page's context is a frozen dataclass."""

from __future__ import annotations

from fastapi import APIRouter

from app.web.pages import (
    accounts,
    admin,
    analyses,
    audit,
    bulk,
    comparison,
    finish,
    import_steps,
    imports,
    invitations,
    leaks,
    manifests,
    members,
    oidc,
    patterns,
    projects,
    review,
    samples,
    sign_in,
    sources,
    team,
    training_comparisons,
    versions,
)

router = APIRouter(include_in_schema=False)
for module in (
    sign_in,
    oidc,
    accounts,
    invitations,  # before admin, whose /users/{user_id} takes any word
    admin,
    audit,
    projects,
    sources,
    review,
    samples,
    bulk,
    leaks,
    analyses,
    import_steps,
    imports,
    manifests,
    finish,
    versions,
    members,
    team,
    comparison,
    training_comparisons,
    patterns,
):
    router.include_router(module.router)
