"""The pattern page: what pages are made of, for whoever builds one."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app.web.dependencies import ActorDep
from app.web.render import render

router = APIRouter()

_BARS = {
    "tench": {"remove": 30, "relabel": 20, "conflict": 10, "open": 30, "keep": 10},
    "goldfish": {"remove": 10, "relabel": 5, "conflict": 0, "open": 40, "keep": 25},
}

_WHOLE = {
    "shell": "the frame of this page: rail, bar and content",
    "topbar": "the bar above this page",
    "stage": "the picture on the review page",
    "pair": "two pictures on the pages of leak pairs and conflicts",
}


@dataclass(frozen=True)
class PatternsPage:
    """``bars`` are parts of a hundred; ``whole`` says where a component that spans a page is to be seen."""

    bars: dict[str, dict[str, int]]
    whole: dict[str, str]


@router.get("/patterns")
def show_patterns(request: Request, _: ActorDep) -> Response:
    """For whoever is signed in; there is nothing in it that is not in the source."""
    return render(request, "pages/patterns.html", PatternsPage(_BARS, _WHOLE))
