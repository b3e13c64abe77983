"""Bulk decisions with their proof, read from the history that a version rests on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from app.deliverables.content import VersionContent
from app.domain.bulk import describe_stratum


@dataclass(frozen=True, slots=True)
class BulkRow:
    """One bulk decision that was applied: for what, on which evidence, by whom, and whether it was taken back."""

    number: int
    stratum: str
    decision: str
    agreeing: int
    decided: int
    low: float
    high: float
    settled: int
    applied_by: str
    taken_back: str | None

    @property
    def share(self) -> float:
        return self.agreeing / self.decided if self.decided else 0.0


def list_bulk(content: VersionContent) -> list[BulkRow]:
    """In the order in which they were applied."""
    settled, revoked = Counter[int](), dict[int, str]()
    for event in content.events:
        if event["event"] == "bulk_samples":
            settled[event["bulk"]] += len(event["image_ids"])
        elif event["event"] == "bulk_revoke":
            revoked[event["bulk"]] = str(event["reason"])
    return [
        BulkRow(
            event["bulk"], describe_stratum(event["filters"], over_bulk=event["over_bulk"]), event["decision"],
            event["agreeing"], event["decided"], event["low"], event["high"], settled[event["bulk"]],
            event["reviewer"], revoked.get(event["bulk"]),
        )
        for event in content.events
        if event["event"] == "bulk_apply"
    ]  # fmt: skip
