"""Samples: the list, one sample's card, and the review queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.domain.errors import InvalidInput
from app.services import list_samples as listing
from app.services import review_queue
from app.services.list_samples import SampleFilter, SampleOrder, SamplePage, SampleRow
from app.services.review_queue import QueueAnswer
from app.services.sample_card import SampleCard, get_card
from app.web.dependencies import ActorDep, ReadingDep, ReviewAccess, SlugPath, ViewAccess, WiringDep, WritingDep

router = APIRouter(prefix="/projects/{slug}", tags=["samples"])

Text = Annotated[str | None, Query(max_length=300)]
Share = Annotated[str | None, Query(max_length=20, description="a number from 0 to 1; empty for no limit")]
DrawId = Annotated[str | None, Query(max_length=9, pattern=r"^\d*$", description="number of a bulk decision")]
SampleId = Annotated[int, Query(ge=0, le=2**62)]


def read_share(text: str | None, name: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise InvalidInput(f"{name} is a number from 0 to 1, not {text!r}.")
    return value


def sample_filter(
    issue_type: Text = None,
    given_label: Text = None,
    split: Text = None,
    min_confidence: Share = None,
    max_confidence: Share = None,
    source: Text = None,
    suggested_label: Text = None,
    group: Text = None,
    decision: Text = None,
    state: Text = None,
    tag: Text = None,
    reviewer: Text = None,
    leak: Text = None,
    q: Text = None,
    draw: DrawId = None,
    pick: DrawId = None,
) -> SampleFilter:
    """Empty parameters count as not given, because forms send them so."""
    texts = {
        "issue_type": issue_type, "given_label": given_label, "split": split, "source": source,
        "suggested_label": suggested_label, "group": group, "decision": decision, "state": state, "tag": tag,
        "reviewer": reviewer, "leak": leak, "q": q,
    }  # fmt: skip
    low, high = read_share(min_confidence, "min_confidence"), read_share(max_confidence, "max_confidence")
    given = {name: value or None for name, value in texts.items()}
    drawn, picked = (int(text) if text else None for text in (draw, pick))
    return SampleFilter(min_confidence=low, max_confidence=high, draw=drawn, pick=picked, **given)


async def sample_order(sort: Text = None) -> SampleOrder:
    return listing.read_order(sort)


SampleFilterDep = Annotated[SampleFilter, Depends(sample_filter)]
SampleOrderDep = Annotated[SampleOrder, Depends(sample_order)]


def read_ids(text: str, name: str = "exclude") -> list[int]:
    """Read ``1,2,3``."""
    parts = [part for part in text.split(",") if part]
    if not all(part.isdigit() and len(part) < 19 for part in parts):
        raise InvalidInput(f"{name} is a list of sample ids like 1,2,3.")
    return [int(part) for part in parts]


@router.get("/samples")
def list_samples(
    access: ViewAccess,
    session: ReadingDep,
    wanted: SampleFilterDep,
    order: SampleOrderDep,
    cursor: Annotated[str | None, Query(max_length=4000)] = None,
    limit: Annotated[int, Query(ge=1, le=listing.MOST)] = listing.PAGE,
    count: bool = True,
) -> SamplePage:
    """Flagged and reviewed samples, a page at a time. ``count=false`` leaves out the total, which is quicker."""
    return listing.list_samples(session, access, wanted, order=order, cursor=cursor, limit=limit, count=count)


@router.get("/samples/states")
def get_states(
    access: ViewAccess, session: ReadingDep, ids: Annotated[str, Query(max_length=10_000)]
) -> list[SampleRow]:
    """These samples (``ids=1,2,3``, at most 500) as they are now."""
    return listing.find_rows(session, access, read_ids(ids, "ids"))


@router.get("/samples/{sample_id}")
def get_sample(sample_id: int, access: ViewAccess, session: ReadingDep) -> SampleCard:
    return get_card(session, access, sample_id)


@router.get("/queue")
def get_queue(
    slug: SlugPath,
    actor: ActorDep,
    wiring: WiringDep,
    wanted: SampleFilterDep,
    order: SampleOrderDep,
    count: Annotated[int, Query(ge=1, le=50)] = 6,
    exclude: Annotated[str, Query(max_length=2000)] = "",
    counts: bool = True,
) -> QueueAnswer:
    """The next samples for this reviewer, reserved for a while; nobody else gets them.

    ``counts=false`` leaves out how many there are, which is quicker; an answer without samples has the counts anyway.
    """
    lease = timedelta(minutes=wiring.settings.lease_minutes)
    held = read_ids(exclude)
    return review_queue.give_next(
        wiring.database, actor, slug, wanted, count=count, exclude=held, lease=lease, counts=counts, order=order
    )


@router.delete("/queue", status_code=204)
def give_back_queue(access: ReviewAccess, session: WritingDep) -> None:
    """Give back all that this reviewer holds."""
    review_queue.give_back(session, access)
