"""Jobs as people see them: each only those of projects that they may enter."""

from __future__ import annotations

from app.db.models.jobs import Job
from app.db.repositories import jobs as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.accounts import Role
from app.domain.errors import NotFound
from app.services import jobs
from app.services.jobs import JobView
from app.services.projects import access_project
from app.services.sign_in import Actor
from app.services.users import require_admin


def _access(session: Session, actor: Actor, job_id: int, needed: Role) -> Job:
    job = repository.get_job(session, job_id)
    slug = projects_repository.slug_of(session, job.project_id)
    if slug is None:
        require_admin(actor)
        return job
    try:
        access_project(session, actor, slug, needed)
    except NotFound:
        raise NotFound(f"There is no job {job_id}.") from None
    return job


def list_jobs(session: Session, actor: Actor) -> list[JobView]:
    require_admin(actor)
    return [jobs.view_job(session, job) for job in repository.list_jobs(session)]


def get_job(session: Session, actor: Actor, job_id: int) -> JobView:
    return jobs.view_job(session, _access(session, actor, job_id, Role.VIEWER))


def cancel_job(session: Session, actor: Actor, job_id: int) -> JobView:
    job = _access(session, actor, job_id, Role.LEAD)
    jobs.cancel_job(session, job.id)
    return jobs.view_job(session, job)
