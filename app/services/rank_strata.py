"""Strata of flags, ranked by how many of them one more look would settle."""

from __future__ import annotations

from dataclasses import dataclass

from app.db.repositories import bulk_strata as repository
from app.db.repositories.sample_filter import SampleFilter
from app.db.session import Session
from app.domain.bulk import BANDS, DEFAULT_WIDTH, band_of, least_favourable, looks_needed, wilson
from app.services.projects import Access

SHOWN = 40


@dataclass(frozen=True)
class StratumView:
    """Flags of one issue type, source and band of confidence.

    ``answer`` is the one that people gave most often here, ``share`` how often; both are None where nobody looked.
    ``looks`` is how many samples would be drawn, ``per_look`` how many open flags each of them would settle.
    """

    issue_type: str
    source: str
    low: float | None
    high: float | None
    open: int
    decided: int
    answer: str | None
    agreeing: int
    share: float | None
    interval_low: float
    interval_high: float
    looks: int
    per_look: float
    filters: SampleFilter


def rank_strata(session: Session, access: Access, width: float = DEFAULT_WIDTH) -> list[StratumView]:
    """The strata with open flags, the most settled by a look first.

    Flags settled a look = open flags / samples that would be drawn from the stratum so that the interval is no wider
    than ``width``, if the share of agreeing answers were the least favourable that fits what people decided so far.
    """
    lows = [low for low, _ in BANDS]
    counts = repository.count_open(session, access.id, lows)
    decided = repository.count_decided(session, access.id, lows)
    rows = [_view(stratum, count, decided.get(stratum, {}), width) for stratum, count in counts.items()]
    return sorted(rows, key=lambda row: (-row.per_look, row.issue_type, row.source, -(row.low or -1.0)))[:SHOWN]


def _view(stratum: repository.Stratum, count: int, answers: dict[str, int], width: float) -> StratumView:
    issue, source, band = stratum
    low, high = band_of(band) if band is not None else (None, None)
    decided = sum(answers.values())
    proposable = {answer: number for answer, number in sorted(answers.items()) if answer != "other"}
    answer = max(proposable, key=lambda name: proposable[name], default=None)
    agreeing = proposable[answer] if answer else 0
    looks = looks_needed(width, count, least_favourable(agreeing, decided))
    ends = wilson(agreeing, decided)
    shown_high = BANDS[band][1] if band is not None else None
    filters = SampleFilter(issue_type=issue, source=source, min_confidence=low, max_confidence=high)
    return StratumView(
        issue, source, low, shown_high, count, decided, answer, agreeing, agreeing / decided if decided else None,
        *ends, looks, count / looks, filters,
    )  # fmt: skip
