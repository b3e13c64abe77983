"""Queueing the work of writing a version's files: when it is frozen, and again when somebody asks."""

from __future__ import annotations

from app.db.models.jobs import Job
from app.db.models.versions import Version
from app.db.repositories import versions as repository
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.errors import NotAllowed
from app.domain.jobs import JobKind, ShardSpec
from app.services import audit
from app.services.jobs import start_job
from app.services.ports import Doorbell
from app.services.projects import Access
from app.services.write_deliverables import count_deliverables


def start_export(session: Session, doorbell: Doorbell, version: Version, project_name: str, user_id: int) -> Job:
    """Start writing the files of a version, unless that is under way."""
    job, _ = start_job(
        session, doorbell, kind=JobKind.EXPORT, title=f"Write version {version.number} of {project_name}",
        live_key=f"export:{version.id}",
        shards=[ShardSpec(0, "writing files", total=count_deliverables(session, version))],
        params={"version_id": version.id}, project_id=version.project_id, user_id=user_id,
    )  # fmt: skip
    version.job_id = job.id
    return job


def write_again(session: Session, doorbell: Doorbell, access: Access, number: int) -> int:
    """Write a version's files anew from the database, the same bytes; return the job's id.

    Raises:
        NotAllowed: only leads do.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Writing a version's files again needs the role lead.")
    version = repository.get_version(session, access.id, number)
    job = start_export(session, doorbell, version, access.project.name, access.actor.user_id)
    audit.record(session, "version_written_again", user_id=access.actor.user_id, project_id=access.id, version=number)
    return job.id
