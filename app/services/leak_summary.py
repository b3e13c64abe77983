"""A leak run's report and summary, from the database."""

from __future__ import annotations

import io
from collections import Counter

from app.db.models.leaks import LeakRun
from app.db.repositories import leaks as repository
from app.db.repositories import projects as projects_repository
from app.db.session import Session
from app.domain.formats.leaks_report import LeakReportRow, write_leaks_report
from app.domain.formats.leaks_summary import LeaksSummary, write_leaks_summary
from app.domain.leaks import LeakType, MatchMethod, Transform, Verdict
from app.services.leak_runs import params_of
from app.services.projects import Access


def run_report(session: Session, access: Access, run_id: int, *, include_rejected: bool = False) -> tuple[str, str]:
    """(file name, CSV) of one run's candidates with their present verdicts; on request also of those that the check
    of the pixels rejected."""
    run = repository.get_run(session, access.id, run_id)
    stream = io.StringIO(newline="")
    write_leaks_report(stream, report_rows(session, access.id, run.id, include_rejected=include_rejected))
    return f"{access.project.slug}_leaks_report.csv", stream.getvalue()


def run_summary(session: Session, access: Access, run_id: int) -> tuple[str, str]:
    """(file name, text) that tells what one run searched and found."""
    run = repository.get_run(session, access.id, run_id)
    params = params_of(run)
    splits = [params.train_split] if params.scope == "within" else [params.train_split, params.test_split]
    sizes = Counter[str]()
    for (split, _), count in projects_repository.class_sizes(session, access.id).items():
        sizes[split] += count
    summary = LeaksSummary(
        dataset=access.project.slug,
        parameters={**run.params, "code version": run.code_version, "dataset fingerprint": run.dataset_fingerprint},
        images={split: sizes[split] for split in splits},
        problems=run.counts.get("problem_kinds", {}),
        run_id=str(run.number),
        finished_at=run.finished_at.strftime("%Y-%m-%d %H:%M UTC") if run.finished_at else None,
    )
    stream = io.StringIO()
    write_leaks_summary(stream, summary, report_rows(session, access.id, run.id))
    return f"{access.project.slug}_leaks_report_summary.txt", stream.getvalue()


def run_problems(session: Session, access: Access, run_id: int) -> list[tuple[str, str, str]]:
    """(key, code, message) of the images that a run could not read."""
    run: LeakRun = repository.get_run(session, access.id, run_id)
    return [(problem.key, problem.code, problem.message) for problem in repository.list_problems(session, run.id)]


def report_rows(
    session: Session, project_id: int, run_id: int | None = None, *, include_rejected: bool = False
) -> list[LeakReportRow]:
    """The report's rows: of one run, or of all runs together."""
    pairs = repository.all_pairs(session, project_id, run_id, include_rejected=include_rejected)
    ids = [row.pair.id for row in pairs]
    matches = repository.matches_of_pairs(session, ids, run_id, include_rejected=include_rejected)
    return [
        LeakReportRow(
            train_image=row.train.key,
            test_image=row.test.key,
            method=MatchMethod(match.method),
            similarity=match.similarity,
            leak_type=LeakType(match.leak_type),
            hamming_distance=match.hamming_distance,
            score=match.score,
            transform=Transform(match.transform) if match.transform else None,
            train_label=row.train.given_label,
            test_label=row.test.given_label,
            verdict=Verdict(row.pair.verdict),
            train_split=row.train.split,
            test_split=row.test.split,
        )
        for row in pairs
        for match in matches[row.pair.id]
    ]
