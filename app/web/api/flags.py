"""Flags for scripts: page by page, as CSV, and as the tagged manifest that a version frozen now would have."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.deliverables.manifests import spreadsheet_of
from app.services import list_flags as listing
from app.services.list_flags import FlagPage
from app.web.api.samples import SampleFilterDep
from app.web.dependencies import LeadReadAccess, ReadingDep, ViewAccess
from app.web.downloads import download_spooled

router = APIRouter(prefix="/projects/{slug}", tags=["flags"])


@router.get("/flags")
def list_flags(
    access: ViewAccess,
    session: ReadingDep,
    wanted: SampleFilterDep,
    cursor: Annotated[str | None, Query(max_length=4000)] = None,
    limit: Annotated[int, Query(ge=1, le=listing.MOST)] = listing.MOST,
) -> FlagPage:
    """The flags of the next ``limit`` samples, a row each, with what counts for the sample now.

    The filters are those of ``/samples``. Ask again with ``next_cursor`` until it is null.
    """
    return listing.list_flags(session, access, wanted, cursor=cursor, limit=limit)


@router.get("/flags.csv")
def get_flags(access: ViewAccess, session: ReadingDep, wanted: SampleFilterDep) -> Response:
    """The same as CSV, all at once."""
    name = f"{access.project.slug}_flags.csv"
    return download_spooled(name, lambda stream: listing.write_flags(stream, session, access, wanted), "text/csv")


@router.get("/manifest.csv")
def get_manifest(access: LeadReadAccess, session: ReadingDep, spreadsheet: bool = False) -> Response:
    """The tagged manifest as it stands; ``spreadsheet`` asks for the copy of which no cell runs as a formula."""
    name = f"{access.project.slug}_tagged{'.spreadsheet' if spreadsheet else ''}.csv"
    if spreadsheet:
        return download_spooled(
            name, lambda stream: spreadsheet_of(lambda raw: listing.write_manifest(raw, session, access), stream),
            "text/csv",
        )  # fmt: skip
    return download_spooled(name, lambda stream: listing.write_manifest(stream, session, access), "text/csv")
