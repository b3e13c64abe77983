"""Two projects side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from app.deliverables.comparison import ProjectComparison
from app.domain.errors import InvalidInput, NotFound, NotReady
from app.services import dashboard
from app.services.compare_projects import compare_projects
from app.web.dependencies import ActorDep, ReadingDep, WiringDep
from app.web.render import render

router = APIRouter()


@dataclass(frozen=True)
class ComparisonPage:
    """``problem`` says why there is nothing to show yet."""

    projects: list[str]
    chosen: list[str]
    comparison: ProjectComparison | None
    problem: str | None
    query: str


@router.get("/compare")
def show_comparison(
    request: Request,
    actor: ActorDep,
    session: ReadingDep,
    wiring: WiringDep,
    project: Annotated[list[Annotated[str, Query(max_length=80)]] | None, Query(max_length=6)] = None,
) -> Response:
    chosen = [one for one in project or [] if one]
    found, problem = None, None
    if chosen:
        try:
            found = compare_projects(session, actor, chosen, wiring.settings.folder("versions"))
        except (InvalidInput, NotReady, NotFound) as error:  # shown above the form, to be mended there
            problem = error.message
    slugs = [item.slug for item in dashboard.list_projects(session, actor)]
    query = urlencode([("project", one) for one in chosen])
    return render(request, "pages/comparison.html", ComparisonPage(slugs, chosen, found, problem, query))
