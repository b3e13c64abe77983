"""The cleaning summary for programs: the figures of the summary and the report, as one JSON object."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, TextIO

from app.deliverables.content import VersionContent
from app.deliverables.figures import Figures
from app.deliverables.leak_figures import LeakFigures
from app.domain.checks import SizeChange


def make_summary(content: VersionContent) -> dict[str, Any]:
    """Counts are of samples, but ``flags`` of flags and ``leaks`` of pairs; shares lie in 0..1."""
    figures, leaks = Figures(content), LeakFigures(content)
    return {
        "dataset": content.dataset,
        "version": content.number,
        "digest": content.digest,
        "frozen_at": content.created_at.isoformat(),
        "author": content.author,
        "policies": content.snapshot["policies"],
        "samples": _size(figures.total),
        "splits": [_size(change) for change in content.by_split],
        "classes": [_size(change) for change in content.by_class],
        "flags": dict(content.snapshot["issues"]),
        "flagged": figures.flagged,
        "reviewed": figures.reviewed,
        "outcomes": figures.outcomes,
        "by_issue": figures.by_issue,
        "precision": [{**asdict(row), "share": row.share} for row in figures.precision],
        "rules": figures.rules,
        "tags": dict(figures.tags),
        "conflicts": len(figures.conflicts),
        "leaks": {**leaks.by_verdict, "label_conflicts": leaks.label_conflicts},
        "agreement": content.snapshot["agreement"],
        "reviewers": content.snapshot["reviewers"],
    }


def _size(change: SizeChange) -> dict[str, Any]:
    return {**asdict(change), "after": change.after, "share_removed": change.share_removed}


def write_summary_json(stream: TextIO, content: VersionContent) -> None:
    json.dump(make_summary(content), stream, indent=1, ensure_ascii=False, sort_keys=True)
    stream.write("\n")
