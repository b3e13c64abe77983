"""Bodies of answers to whole groups."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.web.api.schemas import Body, EventId, Name, SampleNumber, SeenSample


class GroupBody(Body):
    """What becomes of a duplicate group. ``samples`` are all that the answer names, as they were looked at."""

    client_event_id: EventId
    group: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    keeper: SampleNumber
    going: list[SampleNumber] = Field(default_factory=list, max_length=1_000)
    staying: list[SampleNumber] = Field(default_factory=list, max_length=1_000)
    samples: list[SeenSample] = Field(min_length=1, max_length=1_000)
    tag: Literal["duplicate_exact", "duplicate_near"] = "duplicate_near"
    keeper_label: Name | None = None
    note: str = Field("", max_length=10_000)


class SeenPair(Body):
    id: SampleNumber
    version: int = Field(ge=0)


class LeakGroupBody(Body):
    """What becomes of a group of leaks: ``pairs`` and ``samples`` are all that it consists of, as they were looked at.

    ``apart`` are no copies of the others. Without a ``keeper``, ``going`` and ``staying`` all pairs are rejected.
    """

    client_event_id: EventId
    keeper: SampleNumber | None = None
    going: list[SampleNumber] = Field(default_factory=list, max_length=1_000)
    staying: list[SampleNumber] = Field(default_factory=list, max_length=1_000)
    apart: list[SampleNumber] = Field(default_factory=list, max_length=1_000)
    pairs: list[SeenPair] = Field(min_length=1, max_length=2_000)
    samples: list[SeenSample] = Field(min_length=1, max_length=1_000)
    tag: Literal["duplicate_exact", "duplicate_near"] = "duplicate_near"
    keeper_label: Name | None = None
    note: str = Field("", max_length=10_000)


class LeakGroupBackBody(Body):
    """``of`` is the ``client_event_id`` of the answer that is taken back."""

    client_event_id: EventId
    of: EventId
    pairs: list[SampleNumber] = Field(min_length=1, max_length=2_000)
