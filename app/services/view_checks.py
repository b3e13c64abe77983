"""The samples that a check names, to be worked off before a version is frozen."""

from __future__ import annotations

from dataclasses import dataclass

from app.db.repositories import projects as repository
from app.db.session import Session
from app.domain.checks import Check
from app.domain.consensus import describe
from app.domain.errors import NotFound
from app.domain.merge import MergedSample
from app.services.finish import merge_project
from app.services.picture_urls import thumb_url
from app.services.projects import Access

SHOWN = 100


@dataclass(frozen=True)
class CheckedSample:
    """``outcome`` and ``why`` are those of the merge as it stands; empty where it knows nothing of the sample."""

    sample_id: int
    key: str
    given_label: str
    outcome: str
    why: str
    thumb_url: str


@dataclass(frozen=True)
class CheckDetail:
    code: str
    title: str
    text: str
    blocking: bool
    count: int
    samples: list[CheckedSample]
    offset: int
    next_offset: int | None


def view_check(session: Session, access: Access, code: str, offset: int = 0) -> CheckDetail:
    """One check with a page of its samples.

    Raises:
        NotFound: the check finds nothing now, or there is no such check.
    """
    merged = merge_project(session, access.project, settled_only=True)
    check: Check | None = next((one for one in merged.checks if one.code == code), None)
    if check is None:
        raise NotFound("This check finds nothing any more. See the finish page for what is left.")
    keys = check.keys[offset : offset + SHOWN]
    ids = repository.sample_ids_by_key(session, access.id, list(keys))
    outcomes = {sample.key: sample for sample in merged.samples if sample.key in ids}
    rows = [_sample(ids[key], key, outcomes.get(key)) for key in keys if key in ids]
    end = offset + SHOWN
    return CheckDetail(
        check.code, check.title, check.text, check.blocking, check.count, rows, offset,
        end if end < len(check.keys) else None,
    )  # fmt: skip


def _sample(sample_id: int, key: str, merged: MergedSample | None) -> CheckedSample:
    if merged is None:
        return CheckedSample(sample_id, key, "", "", "", thumb_url(sample_id))
    outcome = describe(merged.decision, merged.new_label) if merged.decision else merged.state.value
    return CheckedSample(sample_id, key, merged.given_label, outcome, merged.explanation, thumb_url(sample_id))
