"""Versions of several projects side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.deliverables.comparison import ProjectComparison, write_comparison_csv
from app.deliverables.report.comparison_page import render_comparison
from app.services.compare_projects import MOST, compare_projects
from app.web.dependencies import ActorDep, ReadingDep, WiringDep
from app.web.downloads import download, download_spooled

router = APIRouter(prefix="/comparison", tags=["versions"])

Wanted = Annotated[
    list[Annotated[str, Query(max_length=80)]],
    Query(alias="project", min_length=1, max_length=MOST, description="a project, or project@version; several of them"),
]


@router.get("")
def get_comparison(project: Wanted, actor: ActorDep, session: ReadingDep, wiring: WiringDep) -> ProjectComparison:
    """The same figures of each version: of a project's newest, or of the one that is named."""
    return compare_projects(session, actor, project, wiring.settings.folder("versions"))


@router.get("/table.csv")
def get_table(project: Wanted, actor: ActorDep, session: ReadingDep, wiring: WiringDep) -> Response:
    found = compare_projects(session, actor, project, wiring.settings.folder("versions"))
    return download_spooled("comparison.csv", lambda stream: write_comparison_csv(stream, found), "text/csv")


@router.get("/report.html")
def get_report(project: Wanted, actor: ActorDep, session: ReadingDep, wiring: WiringDep) -> Response:
    """A page of its own, with plots, that needs nothing else."""
    found = compare_projects(session, actor, project, wiring.settings.folder("versions"))
    return download("comparison.html", render_comparison(found), "text/html")
