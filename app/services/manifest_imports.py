"""Tagged manifests that come back as reviews of one person: kept, looked at, then applied or discarded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.adapters.files import write_atomically
from app.db.base import utc_now
from app.db.models.manifests import ManifestImport
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import manifests as repository
from app.db.repositories import queue as queue_repository
from app.db.session import Session
from app.domain.errors import Conflict, InvalidInput, NotFound
from app.domain.formats.edited_manifest import read_edited_manifest
from app.domain.manifest_differences import Kind
from app.services import audit
from app.services.answer_for import access_for
from app.services.compare_manifest import Comparison, compare_manifest
from app.services.projects import Access
from app.services.submit_many import MOST, GivenAnswer, submit_many


@dataclass(frozen=True)
class ManifestView:
    """``counts`` has rows by what became of them; empty until an import is settled."""

    id: int
    file_name: str
    reviewer: str
    state: str
    counts: dict[str, int]
    created_by: str
    created_at: datetime
    settled_by: str | None
    settled_at: datetime | None
    url: str
    differences_url: str


@dataclass(frozen=True)
class Applied:
    """What an import brought: reviews that are new and that changed, and rows that were left out."""

    new: int
    changed: int
    left_out: int


def keep_manifest(
    session: Session, access: Access, *, folder: Path, file_name: str, data: bytes, reviewer: str | None
) -> ManifestImport:
    """Keep a file to look at; nothing of it counts yet.

    Raises:
        InvalidFile: it is no tagged manifest.
        InvalidInput: the reviewer is none of this project.
    """
    for _ in read_edited_manifest(data):
        pass  # what can't be read at all is said now
    person = access_for(session, access, reviewer)
    digest = hashlib.sha256(data).hexdigest()
    stored = f"{digest}.manifest"
    write_atomically(folder / stored, lambda stream: stream.write(data))
    row = ManifestImport(
        project_id=access.id, reviewer_id=person.actor.user_id, file_name=Path(file_name or "manifest.csv").name[:300],
        stored_name=stored, file_sha256=digest, created_by=access.actor.user_id,
    )  # fmt: skip
    session.add(row)
    session.flush()  # callers use the id
    return row


def list_manifests(session: Session, access: Access) -> list[ManifestView]:
    return [view_manifest(session, access, row) for row in repository.list_manifests(session, access.id)]


def get_manifest(session: Session, access: Access, manifest_id: int) -> ManifestView:
    return view_manifest(session, access, repository.get_manifest(session, access.id, manifest_id))


def view_manifest(session: Session, access: Access, row: ManifestImport) -> ManifestView:
    names = accounts_repository.usernames(session, {row.reviewer_id, row.created_by, row.settled_by or 0})
    base = f"{access.project.slug}/manifests/{row.id}"
    return ManifestView(
        row.id, row.file_name, names.get(row.reviewer_id) or "", row.state, row.counts,
        names.get(row.created_by) or "", row.created_at, names.get(row.settled_by or 0), row.settled_at,
        f"/p/{base}", f"/api/v1/projects/{base}/differences.csv",
    )  # fmt: skip


def compare_kept(session: Session, access: Access, manifest_id: int, folder: Path) -> Comparison:
    """What a kept file says that the project does not, as both stand now."""
    row = repository.get_manifest(session, access.id, manifest_id)
    return compare_manifest(session, access, row.reviewer_id, _read(folder, row))


def _read(folder: Path, row: ManifestImport) -> bytes:
    try:
        return (folder / row.stored_name).read_bytes()
    except OSError as error:
        raise NotFound(
            f"The file of manifest {row.id} is gone from the server ({error.strerror}). Send it again."
        ) from None


def apply_kept(
    session: Session, access: Access, manifest_id: int, folder: Path, *, digest: str, over_later: bool
) -> Applied:
    """Keep the answers that were shown, as the reviewer's; rows that were refused are left out.

    ``digest`` is that of the comparison that was looked at; ``over_later`` lets rows count beside or over answers
    that were given after they were exported.

    Raises:
        Conflict: it was settled already, or would do something else than what was shown.
        InvalidInput: the answers do not go together, or are too many for one step.
    """
    row = repository.get_manifest(session, access.id, manifest_id, lock=True)
    if row.state != "open":
        raise Conflict(f"This manifest was {row.state} already. Send the file again to compare it anew.")
    queue_repository.take_turn(session, access.id)
    comparison = compare_manifest(session, access, row.reviewer_id, _read(folder, row))
    if comparison.digest != digest:
        raise Conflict("The project changed since these differences were shown. Look at them again.")
    name = accounts_repository.usernames(session, {row.reviewer_id}).get(row.reviewer_id)
    person = access_for(session, access, name)
    done = apply_comparison(session, person, comparison, batch_id=f"manifest-{row.id}", over_later=over_later)
    _settle(session, access, row, "applied", comparison, sha256=row.file_sha256, **vars(done))
    return done


def apply_comparison(
    session: Session, person: Access, comparison: Comparison, *, batch_id: str, over_later: bool
) -> Applied:
    """Keep what a comparison found as ``person``'s answers, in one step that can be taken back whole."""
    kinds = (Kind.NEW, Kind.CHANGED, *([Kind.LATER] if over_later else []))
    taken = [difference for difference in comparison.of(*kinds) if difference.given is not None]
    if len(taken) > MOST:
        raise InvalidInput(f"{len(taken):,} answers are too many for one step; split the file below {MOST:,}.")
    answers = []
    for difference in taken:
        sample_id, version = comparison.samples[difference.line]
        if difference.given is not None:
            answers.append(GivenAnswer(sample_id, difference.given, version))
    submit_many(session, person, answers, batch_id=batch_id, whole=True)
    new = sum(difference.kind is Kind.NEW for difference in taken)
    left_out = len(comparison.differences) - comparison.counts[Kind.UNCHANGED] - len(taken)
    return Applied(new, len(taken) - new, left_out)


def discard_kept(session: Session, access: Access, manifest_id: int) -> ManifestView:
    """Put a file away without anything of it counting; doing so again changes nothing.

    Raises:
        Conflict: it was applied.
    """
    row = repository.get_manifest(session, access.id, manifest_id, lock=True)
    if row.state == "applied":
        raise Conflict("This manifest was applied already. Its answers can be taken back by their reviewer.")
    if row.state == "open":
        _settle(session, access, row, "discarded", None)
    return view_manifest(session, access, row)


def _settle(
    session: Session, access: Access, row: ManifestImport, state: str, comparison: Comparison | None, **detail: object
) -> None:
    row.state, row.settled_by, row.settled_at = state, access.actor.user_id, utc_now()
    row.counts = dict(comparison.counts) if comparison else {}
    name = accounts_repository.usernames(session, {row.reviewer_id}).get(row.reviewer_id)
    audit.record(
        session, f"manifest_{state}", user_id=access.actor.user_id, project_id=access.id, file=row.file_name,
        reviewer=name, **detail,
    )  # fmt: skip
