"""The leaks that a version rests on: report and summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from app.deliverables.content import VersionContent
from app.domain.formats.leaks_report import LeakReportRow, write_leaks_report
from app.domain.formats.leaks_summary import LeaksSummary, write_leaks_summary
from app.domain.leaks import LeakType, MatchMethod, Transform, Verdict


def write_leaks(stream: TextIO, content: VersionContent) -> int:
    rows = [report_row_from_json(row) for row in content.snapshot["leak_rows"]]
    write_leaks_report(stream, rows)
    return len(rows)


def report_row_json(row: LeakReportRow) -> dict[str, Any]:
    return {
        "train_image": row.train_image, "test_image": row.test_image, "method": row.method.value,
        "similarity": row.similarity, "leak_type": row.leak_type.value, "hamming_distance": row.hamming_distance,
        "score": row.score, "transform": row.transform.value if row.transform else None,
        "train_label": row.train_label, "test_label": row.test_label,
        "verdict": row.verdict.value if row.verdict else None,
        "train_split": row.train_split, "test_split": row.test_split,
    }  # fmt: skip


def report_row_from_json(raw: Mapping[str, Any]) -> LeakReportRow:
    """Versions that were frozen before candidates were verified have no scores."""
    return LeakReportRow(
        **{
            **raw,
            "method": MatchMethod(raw["method"]),
            "leak_type": LeakType(raw["leak_type"]),
            "transform": Transform(raw["transform"]) if raw.get("transform") else None,
            "verdict": Verdict(raw["verdict"]) if raw["verdict"] else None,
        }
    )


def write_version_leaks_summary(stream: TextIO, content: VersionContent) -> None:
    """The summary over all runs that a version rests on."""
    runs: Sequence[Mapping[str, Any]] = content.snapshot["leak_runs"]
    sizes = Counter[str]()
    for (split, _), count in content.class_sizes.items():
        sizes[split] += count
    problems = Counter[str]()
    for run in runs[-1:]:
        problems.update(run["counts"].get("problem_kinds", {}))
    parameters = {f"run {run['number']}": _params_text(run["params"]) for run in runs} or {"runs": "none"}
    summary = LeaksSummary(content.dataset, parameters, dict(sorted(sizes.items())), dict(problems))
    write_leaks_summary(stream, summary, [report_row_from_json(row) for row in content.snapshot["leak_rows"]])


def _params_text(params: Mapping[str, Any]) -> str:
    shown = {name: " ".join(value) if isinstance(value, list) else value for name, value in params.items()}
    return ", ".join(f"{name} {value}" for name, value in sorted(shown.items()))
