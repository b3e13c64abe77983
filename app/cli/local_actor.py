"""Commands act as the server's owner: an admin without a session, and work is done in this process."""

from __future__ import annotations

from collections.abc import Callable

from app.db.models.accounts import User
from app.db.session import Database, Session
from app.domain.accounts import Role
from app.domain.errors import WinnowError
from app.services import users
from app.services.jobs import view_job
from app.services.projects import Access, access_project
from app.services.run_shard import job_of
from app.services.sign_in import Actor
from app.settings import Settings

BOTH_QUEUES = ["cpu", "gpu"]


class NoDoorbell:
    """Nobody is rung: the command does the work itself, or a running server's worker finds it."""

    def ring(self, queue: str) -> None:
        return


def ensure_owner(database: Database) -> None:
    """Make sure that there is an admin in whose name commands act; before the first sign-in it has no password."""
    with database.writing() as session:
        if not _admins(session):
            users.add_owner(session)


def _admins(session: Session) -> list[User]:
    """Active admins, those who joined first."""
    admins = [user for user in users.list_users(session) if user.is_admin and user.is_active]
    return sorted(admins, key=lambda user: (user.password_hash is None, user.id))


def owner_access(session: Session, slug: str) -> Access:
    """The project as the person who runs the server: recorded as the first admin's doing."""
    admin = _admins(session)[0]
    actor = Actor(admin.id, admin.username or "owner", admin.display_name, True)
    return access_project(session, actor, slug, Role.ADMIN)


def work_until_done(
    settings: Settings, database: Database, job_id: int, tell: Callable[[str], None] | None = None
) -> None:
    """Do shards in this process until the job has ended.

    Raises:
        WinnowError: the job failed; says why.
    """
    import time

    from workers.jobs import HANDLERS
    from workers.runner import Environment, run_next_shard

    environment = Environment(settings, database)
    while True:
        found = run_next_shard(environment, HANDLERS, BOTH_QUEUES)
        with database.reading() as session:
            job = view_job(session, job_of(session, job_id))
        if tell:
            tell(f"{job.title}: {job.stage}, {job.done:,} of {job.total:,}")
        if job.finished_at is not None:
            break
        if not found:
            time.sleep(0.5)  # a running server's worker has the rest in hand
    if job.state not in ("done", "done_with_errors"):
        raise WinnowError(job.error or f"The job ended as {job.state}.")
