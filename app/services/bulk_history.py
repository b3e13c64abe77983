"""Bulk decisions as a version tells of them: a line each in its summary, their whole history in ``reviews.jsonl``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.db.models.bulk import BulkEvent
from app.db.repositories import bulk as repository
from app.db.session import Session
from app.domain.bulk import describe_stratum

_LINE = 1_000
"""Samples named in one line of the history."""


def bulk_summaries(session: Session, project_id: int) -> list[str]:
    """One line for each bulk decision that was applied, in that order."""
    rows = {bulk.id: bulk for bulk in repository.list_bulk(session, project_id)}
    revoked = {
        event.bulk_id: event for event, _ in repository.list_events(session, project_id) if event.kind == "revoke"
    }
    return [
        _summary(event, name, rows[event.bulk_id].settled, revoked.get(event.bulk_id))
        for event, name in repository.list_events(session, project_id)
        if event.kind == "apply"
    ]


def _summary(event: BulkEvent, name: str, settled: int, revoked: BulkEvent | None) -> str:
    told = event.payload
    where = describe_stratum(told["filters"], over_bulk=told["over_bulk"])
    ending = f"; taken back: {revoked.payload['reason']}" if revoked else ""
    return (
        f"{event.bulk_id}: {told['decision']}, {where}: {settled:,} samples, applied by {name}; "
        f"{told['agreeing']:,} of {told['decided']:,} drawn samples agreed "
        f"(95 % interval {told['low']:.1%} to {told['high']:.1%}){ending}"
    )


def bulk_events(session: Session, project_id: int, snapshot: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each step with its evidence, and after an application which samples it settled, as of a version's snapshot."""
    last_event, last_sample = snapshot.get("last_bulk_event", 0), snapshot.get("last_bulk_sample", 0)
    lines: list[dict[str, Any]] = []
    for event, name in repository.list_events(session, project_id):
        if event.id > last_event:
            break
        lines.append(
            {
                "event": f"bulk_{event.kind}", "id": event.id, "at": event.created_at.isoformat(), "reviewer": name,
                "bulk": event.bulk_id, **event.payload,
            }
        )  # fmt: skip
        if event.kind == "apply":
            lines += _samples(session, event.bulk_id, last_sample)
    return lines


def _samples(session: Session, bulk_id: int, last_sample: int) -> list[dict[str, Any]]:
    """``new_labels`` is by image id; it is empty where the decision relabels nothing."""
    settled = repository.settled_by(session, bulk_id, last_sample)
    return [
        {
            "event": "bulk_samples", "bulk": bulk_id, "image_ids": [key for key, _ in part],
            "new_labels": {key: label for key, label in part if label is not None},
        }
        for part in (settled[start : start + _LINE] for start in range(0, len(settled), _LINE))
    ]  # fmt: skip
