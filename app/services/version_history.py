"""The history on which a version rests, as the lines of its ``reviews.jsonl``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.db.models.versions import Version
from app.db.repositories import leaks as leaks_repository
from app.db.repositories import merging as merging_repository
from app.db.session import Session
from app.deliverables.content import Outcome
from app.domain.merge import suggestion_of
from app.domain.samples import Flag, IssueType
from app.services.bulk_history import bulk_events

_LINE = 1_000
"""Samples named in one line."""


def read_history(session: Session, version: Version, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Every review, verdict and bulk decision made before the version was frozen, in order.

    Before them stand who needed more reviews than usual and, where the policies let them count, what flags suggested:
    with these lines and the policies the outcome can be worked out again (``app.domain.replay``).
    """
    snapshot = version.snapshot
    return [
        *_needs(outcomes),
        *_suggestions(outcomes, snapshot["policies"].get("suggestion_threshold")),
        *_reviews(session, version.project_id, snapshot["last_review_event"]),
        *_verdicts(session, version.project_id, snapshot["last_verdict_event"]),
        *bulk_events(session, version.project_id, snapshot),
    ]


def _needs(outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    by_count: dict[int, list[str]] = {}
    for outcome in outcomes:
        if "needed" in outcome:
            by_count.setdefault(outcome["needed"], []).append(outcome["key"])
    for reviews, keys in sorted(by_count.items()):
        for start in range(0, len(keys), _LINE):
            yield {"event": "needs", "reviews": reviews, "image_ids": keys[start : start + _LINE]}


def _suggestions(outcomes: Sequence[Outcome], threshold: float | None) -> Iterator[dict[str, Any]]:
    if threshold is None:
        return
    found: dict[str, str] = {}
    for outcome in outcomes:
        label = suggestion_of([_flag(raw) for raw in outcome["flags"]], outcome["given_label"], threshold)
        if label is not None:
            found[outcome["key"]] = label
    keys = list(found)
    for start in range(0, len(keys), _LINE):
        yield {"event": "suggestions", "new_labels": {key: found[key] for key in keys[start : start + _LINE]}}


def _flag(raw: Mapping[str, Any]) -> Flag:
    return Flag(**{**raw, "issue_type": IssueType(raw["issue_type"])})


def _reviews(session: Session, project_id: int, last: int) -> Iterator[dict[str, Any]]:
    for event, name, key in merging_repository.list_events(session, project_id, last):
        yield {
            "event": event.kind, "id": event.id, "at": event.created_at.isoformat(), "reviewer": name,
            "image_id": key, "reverts": event.reverts_event_id, **event.payload,
        }  # fmt: skip


def _verdicts(session: Session, project_id: int, last: int) -> Iterator[dict[str, Any]]:
    for event, name, train, test in leaks_repository.list_verdict_events(session, project_id, last):
        yield {
            "event": "leak_verdict", "id": event.id, "at": event.created_at.isoformat(), "reviewer": name,
            "train_image": train.key, "test_image": test.key, "train_split": train.split, "test_split": test.split,
            "verdict": event.verdict,
        }  # fmt: skip
