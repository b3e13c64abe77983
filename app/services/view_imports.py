"""Imports as pages and the API show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.models.imports import Import
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import flags as repository
from app.db.repositories import jobs as jobs_repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.formats.flagged.column_mapping import from_json
from app.domain.formats.flagged.mapped import NAME as MAPPED
from app.domain.formats.flagged.mapped import TITLE
from app.domain.formats.flagged.recognise import FORMATS, find_format
from app.services.jobs import JobView, view_job
from app.services.projects import Access


@dataclass(frozen=True)
class ImportView:
    """An upload. ``state``: ``unmapped``, ``queued``, ``running``, ``previewed``, ``done``, ``failed``, ``discarded``.

    The counts of a ``previewed`` one say what it would do.
    """

    id: int
    file_name: str
    source: str
    format: str
    format_title: str
    scores_read: str
    created_at: datetime
    created_by: str | None
    state: str
    error: str | None
    rows_total: int
    rows_accepted: int
    rows_rejected: int
    flags_new: int
    flags_updated: int
    flags_unchanged: int
    warnings: list[str]
    rejects_url: str
    url: str
    job: JobView | None
    mapping: dict[str, Any] | None = None
    ignore_case: bool = False
    confidence_in_percent: bool = False
    has_preview: bool = False


@dataclass(frozen=True)
class RejectView:
    line: int
    code: str
    reason: str
    raw: str


@dataclass(frozen=True)
class UnknownLabel:
    label: str
    count: int


@dataclass(frozen=True)
class FormatView:
    name: str
    title: str


def list_formats() -> list[FormatView]:
    """The formats that an upload may be, for choosing one by hand."""
    return [FormatView(found.name, found.title) for found in FORMATS.values()]


def list_imports(session: Session, access: Access) -> list[ImportView]:
    return [view_import(session, access, row) for row in repository.list_imports(session, access.id)]


def get_import(session: Session, access: Access, import_id: int) -> ImportView:
    return view_import(session, access, repository.get_import(session, access.id, import_id))


def list_rejects(session: Session, access: Access, import_id: int, limit: int | None) -> list[RejectView]:
    repository.get_import(session, access.id, import_id)
    rows = repository.list_rejects(session, import_id, limit)
    return [RejectView(row.line, row.code, row.reason, row.raw) for row in rows]


def unknown_labels(session: Session, access: Access) -> list[UnknownLabel]:
    """Suggested labels that are no class of the project yet."""
    classes = projects_repository.class_index(session, access.id)
    return [UnknownLabel(*pair) for pair in repository.unknown_suggestions(session, access.id, classes)]


def view_import(session: Session, access: Access, row: Import) -> ImportView:
    job = view_job(session, jobs_repository.get_job(session, row.job_id)) if row.job_id else None
    state, error = row.state, row.error
    if job is not None and state not in ("done", "discarded"):
        # A preview stands where applying it failed or was cancelled: nothing was changed.
        ended = "failed" if state == "queued" else state
        state = {"queued": "queued", "running": "running"}.get(job.state, ended)
        error = error or job.error or ("It was cancelled." if job.state == "cancelled" else None)
    base = f"{access.project.slug}/imports/{row.id}"
    names = accounts_repository.usernames(session, {row.created_by or 0})
    mapping = from_json(row.mapping) if row.mapping else None
    if row.format == MAPPED:
        title, scores = TITLE, mapping.scores if mapping else "Its columns are not mapped yet."
    else:
        title, scores = find_format(row.format).title, find_format(row.format).scores
    return ImportView(
        row.id, row.file_name, row.source, row.format, title, scores,
        row.created_at, names.get(row.created_by or 0), state, error,
        row.rows_total, row.rows_accepted, row.rows_rejected, row.flags_new, row.flags_updated, row.flags_unchanged,
        row.warnings, f"/api/v1/projects/{base}/rejects.csv", f"/p/{base}",
        job if job is not None and job.finished_at is None else None,
        row.mapping, row.ignore_case, row.confidence_in_percent, row.preview is not None,
    )  # fmt: skip
