"""Listings of projects' folders, and what each passed over."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.db.models.projects import Listing, PassedOverFile

CHUNK = 10_000


def find_listing(session: Session, project_id: int) -> Listing | None:
    """The newest listing that was finished."""
    query = select(Listing).where(Listing.project_id == project_id, Listing.finished_at.is_not(None))
    return session.scalar(query.order_by(Listing.id.desc()).limit(1))


def add_listing(session: Session, project_id: int) -> Listing:
    listing = Listing(project_id=project_id)
    session.add(listing)
    session.flush()  # the files refer to it
    return listing


def add_files(session: Session, listing_id: int, files: Sequence[tuple[str, str]]) -> None:
    """Add (key, reason) rows."""
    if files:
        rows = [{"listing_id": listing_id, "key": key, "reason": reason} for key, reason in files]
        session.execute(insert(PassedOverFile), rows)


def list_files(
    session: Session, listing_id: int, reason: str, *, after: int = 0, limit: int = CHUNK
) -> list[tuple[int, str]]:
    """(id, key) of the files passed over for this reason, those with ids above ``after``, in order of path."""
    query = (
        select(PassedOverFile.id, PassedOverFile.key)
        .where(PassedOverFile.listing_id == listing_id, PassedOverFile.reason == reason, PassedOverFile.id > after)
        .order_by(PassedOverFile.id)
        .limit(limit)
    )
    return [(id_, key) for id_, key in session.execute(query)]


def delete_older(session: Session, project_id: int, newest: int) -> bool:
    """Delete a part of what listings before ``newest`` left; say whether more is left."""
    older = select(Listing.id).where(Listing.project_id == project_id, Listing.id < newest)
    part = select(PassedOverFile.id).where(PassedOverFile.listing_id.in_(older)).limit(CHUNK)
    gone = session.execute(delete(PassedOverFile).where(PassedOverFile.id.in_(part)))
    if gone.rowcount:  # type: ignore[attr-defined]
        return True
    session.execute(delete(Listing).where(Listing.project_id == project_id, Listing.id < newest))
    return False
