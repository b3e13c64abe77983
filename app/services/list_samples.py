"""The list of flagged and reviewed samples, with filters."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import SampleState
from app.db.repositories import flags as flags_repository
from app.db.repositories import listing as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories.express_cards import FlagFacts
from app.db.repositories.express_list import RowFacts
from app.db.repositories.sample_filter import SampleFilter, SampleOrder, sort_keys
from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.samples import IssueType
from app.domain.taxonomy import STANDARD_TAGS
from app.services.picture_urls import thumb_url
from app.services.projects import Access
from app.services.sample_card import FlagView, flag_view

__all__ = ["SampleFilter", "SampleOrder", "SamplePage", "find_rows", "list_samples", "read_order"]

Found = tuple[Sample, SampleState] | tuple[RowFacts, RowFacts]

PAGE = 60
MOST = 500
"""Samples on one page of the API."""


@dataclass(frozen=True)
class SampleRow:
    """One sample as a line or a tile. ``version`` goes back with an answer, so that nobody's is overwritten unseen."""

    id: int
    key: str
    split: str
    given_label: str
    suggested_label: str | None
    group: str | None
    flags: list[FlagView]
    state: str
    decision: str | None
    new_label: str | None
    how: str | None
    by: list[str]
    version: int
    thumb_url: str
    review_url: str


@dataclass(frozen=True)
class SamplePage:
    """``total`` is None where nobody asked for it: counting 200,000 takes longer than listing 200."""

    rows: list[SampleRow]
    total: int | None
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True)
class FilterOptions:
    issue_types: list[str]
    classes: list[str]
    splits: list[str]
    tags: list[str]
    reviewers: list[str]
    sources: list[str]
    titles: dict[str, str]


def read_order(name: str | None) -> SampleOrder:
    """The order of this name; by confidence where none is named.

    Raises:
        InvalidInput: there is none of this name.
    """
    if not name:
        return SampleOrder.CONFIDENCE
    known = [order.value for order in SampleOrder]
    if name not in known:
        raise InvalidInput(f"Sort by {', '.join(known)}; not {name!r}.")
    return SampleOrder(name)


def list_samples(
    session: Session,
    access: Access,
    wanted: SampleFilter,
    *,
    order: SampleOrder = SampleOrder.CONFIDENCE,
    cursor: str | None = None,
    limit: int = PAGE,
    count: bool = True,
) -> SamplePage:
    """A page of samples. The cursor says next to which sample it starts or ends, so that a page far down costs no more.

    Raises:
        InvalidInput: a cursor of another list.
    """
    place, limit = read_place(cursor, order), min(limit, MOST)
    after, backwards = (place.values, place.backwards) if place else (None, False)
    found = repository.list_samples(
        session, access.id, wanted, order, limit=limit + 1, after=after, backwards=backwards
    )  # fmt: skip
    cut = cut_page(found, place, limit)
    flags = flags_repository.flags_of_samples(session, [sample.id for sample, _ in cut.shown])
    total = repository.count_samples(session, access.id, wanted) if count else None
    return make_page(access, order, cut, flags, total)


@dataclass(frozen=True)
class Place:
    """Next to which sample a page starts, or ends where it goes backwards."""

    values: list[Any]
    backwards: bool


@dataclass(frozen=True)
class Cut:
    """What a page shows of what was found, and whether more comes before or after it."""

    shown: Sequence[Found]
    is_first: bool
    is_last: bool


def cut_page(found: Sequence[Found], place: Place | None, limit: int) -> Cut:
    """Cut a page of ``limit`` from samples of which one more was asked for, to see whether there are more."""
    backwards = place is not None and place.backwards
    has_more = len(found) > limit
    shown = (found[1:] if backwards else found[:limit]) if has_more else found
    return Cut(shown, not has_more, False) if backwards else Cut(shown, place is None, not has_more)


def make_page(
    access: Access, order: SampleOrder, cut: Cut, flags: Mapping[int, Sequence[FlagRow | FlagFacts]], total: int | None
) -> SamplePage:
    return SamplePage(
        [_row(access, sample, state, flags[sample.id]) for sample, state in cut.shown],
        total,
        None if cut.is_last or not cut.shown else make_cursor(order, cut.shown[-1], backwards=False),
        None if cut.is_first or not cut.shown else make_cursor(order, cut.shown[0], backwards=True),
    )


def find_rows(session: Session, access: Access, ids: Sequence[int]) -> list[SampleRow]:
    """These samples as they are now; those that are not in the queue are left out."""
    return _rows(session, access, repository.samples_of(session, access.id, ids[:MOST]))


def make_cursor(order: SampleOrder, row: Found, *, backwards: bool) -> str:
    """A cursor for the page that starts after (or ends before) this row."""
    sample, state = row
    values = [getattr(sample if order is SampleOrder.PATH else state, key.column.key) for key in sort_keys(order)]
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps([order.value, backwards, plain]).encode()).decode()


def read_place(cursor: str | None, order: SampleOrder) -> Place | None:
    """Read a cursor.

    Raises:
        InvalidInput: it is none, or one of another list.
    """
    if not cursor:
        return None
    try:
        of, backwards, values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        plain = [datetime.fromisoformat(value) if place == 0 and order is SampleOrder.NEWEST else value
                 for place, value in enumerate(values)]  # fmt: skip
    except (ValueError, TypeError, binascii.Error) as error:
        raise _no_cursor(cursor) from error
    fits = of == order.value and len(plain) == len(sort_keys(order))
    if not fits or not all(type(value) in (str, int, float, datetime) for value in plain):
        raise _no_cursor(cursor)
    return Place(plain, bool(backwards))


def _no_cursor(cursor: str) -> InvalidInput:
    return InvalidInput(f"{cursor[:60]!r} is no cursor of this list. Start again without one.")


def _rows(session: Session, access: Access, found: Sequence[tuple[Sample, SampleState]]) -> list[SampleRow]:
    flags = flags_repository.flags_of_samples(session, [sample.id for sample, _ in found])
    return [_row(access, sample, state, flags[sample.id]) for sample, state in found]


def _row(
    access: Access, sample: Sample | RowFacts, state: SampleState | RowFacts, flags: Sequence[FlagRow | FlagFacts]
) -> SampleRow:
    return SampleRow(
        sample.id, sample.key, sample.split, sample.given_label,
        next((flag.suggested_label for flag in flags if flag.suggested_label), None), state.cluster or None,
        [flag_view(flag) for flag in flags], state.state, state.decision, state.new_label, state.how, state.by,
        state.version, thumb_url(sample.id), f"/p/{access.project.slug}/review/{sample.id}",
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
        flags_repository.sources(session, access.id),
        projects_repository.class_titles(session, access.id),
    )


def check_sample(session: Session, access: Access, sample_id: int) -> None:
    """Raise NotFound unless the sample belongs to the project."""
    projects_repository.get_sample(session, access.id, sample_id)
