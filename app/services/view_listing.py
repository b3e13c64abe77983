"""What the last reading of a project's folder found and passed over, and reading it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from app.db.repositories import jobs as jobs_repository
from app.db.repositories import listings as repository
from app.db.session import Database, Session
from app.domain.accounts import Role, may
from app.domain.errors import Conflict, NotAllowed
from app.domain.formats.csv_lines import exact_writer
from app.domain.jobs import LIVE, JobKind
from app.domain.samples import PassedOver
from app.services import audit
from app.services.jobs import JobView, view_job
from app.services.ports import Doorbell
from app.services.projects import Access
from app.services.scan_dataset import start_scan

SHOWN = 5
"""Files by name of each reason; the CSV has all."""


@dataclass(frozen=True)
class ReasonView:
    """Files passed over for one reason. ``first`` holds a few of their paths, ``count`` says how many there are."""

    code: str
    reason: str
    count: int
    first: list[str]


@dataclass(frozen=True)
class ListingView:
    """The newest reading of the folder. ``listed_at`` is None until one was finished.

    ``error`` says why a later try did not come to its end; ``job`` is the one under way.
    """

    listed_at: datetime | None
    samples: int
    added: int
    relabelled: int
    passed_over: int
    gone: int
    reasons: list[ReasonView]
    csv_url: str | None
    error: str | None
    job: JobView | None


def view_listing(session: Session, access: Access) -> ListingView:
    """What the newest finished listing passed over, by reason, and how the newest try went."""
    row = repository.find_listing(session, access.id)
    job = jobs_repository.find_newest(session, access.id, JobKind.SCAN.value)
    live = job is not None and job.state in LIVE
    error = (job.error or "It was cancelled.") if job is not None and job.state in ("failed", "cancelled") else None
    counts = row.passed_over if row else {}
    reasons = [
        ReasonView(reason.value, reason.text, counts[reason.value], _first(session, row.id, reason))
        for reason in PassedOver if row and counts.get(reason.value)
    ]  # fmt: skip
    gone = counts.get(PassedOver.GONE.value, 0)
    return ListingView(
        row.finished_at if row else None, row.samples if row else 0, row.added if row else 0,
        row.relabelled if row else 0,
        sum(counts.values()) - gone, gone, reasons,
        f"/p/{access.project.slug}/passed-over.csv" if reasons else None,
        error, view_job(session, job) if job is not None and live else None,
    )  # fmt: skip


def _first(session: Session, listing_id: int, reason: PassedOver) -> list[str]:
    return [_visible(key) for _, key in repository.list_files(session, listing_id, reason.value, limit=SHOWN)]


def _visible(key: str) -> str:
    """With a sign for what has none of its own, like a line break."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in key)


def list_again(session: Session, doorbell: Doorbell, access: Access) -> JobView:
    """Read the folder again, or find the reading that is under way. Nothing that is known gets lost by it.

    Raises:
        NotAllowed: only leads do that.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Listing the folder again needs the role lead.")
    job = start_scan(session, doorbell, access.project, access.actor.user_id)
    audit.record(session, "listing_started", user_id=access.actor.user_id, project_id=access.id, job=job.id)
    return view_job(session, job)


def write_passed_over(database: Database, project_id: int, stream: TextIO) -> int:
    """Write every file that was passed over as CSV (``path,code,reason``), by reason and path; return how many.

    A short reading session a part: a million rows must not keep others from writing.

    Raises:
        Conflict: the folder was listed again meanwhile, so that the rest is gone.
    """
    with database.reading() as session:
        listing = repository.find_listing(session, project_id)
    writer = exact_writer(stream)
    writer.writerow(("path", "code", "reason"))
    if listing is None:
        return 0
    written = 0
    for reason in PassedOver:
        after = 0 if listing.passed_over.get(reason.value) else None
        while after is not None:
            with database.reading() as session:
                files = repository.list_files(session, listing.id, reason.value, after=after)
            writer.writerows((key, reason.value, reason.text) for _, key in files)
            written += len(files)
            after = files[-1][0] if files else None
    if written != sum(listing.passed_over.values()):
        raise Conflict("The folder was listed again while this was written. Download it once more.")
    return written
