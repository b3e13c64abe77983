"""Jobs: how far they are, and stopping one."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from app.services import access_jobs, view_work
from app.services.jobs import JobView
from app.services.view_work import JobParts, WorkerView
from app.web.dependencies import ActorDep, ReadingDep, WritingDep

router = APIRouter(tags=["jobs"])


@dataclass(frozen=True)
class JobList:
    items: list[JobView]


@dataclass(frozen=True)
class WorkerList:
    items: list[WorkerView]


@router.get("/workers")
def list_workers(actor: ActorDep, session: ReadingDep) -> WorkerList:
    """Workers that had something to do in the last day, and what they have in hand; for admins of the server."""
    return WorkerList(view_work.list_workers(session, actor))


@router.get("/jobs")
def list_jobs(actor: ActorDep, session: ReadingDep) -> JobList:
    """All jobs; for admins of the server."""
    return JobList(access_jobs.list_jobs(session, actor))


@router.get("/jobs/{job_id}")
def get_job(job_id: int, actor: ActorDep, session: ReadingDep) -> JobView:
    return access_jobs.get_job(session, actor, job_id)


@router.get("/jobs/{job_id}/parts")
def get_parts(job_id: int, actor: ActorDep, session: ReadingDep) -> JobParts:
    """A job's stages and the shards that matter most: under way, failed, waiting, then those done last."""
    return view_work.show_parts(session, actor, job_id)


@router.post("/jobs/{job_id}/cancel")
def cancel(job_id: int, actor: ActorDep, session: WritingDep) -> JobView:
    """Ask a job to stop; it ends within seconds, and what it had finished stays."""
    return access_jobs.cancel_job(session, actor, job_id)
