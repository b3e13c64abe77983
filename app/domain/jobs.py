"""Jobs: long work cut into shards, and how far along it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LIVE = ("queued", "running")
MAX_ATTEMPTS = 3
"""A shard whose worker died this many times is given up."""


class JobKind(StrEnum):
    SCAN = "scan"
    IMPORT = "import"
    LEAKS = "leaks"
    EXPORT = "export"
    BULK = "bulk"
    ANALYSE = "analyse"
    RANK = "rank"
    COMPARE = "compare"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DONE_WITH_ERRORS = "done_with_errors"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ShardSpec:
    """A part of a job. Shards of a later stage wait for all of the earlier ones. ``total`` is in rows or images."""

    stage: int
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    total: int = 1
    queue: str = "cpu"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. ``rate`` is in rows a second, ``seconds_left`` an estimate for the stages left."""

    stage: str
    done: int
    total: int
    rate: float | None
    seconds_left: float | None
    problems: int


def estimate(stage: str, done: int, total: int, busy_seconds: float, problems: int) -> Progress:
    """Work out rate and time left from the rows done in the seconds that the job has run."""
    rate = done / busy_seconds if done and busy_seconds > 0.5 else None
    left = max(0, total - done) / rate if rate else None
    return Progress(stage, done, total, rate, left, problems)
