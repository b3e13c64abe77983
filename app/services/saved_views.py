"""Views that people save and share: a filter and an order under a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from urllib.parse import parse_qsl, urlencode

from app.db.models.views import SavedView
from app.db.repositories import views as repository
from app.db.repositories.sample_filter import SampleFilter, SampleOrder
from app.db.session import Session
from app.domain.errors import Conflict, InvalidInput, NotAllowed, NotFound
from app.services.projects import Access

FIELDS = (*(field.name for field in fields(SampleFilter)), "sort")
"""What may stand in a view's query; the rest of an address (a cursor, a selection) is no part of it."""

LONGEST_NAME = 100
MOST = 200
"""Views of one person in one project."""


@dataclass(frozen=True)
class ViewLink:
    """A saved view. ``query`` goes behind the address of the list, the grid or the review page."""

    id: int
    name: str
    query: str
    is_shared: bool
    owner: str
    is_own: bool


def write_query(wanted: SampleFilter, order: SampleOrder) -> str:
    """The address's query of a filter and an order, always in the same words."""
    given = {name: getattr(wanted, name) for name in FIELDS if name != "sort"}
    sort = order.value if order is not SampleOrder.CONFIDENCE else None
    return _as_query({**given, "sort": sort})


def _as_query(values: Mapping[str, object]) -> str:
    return urlencode([(name, str(values[name])) for name in FIELDS if values.get(name) not in (None, "")])


def list_views(session: Session, access: Access) -> list[ViewLink]:
    """One's own views and those that others share, by name."""
    rows = repository.list_views(session, access.id, access.actor.user_id)
    return [_link(access, row, owner) for row, owner in rows]


def _link(access: Access, row: SavedView, owner: str) -> ViewLink:
    return ViewLink(row.id, row.name, row.query, row.is_shared, owner, row.created_by == access.actor.user_id)


def save_view(session: Session, access: Access, *, name: str, query: str, is_shared: bool) -> ViewLink:
    """Save a view; one's own of the same name is replaced.

    Raises:
        InvalidInput: no name, or a query that no page has.
        Conflict: too many views.
    """
    name, me = " ".join(name.split()), access.actor.user_id
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"A view needs a name of at most {LONGEST_NAME} characters.")
    found = repository.find_view(session, access.id, me, name)
    if found is None and repository.count_views(session, access.id, me) >= MOST:
        raise Conflict(f"You have {MOST} views here already. Delete one first.")
    row = found or SavedView(project_id=access.id, created_by=me, name=name)
    row.query, row.is_shared = _clean(query), is_shared
    session.add(row)
    session.flush()  # the answer has its id
    return _link(access, row, access.actor.username)


def _clean(query: str) -> str:
    given = dict(parse_qsl(query.lstrip("?")))
    unknown = sorted(set(given) - set(FIELDS) - {"cursor"})
    if unknown:
        raise InvalidInput(f"A view has no {unknown[0]!r}. It may have: {', '.join(FIELDS)}.")
    cleaned = _as_query(given)
    if len(cleaned) > 2000:
        raise InvalidInput("The view's filters are too long to be saved.")
    return cleaned


def delete_view(session: Session, access: Access, view_id: int) -> None:
    """Delete one's own view; a lead may delete everybody's shared ones.

    Raises:
        NotFound: there is none, or it is somebody's own.
        NotAllowed: it is somebody else's.
    """
    row = repository.get_view(session, access.id, view_id)
    if row is None or (row.created_by != access.actor.user_id and not row.is_shared):
        raise NotFound(f"This project has no view {view_id}.")
    if row.created_by != access.actor.user_id and not access.is_lead:
        raise NotAllowed("Only a lead deletes views of others.")
    session.delete(row)
