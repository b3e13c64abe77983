"""Jobs: how far they are, and stopping one."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from app.services import access_jobs
from app.services.jobs import JobView
from app.web.dependencies import ActorDep, ReadingDep, WritingDep

router = APIRouter(prefix="/jobs", tags=["jobs"])


@dataclass(frozen=True)
class JobList:
    items: list[JobView]


@router.get("")
def list_jobs(actor: ActorDep, session: ReadingDep) -> JobList:
    """All jobs; for admins of the server."""
    return JobList(access_jobs.list_jobs(session, actor))


@router.get("/{job_id}")
def get_job(job_id: int, actor: ActorDep, session: ReadingDep) -> JobView:
    return access_jobs.get_job(session, actor, job_id)


@router.post("/{job_id}/cancel")
def cancel(job_id: int, actor: ActorDep, session: WritingDep) -> JobView:
    """Ask a job to stop; it ends within seconds, and what it had finished stays."""
    return access_jobs.cancel_job(session, actor, job_id)
