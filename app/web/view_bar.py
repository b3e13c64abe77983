"""What stands above every page with samples: filters, order, saved views, and the same view as list, grid or review."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from app.db.session import Session
from app.services import list_samples, saved_views
from app.services.list_samples import FilterOptions, SampleFilter, SampleOrder
from app.services.projects import Access
from app.services.saved_views import ViewLink

PLACES = ("review", "grid", "samples")


@dataclass(frozen=True)
class ViewBar:
    """``query`` is this view behind any of the pages' addresses; ``filters`` are its fields as texts."""

    here: str
    query: str
    filters: dict[str, str]
    sort: str
    orders: list[str]
    options: FilterOptions
    views: list[ViewLink]
    is_narrowed: bool
    can_review: bool


def make_view_bar(session: Session, access: Access, here: str, wanted: SampleFilter, order: SampleOrder) -> ViewBar:
    filters = {name: "" if value is None else str(value) for name, value in asdict(wanted).items()}
    return ViewBar(
        here, saved_views.write_query(wanted, order), filters, order.value, [known.value for known in SampleOrder],
        list_samples.filter_options(session, access), saved_views.list_views(session, access), any(filters.values()),
        access.can_review,
    )  # fmt: skip
