"""The list of flagged and reviewed samples, with filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import SampleState
from app.db.repositories import flags as flags_repository
from app.db.repositories import listing as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories.listing import SampleFilter
from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.samples import IssueType
from app.domain.taxonomy import STANDARD_TAGS
from app.services.picture_urls import thumb_url
from app.services.projects import Access
from app.services.sample_card import FlagView, flag_view

__all__ = ["SampleFilter", "SamplePage", "list_samples"]

PAGE = 60
SORTS = ("confidence", "path", "newest")


@dataclass(frozen=True)
class SampleRow:
    id: int
    key: str
    split: str
    given_label: str
    flags: list[FlagView]
    state: str
    decision: str | None
    new_label: str | None
    how: str | None
    thumb_url: str
    review_url: str


@dataclass(frozen=True)
class SamplePage:
    rows: list[SampleRow]
    total: int
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True)
class FilterOptions:
    issue_types: list[str]
    classes: list[str]
    splits: list[str]
    tags: list[str]
    reviewers: list[str]


def list_samples(
    session: Session, access: Access, wanted: SampleFilter, *, sort: str = "confidence", cursor: str | None = None
) -> SamplePage:
    """A page of samples. The cursor is the position in the list.

    Raises:
        InvalidInput: unknown sort, or a cursor of another list.
    """
    if sort not in SORTS:
        raise InvalidInput(f"Sort by {', '.join(SORTS)}; not {sort!r}.")
    offset = _read_cursor(cursor)
    found = repository.list_samples(session, access.id, wanted, sort, offset, PAGE + 1)
    shown = found[:PAGE]
    flags = flags_repository.flags_of_samples(session, [sample.id for sample, _ in shown])
    return SamplePage(
        [_row(access, sample, state, flags[sample.id]) for sample, state in shown],
        repository.count_samples(session, access.id, wanted),
        str(offset + PAGE) if len(found) > PAGE else None,
        str(max(0, offset - PAGE)) if offset else None,
    )


def _read_cursor(cursor: str | None) -> int:
    if not cursor:
        return 0
    if not cursor.isdigit() or len(cursor) > 9:
        raise InvalidInput(f"{cursor!r} is no cursor of this list.")
    return int(cursor)


def _row(access: Access, sample: Sample, state: SampleState, flags: list[FlagRow]) -> SampleRow:
    return SampleRow(
        sample.id, sample.key, sample.split, sample.given_label, [flag_view(flag) for flag in flags], state.state,
        state.decision, state.new_label, state.how, thumb_url(sample.id),
        f"/p/{access.project.slug}/review/{sample.id}",
    )  # fmt: skip


def filter_options(session: Session, access: Access) -> FilterOptions:
    sizes: Mapping[tuple[str, str], int] = projects_repository.class_sizes(session, access.id)
    members = projects_repository.list_members(session, access.id)
    return FilterOptions(
        [issue.value for issue in IssueType],
        list(projects_repository.class_index(session, access.id)),
        projects_repository.splits(sizes),
        [tag.name for tag in STANDARD_TAGS],
        sorted(user.username or "" for user, _ in members),
    )


def check_sample(session: Session, access: Access, sample_id: int) -> None:
    """Raise NotFound unless the sample belongs to the project."""
    projects_repository.get_sample(session, access.id, sample_id)
