"""Where the histories of a project stand: whoever finds the same numbers again would merge to the same outcome."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models.bulk import BulkEvent
from app.db.models.jobs import Job, JobShard
from app.db.models.leaks import LeakPair, LeakVerdictEvent
from app.db.models.projects import ProjectClass, Source
from app.db.models.reviews import ReviewEvent


def last_changes(session: Session, project_id: int) -> str:
    """The newest event of each kind, and how far jobs are: they list, import, find leaks and apply bulk decisions."""
    of_project = Job.project_id == project_id
    newest = (
        select(func.max(ReviewEvent.id)).where(ReviewEvent.project_id == project_id),
        select(func.max(BulkEvent.id)).where(BulkEvent.project_id == project_id),
        select(func.max(LeakVerdictEvent.id))
        .join(LeakPair, LeakPair.id == LeakVerdictEvent.pair_id)
        .where(LeakPair.project_id == project_id),
        select(func.max(Job.id)).where(of_project),
        select(func.max(Job.finished_at)).where(of_project),
        select(func.count())
        .select_from(JobShard)
        .join(Job)
        .where(Job.project_id == project_id, JobShard.state == "done"),
        select(func.sum(JobShard.rows_done)).join(Job).where(Job.project_id == project_id),
        select(func.count()).select_from(ProjectClass).where(ProjectClass.project_id == project_id),
        select(func.max(Source.id)).where(Source.project_id == project_id),
    )
    return " ".join(str(session.scalar(query)) for query in newest)
