"""Versions as pages and the API show them, comparing two of them, and putting one away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.db.base import utc_now
from app.db.models.versions import Version
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import jobs as jobs_repository
from app.db.repositories import versions as repository
from app.db.session import Session
from app.deliverables.changes import Change, SampleChange, changed_policies, compare_outcomes, count_changes
from app.domain.accounts import Role, may
from app.domain.errors import InvalidInput, NotAllowed
from app.domain.jobs import LIVE
from app.domain.merge import Policies
from app.services import audit
from app.services.jobs import JobView, view_job
from app.services.projects import Access, policies_from_json


@dataclass(frozen=True)
class FileView:
    name: str
    bytes: int
    rows: int | None
    sha256: str
    url: str


@dataclass(frozen=True)
class VersionView:
    number: int
    created_at: datetime
    created_by: str | None
    note: str
    removed: int
    relabelled: int
    kept: int
    digest: str
    state: str
    error: str | None
    files: list[FileView]
    zip_url: str
    job: JobView | None
    archived_at: datetime | None
    page_url: str


def list_versions(session: Session, access: Access) -> list[VersionView]:
    rows = repository.list_versions(session, access.id)
    names = accounts_repository.usernames(session, {row.created_by for row in rows if row.created_by})
    return [view_version(session, access, row, names) for row in rows]


def view_version(
    session: Session, access: Access, version: Version, names: dict[int, str] | None = None
) -> VersionView:
    if names is None:
        names = accounts_repository.usernames(session, {version.created_by or 0})
    job = jobs_repository.get_job(session, version.job_id) if version.job_id else None
    words = {"queued": "queued", "running": "writing", "done": "done"}
    base = f"/api/v1/projects/{access.project.slug}/versions/{version.number}"
    files = [
        FileView(f.name, f.bytes, f.rows, f.sha256, f"{base}/files/{f.name}")
        for f in repository.list_files(session, version.id)
    ]
    return VersionView(
        version.number, version.created_at, names.get(version.created_by or 0), version.note, version.removed,
        version.relabelled, version.kept, version.digest, words.get(job.state, "failed") if job else "failed",
        job.error if job else None, files, f"{base}/deliverables.zip",
        view_job(session, job) if job and job.state in LIVE else None, version.archived_at,
        f"/p/{access.project.slug}/versions/{version.number}",
    )  # fmt: skip


def get_version(session: Session, access: Access, number: int) -> VersionView:
    return view_version(session, access, repository.get_version(session, access.id, number))


@dataclass(frozen=True)
class VersionDetail:
    """A version with what it was frozen under."""

    version: VersionView
    policies: Policies
    accepted: list[str]
    author: str
    agreement: str
    reviewed: int
    reviewers: dict[str, int]


def view_detail(session: Session, access: Access, number: int) -> VersionDetail:
    version = repository.get_version(session, access.id, number)
    told = version.snapshot
    return VersionDetail(
        view_version(session, access, version), policies_from_json(told["policies"]), told["accepted"],
        told["author"], told["agreement"], told["reviewed"], told["reviewers"],
    )  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Two versions side by side. ``changes`` are those of one page, ``counts`` those of all."""

    earlier: int
    later: int
    counts: dict[Change, int]
    by_person: dict[str, int]
    policies: list[tuple[str, str, str]]
    changes: list[SampleChange]
    sample_ids: dict[str, int]
    total: int
    next_offset: int | None


def compare_versions(
    session: Session,
    access: Access,
    earlier: int,
    later: int,
    *,
    change: Change | None = None,
    offset: int = 0,
    limit: int | None = 100,
) -> Comparison:
    """What changed from one version to another, for which samples, and by whom.

    Raises:
        InvalidInput: both are the same.
    """
    if earlier == later:
        raise InvalidInput(f"Version {later} does not differ from itself. Choose another one to compare it with.")
    before = repository.get_version(session, access.id, earlier)
    after = repository.get_version(session, access.id, later)
    rows = repository.differing_outcomes(session, before.id, after.id)
    ids = {(first or second or {})["key"]: sample_id for sample_id, first, second in rows}
    changes = compare_outcomes((first, second) for _, first, second in rows)
    people: dict[str, int] = {}
    for one in changes:
        for name in one.by or (one.rule or "nobody",):
            people[name] = people.get(name, 0) + 1
    counts = count_changes(changes)
    chosen = [one for one in changes if change in (None, one.change)]
    end = len(chosen) if limit is None else offset + limit
    return Comparison(
        earlier, later, counts, dict(sorted(people.items(), key=lambda item: (-item[1], item[0]))),
        changed_policies(before.snapshot["policies"], after.snapshot["policies"]), chosen[offset:end],
        {one.key: ids[one.key] for one in chosen[offset:end]}, len(chosen), end if end < len(chosen) else None,
    )  # fmt: skip


def archive_version(session: Session, access: Access, number: int, *, archived: bool) -> VersionView:
    """Put a version away, or bring it back. Nothing of it is lost: its files can be fetched as before.

    Raises:
        NotAllowed: only leads do.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Putting a version away, or bringing it back, needs the role lead.")
    version = repository.get_version(session, access.id, number)
    if (version.archived_at is not None) != archived:
        version.archived_at = utc_now() if archived else None
        kind = "version_archived" if archived else "version_brought_back"
        audit.record(session, kind, user_id=access.actor.user_id, project_id=access.id, version=number)
    return view_version(session, access, version)
