"""A merged sample with its flags and what its reviewers told: what a version freezes, a manifest is written from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from app.domain.merge import MergedSample
from app.domain.samples import Flag
from app.services.finish import Merged


@dataclass
class Told:
    """Who answered on a sample, their notes with their names, and when the last of them did (ISO 8601)."""

    reviewers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    at: str = ""


_NOTHING = Told()
_NO_PATHS: Mapping[int, str] = MappingProxyType({})


def told_by_sample(rows: Iterable[tuple[Any, str]]) -> dict[int, Told]:
    """Gather submitted reviews with their reviewers' names by sample."""
    found: dict[int, Told] = {}
    for row, name in rows:
        told = found.setdefault(row.sample_id, Told())
        told.reviewers = sorted({*told.reviewers, name})
        if row.note:
            told.notes.append(f"{name}: {row.note}")
        told.at = max(told.at, row.updated_at.isoformat(timespec="seconds"))
    return found


def outcome_of(
    sample: MergedSample, merged: Merged, told: Mapping[int, Told], paths: Mapping[int, str] = _NO_PATHS
) -> dict[str, Any]:
    """The fields of ``app.deliverables.content.Outcome``. ``paths`` are those of files that keys don't name."""
    more: dict[str, Any] = {"needed": merged.needed[sample.key]} if sample.key in merged.needed else {}
    sample_id = merged.sample_ids[sample.key]
    people, path = told.get(sample_id, _NOTHING), paths.get(sample_id, sample.key)
    if path != sample.key:
        more["path"] = path
    return {
        "key": sample.key, "split": sample.split, "given_label": sample.given_label, "state": sample.state.value,
        "decision": sample.decision.value if sample.decision else None, "new_label": sample.new_label,
        "tags": list(sample.tags), "how": sample.how.value if sample.how else None, "by": list(sample.by),
        "rule": sample.rule.value if sample.rule else None, "explanation": sample.explanation,
        "conflicts": list(sample.conflicts), "flags": [_flag(flag) for flag in merged.flags[sample.key]],
        "reviewers": people.reviewers, "reviewed_at": people.at, "notes": people.notes, **more,
    }  # fmt: skip


def _flag(flag: Flag) -> dict[str, Any]:
    # Written out, because dataclasses.asdict takes most of a freeze's time at 200,000 flags.
    return {
        "issue_type": flag.issue_type, "raw_issue_type": flag.raw_issue_type, "confidence": flag.confidence,
        "suggested_label": flag.suggested_label, "reason": flag.reason, "group": flag.group,
    }  # fmt: skip
