"""How far reviewers agree."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from app.db.session import Session
from app.services.agreement_page import AgreementPage, make_page
from app.services.projects import Access
from app.web.dependencies import ReadingDep, ReviewReadAccess, Wiring, WiringDep

router = APIRouter(prefix="/projects/{slug}", tags=["reviews"])

Name = Annotated[str, Query(max_length=64, description="a reviewer's user name")]
Issue = Annotated[str, Query(max_length=64, description="an issue type")]


@router.get("/agreement")
def get_agreement(
    access: ReviewReadAccess, session: ReadingDep, wiring: WiringDep, a: Name = "", b: Name = "", issue: Issue = ""
) -> AgreementPage:
    """Kappa by pair, alpha, statistics by reviewer, conflicts; a reviewer sees their own statistics only."""
    return agreement_of(access, session, wiring, a, b, issue)


def agreement_of(
    access: Access, session: Session, wiring: Wiring, a: str = "", b: str = "", issue: str = ""
) -> AgreementPage:
    project_id = access.id
    session.rollback()  # an open reading transaction would keep others from writing while this is measured
    measured = wiring.agreement.measure(wiring.database, project_id)
    return make_page(session, access, measured, (a, b) if a and b else None, issue or None)
