"""What a plain sample's card is made from, in statements that are written out once."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import bindparam, or_, select, true

from app.db.direct import Direct, Statement
from app.db.models.imports import DuplicateMember, FlagRow
from app.db.models.leaks import LeakPair
from app.db.models.projects import Sample, Source
from app.db.models.reviews import ReviewRow, SampleState
from app.db.models.team import CheckSample, Comment


class FlagFacts(NamedTuple):
    """One flag, with the fields of ``FlagRow`` that cards and answers use."""

    id: int
    sample_id: int
    source: str
    issue_type: str
    raw_issue_type: str
    confidence: float | None
    suggested_label: str | None
    reason: str | None
    group: str | None


FLAG = (
    FlagRow.id, FlagRow.sample_id, FlagRow.source, FlagRow.issue_type, FlagRow.raw_issue_type, FlagRow.confidence,
    FlagRow.suggested_label, FlagRow.reason, FlagRow.group,
)  # fmt: skip
_FLAGS = Statement(
    select(*FLAG)
    .where(FlagRow.sample_id == bindparam("sample_id"))
    .order_by(FlagRow.confidence.desc().nulls_last(), FlagRow.id)
)


def flags_of(direct: Direct, sample_id: int) -> list[FlagFacts]:
    return [FlagFacts(*row) for row in direct.all(_FLAGS, sample_id=sample_id)]


class CardFacts(NamedTuple):
    """A sample with what its card says of its state. ``is_plain`` where nothing else stands on the card."""

    id: int
    key: str
    split: str
    given_label: str
    state: str
    version: int
    root: str
    locator: str | None
    box: list[float] | None
    image_id: str | None
    is_plain: bool


def _any(column: Any) -> Any:
    return select(true()).where(column == Sample.id).correlate(Sample).exists()


_CARD = Statement(
    select(
        Sample.id, Sample.key, Sample.split, Sample.given_label, SampleState.state, SampleState.version,
        Source.root, Sample.locator, Sample.box, Sample.image_id,
        ~or_(
            _any(ReviewRow.sample_id), _any(Comment.sample_id), _any(CheckSample.sample_id),
            _any(DuplicateMember.sample_id), _any(LeakPair.train_sample_id), _any(LeakPair.test_sample_id),
        ),
        *FLAG,
    )
    .join(SampleState, SampleState.sample_id == Sample.id)
    .join(Source, Source.id == Sample.source_id)
    .outerjoin(FlagRow, FlagRow.sample_id == Sample.id)
    .where(Sample.id == bindparam("sample_id"))
    .order_by(FlagRow.confidence.desc().nulls_last(), FlagRow.id)
)  # fmt: skip


def card_of(direct: Direct, sample_id: int) -> tuple[CardFacts, list[FlagFacts]] | None:
    """What a card is made from, with the flags; None where the sample is not in the queue."""
    rows = direct.all(_CARD, sample_id=sample_id)
    if not rows:
        return None
    width = len(CardFacts._fields)
    flags = [FlagFacts(*row[width:]) for row in rows if row[width] is not None]
    return CardFacts(*rows[0][:width]), flags


_of_class = (Sample.project_id == bindparam("project_id")) & (Sample.given_label == bindparam("label"))
_flagged = select(SampleState.sample_id).where(SampleState.sample_id == Sample.id).exists()
_CLEAN = Statement(select(Sample.id).where(_of_class, ~_flagged).order_by(Sample.split.desc(), Sample.id).limit(4))
_FIRST = Statement(select(Sample.id).where(_of_class).order_by(Sample.id).limit(4))


def examples(direct: Direct, project_id: int, label: str) -> list[int]:
    """As ``projects.examples``."""
    for statement in (_CLEAN, _FIRST):
        if rows := direct.all(statement, project_id=project_id, label=label):
            return [row[0] for row in rows]
    return []
