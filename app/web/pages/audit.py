"""The audit log: a page with filters for admins of the server, and the same as a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from app.services import view_audit
from app.services.users import require_admin
from app.services.view_audit import AuditPage
from app.web.dependencies import ActorDep, ReadingDep
from app.web.downloads import download_spooled
from app.web.render import render

router = APIRouter()

Text = Annotated[str, Query(max_length=200)]
Number = Annotated[int | None, Query(ge=0, le=2**63 - 1)]


@dataclass(frozen=True)
class Asked:
    """The filters as they were given, for the form that shows them again."""

    user: str
    action: str
    project: str
    since: str
    until: str


@dataclass(frozen=True)
class AuditLogPage:
    asked: Asked
    log: AuditPage
    older_url: str | None
    newer_url: str | None
    csv_url: str


def get_asked(
    user: Text = "",
    action: Text = "",
    project: Text = "",
    since: Annotated[str, Query(alias="from", max_length=10)] = "",
    until: Annotated[str, Query(alias="to", max_length=10)] = "",
) -> Asked:
    return Asked(user, action, project, since, until)


AskedDep = Annotated[Asked, Depends(get_asked)]


@router.get("/audit")
def show_audit(
    request: Request,
    actor: ActorDep,
    session: ReadingDep,
    asked: AskedDep,
    before: Number = None,
    after: Number = None,
) -> Response:
    require_admin(actor)
    wanted = view_audit.read_filter(**vars(asked))
    log = view_audit.list_entries(session, actor, wanted, before=before, after=after)
    query = _query(asked)

    def url(name: str, number: int | None) -> str | None:
        return None if number is None else f"/audit?{query}{'&' if query else ''}{name}={number}"

    page = AuditLogPage(asked, log, url("before", log.older), url("after", log.newer), f"/audit.csv?{query}")
    return render(request, "pages/audit.html", page)


@router.get("/audit.csv")
def get_audit(actor: ActorDep, session: ReadingDep, asked: AskedDep) -> Response:
    require_admin(actor)
    write = partial(view_audit.write_entries, session, actor, view_audit.read_filter(**vars(asked)))
    return download_spooled("audit.csv", write, "text/csv")


def _query(asked: Asked) -> str:
    names = {"since": "from", "until": "to"}
    return urlencode({names.get(name, name): value for name, value in vars(asked).items() if value})
