"""Bodies that the API takes. Unknown fields are refused, so that a misspelt one is not silently ignored."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.domain.bulk import DEFAULT_WIDTH
from app.domain.detectors import DEFAULT_EPOCHS, Detector
from app.domain.leaks import DEFAULT_METHODS, MIN_SCORE, SMALLEST_CROP
from app.domain.reviews import ReviewInput, ReviewStatus
from app.domain.taxonomy import Decision
from app.domain.tree_walk import GivenAnswer

EventId = Annotated[str, StringConstraints(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]
SampleNumber = Annotated[int, Field(ge=1, le=2**62)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]
MOST = 10_000
"""Samples in one batch."""

Place = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Option = Annotated[str, StringConstraints(max_length=4096)]
SourceWord = Annotated[str, StringConstraints(max_length=20)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AnswerBody(Body):
    node: Word
    answer: Word
    label: Name | None = None


class DecisionBody(Body):
    """A decision by hand, or the answers along the tree from which the server works it out."""

    decision: Decision | None = None
    new_label: Name | None = None
    tags: list[Word] = Field(default_factory=list, max_length=50)
    note: str = Field("", max_length=10_000)

    def as_input(self) -> ReviewInput:
        return ReviewInput(
            ReviewStatus.SUBMITTED, manual=True, decision=self.decision, new_label=self.new_label,
            tags=tuple(self.tags), note=self.note,
        )  # fmt: skip


class ReviewBody(DecisionBody):
    client_event_id: EventId
    base_version: int = Field(ge=0)
    seen_version: int | None = Field(None, ge=0)
    status: Literal["submitted", "skipped"] = "submitted"
    answers: list[AnswerBody] = Field(default_factory=list, max_length=20)
    manual: bool = False
    lead_time_ms: int = Field(0, ge=0)

    def as_input(self) -> ReviewInput:
        return ReviewInput(
            ReviewStatus(self.status),
            tuple(GivenAnswer(a.node, a.answer, a.label) for a in self.answers),
            self.manual,
            self.decision,
            self.new_label,
            tuple(self.tags),
            self.note,
        )


class BatchBody(DecisionBody):
    """One answer for many samples: ``ids`` are keys, as in the manifest's ``image_id``, paths that end like one, or a
    detector's ids; ``sample_ids`` are Winnow's own numbers.

    A lead may name the ``reviewer`` whose answer it is; ``replace_answers`` lets it count over what they answered.
    """

    ids: list[Annotated[str, StringConstraints(min_length=1, max_length=4096)]] = Field(
        default_factory=list, max_length=MOST
    )
    sample_ids: list[SampleNumber] = Field(default_factory=list, max_length=MOST)
    batch_id: EventId
    relabel_to: Literal["suggestion"] | None = None
    reviewer: Word | None = None
    replace_answers: bool = False

    @model_validator(mode="after")
    def check_ids(self) -> Self:
        if not 1 <= len(self.ids) + len(self.sample_ids) <= MOST:
            raise ValueError(f"name between 1 and {MOST:,} samples in ids and sample_ids")
        return self


class SeenSample(Body):
    """A sample by its number, with the version of its state when it was looked at."""

    id: int = Field(ge=1, le=2**62)
    version: int = Field(ge=0)


class SelectionBody(DecisionBody):
    """One answer for the samples that somebody selected on a page."""

    client_event_id: EventId
    samples: list[SeenSample] = Field(min_length=1, max_length=1_000)
    status: Literal["submitted", "skipped"] = "submitted"
    relabel_to: Literal["suggestion"] | None = None

    def as_input(self) -> ReviewInput:
        return replace(super().as_input(), status=ReviewStatus(self.status))


class AdjudicationBody(DecisionBody):
    client_event_id: EventId
    base_version: int = Field(ge=0)


class CommentBody(Body):
    client_event_id: EventId
    text: str = Field(max_length=4_000)


class StepBody(Body):
    client_event_id: EventId


class VerdictBody(Body):
    client_event_id: EventId
    base_version: int = Field(ge=0)
    verdict: Literal["confirmed", "rejected", "open"]


class BulkBody(Body):
    """``filters`` are those of the queue, by name. ``width`` is that of the 95 % interval, from end to end."""

    client_event_id: EventId
    filters: dict[Word, str | int | float | None] = Field(default_factory=dict, max_length=50)
    decision: Decision
    tags: list[Word] = Field(default_factory=list, max_length=50)
    width: float = DEFAULT_WIDTH
    over_bulk: bool = False
    seed: int | None = Field(None, ge=0, lt=2**31)


class ApplyBody(Body):
    """``decided`` and ``agreeing`` are the proof as it was seen; where it has changed since, nothing is applied."""

    client_event_id: EventId
    decided: int | None = Field(None, ge=0)
    agreeing: int | None = Field(None, ge=0)

    @property
    def seen(self) -> tuple[int, int] | None:
        return (self.decided, self.agreeing) if self.decided is not None and self.agreeing is not None else None


class RevokeBody(Body):
    client_event_id: EventId
    reason: str = Field(min_length=1, max_length=2000)


class ProjectBody(Body):
    name: Name
    root: Place
    label_coding: Literal["name", "index"] = "name"
    kind: SourceWord = ""
    options: dict[Word, Option] = Field(default_factory=dict, max_length=20)


class SourceBody(Body):
    """``kind`` is recognised where it is empty; which options there are follows from it."""

    root: Place
    kind: SourceWord = ""
    options: dict[Word, Option] = Field(default_factory=dict, max_length=20)


class MoveBody(Body):
    root: Place
    dry_run: bool = False
    accept_missing: bool = False


class TitlesBody(Body):
    titles: dict[Name, Annotated[str, StringConstraints(max_length=300)]] = Field(max_length=100_000)


class AnalysisBody(Body):
    detectors: list[Word] = Field(
        default_factory=lambda: [detector.value for detector in Detector], min_length=1, max_length=10
    )
    preview: bool = False
    device: Word = "auto"
    batch_size: int = 32
    features: Word = "auto"
    epochs: int = DEFAULT_EPOCHS
    seed: int = 0
    vectors: Option = ""
    probabilities: Option = ""


class ThresholdsBody(Body):
    thresholds: dict[Word, float] = Field(min_length=1, max_length=20)


class PickBody(Body):
    sample_ids: list[SampleNumber] = Field(min_length=1, max_length=200_000)


class LeakRunBody(Body):
    methods: list[Word] = Field(
        default_factory=lambda: [method.value for method in DEFAULT_METHODS], min_length=1, max_length=10
    )
    scope: Literal["across", "within"] = "across"
    train_split: Name = "train"
    test_split: Name = "test"
    phash_threshold: int = 5
    semantic_threshold: float = 0.95
    batch_size: int = 32
    device: Word = "auto"
    min_score: float = MIN_SCORE
    smallest_crop: float = SMALLEST_CROP


class ViewBody(Body):
    """``query`` is what stands behind the ``?`` of a page's address."""

    name: Word
    query: str = Field("", max_length=4000)
    is_shared: bool = False


class ArchiveBody(Body):
    archived: bool = True


class ApplyManifestBody(Body):
    """``digest`` is that of the differences that were looked at."""

    digest: Word
    over_later: bool = False


class VersionBody(Body):
    note: str = Field("", max_length=2000)
    accept: list[Word] = Field(default_factory=list, max_length=50)


class MappingBody(Body):
    """Columns of the file and constants by our field, or the name of a preset."""

    columns: dict[str, str] = Field(default_factory=dict, max_length=20)
    constants: dict[str, str] = Field(default_factory=dict, max_length=20)
    direction: str = Field("", max_length=40)
    percent: bool = False
    preset: str = Field("", max_length=100)
    save_as: str = Field("", max_length=100)


class PresetBody(Body):
    """A mapping under a name."""

    name: str
    columns: dict[str, str] = Field(default_factory=dict, max_length=20)
    constants: dict[str, str] = Field(default_factory=dict, max_length=20)
    direction: str = Field("", max_length=40)
    percent: bool = False


class PreviewBody(Body):
    """How to read an upload; what is left out stays as it was."""

    format: str | None = None
    confidence_in_percent: bool | None = None
    ignore_case: bool | None = None
