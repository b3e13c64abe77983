"""Thresholds of quality set by hand: an analysis judged anew from what it measured, without reading an image again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from app.db.models.jobs import Job
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.detectors import Detector
from app.domain.errors import Conflict, InvalidInput, NotAllowed
from app.domain.jobs import JobKind, ShardSpec
from app.services import audit
from app.services.analyses import COLLECT, JUDGE, READ, AnalysisParams, get_analysis
from app.services.jobs import start_job
from app.services.ports import Doorbell
from app.services.projects import Access
from app.services.run_shard import stage_results


def set_thresholds(
    session: Session, doorbell: Doorbell, access: Access, analysis_id: int, thresholds: Mapping[str, float],
    results: Path,
) -> tuple[Job, bool]:  # fmt: skip
    """Queue an analysis that flags by other thresholds what ``analysis_id`` measured.

    Flags of these issues that the new thresholds do not bear out go, except on images that somebody answered on.

    Raises:
        Conflict: what was measured is not there (any more).
        InvalidInput: a threshold is none, or for no score of that analysis.
        NotAllowed: only leads set thresholds.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Setting thresholds needs the role lead.")
    found = get_analysis(session, access, analysis_id, results)
    known = {one["issue"] for one in found.summary.get("distributions", []) if one["is_quality"]}
    if strange := sorted(set(thresholds) - known):
        raise InvalidInput(
            f"Analysis {analysis_id} has no score for {', '.join(strange)}. It has {', '.join(sorted(known))}."
        )
    if not thresholds or not all(math.isfinite(value) for value in thresholds.values()):
        raise InvalidInput("Name at least one score and its threshold, a number.")
    base = _measured_by(session, analysis_id, found.base)
    if not all((results / path).is_file() for _, path in stage_results(session, base, READ)):
        raise Conflict("What this analysis measured was cleared away. Start an analysis again.")
    # What was set before goes on to hold.
    params = AnalysisParams((Detector.QUALITY.value,), thresholds={**found.thresholds, **thresholds}, base=base)
    raw = {**asdict(params), "detectors": [Detector.QUALITY.value], "notices": []}
    told = ", ".join(f"{issue.replace('_', ' ')} {value:.3g}" for issue, value in sorted(thresholds.items()))
    job, is_new = start_job(
        session, doorbell, kind=JobKind.ANALYSE, title=f"Set thresholds in {access.project.name}: {told}",
        live_key=f"analyse:{access.id}:thresholds", params=raw,
        shards=[ShardSpec(JUDGE, "judging images"), ShardSpec(COLLECT, "applying flags")],
        project_id=access.id, user_id=access.actor.user_id,
    )  # fmt: skip
    if not is_new and job.params["thresholds"] != params.thresholds:
        raise Conflict("Other thresholds are being applied at this moment. Try again when they are.")
    if is_new:
        audit.record(
            session, "thresholds_set", user_id=access.actor.user_id, project_id=access.id, thresholds=dict(thresholds)
        )
    return job, is_new


def value_at(session: Session, access: Access, analysis_id: int, issue: str, step: int, results: Path) -> float:
    """The threshold at a step of an issue's histogram (``Distribution.above``).

    Raises:
        InvalidInput: the analysis has no such score, or the score no such step.
    """
    shown = get_analysis(session, access, analysis_id, results).summary.get("distributions", [])
    one = next((one for one in shown if one["issue"] == issue), None)
    steps = len(one.get("above", ())) - 1 if one else 0
    if one is None or not 0 <= step <= steps or not steps:
        raise InvalidInput(f"Analysis {analysis_id} has no score {issue!r} with a step {step}.")
    return float(one["low"] + (one["high"] - one["low"]) * step / steps)


def _measured_by(session: Session, analysis_id: int, base: int | None) -> int:
    """The analysis that read the images: this one, or that whose thresholds it set."""
    measured = base or analysis_id
    if not stage_results(session, measured, READ):
        raise Conflict(f"Analysis {analysis_id} measured nothing: it was cancelled, or is still at it.")
    return measured
