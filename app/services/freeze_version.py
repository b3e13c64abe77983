"""Freezing a version: the merge as it stands becomes immutable, and a worker writes its files."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app import __version__
from app.adapters.memory import many_objects
from app.db.base import utc_now
from app.db.models.versions import Version
from app.db.repositories import bulk as bulk_repository
from app.db.repositories import flags as flags_repository
from app.db.repositories import leaks as leaks_repository
from app.db.repositories import merging as merging_repository
from app.db.repositories import sources as sources_repository
from app.db.repositories import versions as repository
from app.db.session import Database, Session
from app.deliverables.leaks import report_row_json
from app.domain.accounts import Role
from app.domain.agreement import Agreement, measure_agreement
from app.domain.checks import REPEATED_IDS
from app.domain.errors import Conflict, NotReady, WinnowError
from app.services import audit
from app.services.bulk_history import bulk_summaries
from app.services.finish import Merged, merge_project
from app.services.leak_summary import report_rows
from app.services.merged_outcomes import Told, outcome_of, told_by_sample
from app.services.ports import Doorbell
from app.services.projects import Access, access_project, policies_as_json
from app.services.sign_in import Actor
from app.services.start_export import start_export

_PART = 5_000
"""Samples written at a time: about a tenth of a second, for which a reviewer's decision may have to wait."""

_GIVEN_UP_AFTER = timedelta(minutes=5)
"""A version that was begun so long ago and is not frozen was cut off."""


@dataclass(frozen=True)
class _Content:
    """What a version is made of, worked out from one moment of the database."""

    version: Version
    sample_ids: Sequence[int]
    outcomes: Sequence[dict[str, Any]]
    project_name: str


def freeze_version(
    database: Database, doorbell: Doorbell, actor: Actor, slug: str, *, note: str, accept: Collection[str]
) -> Version:
    """Freeze the project's outcome, as it is at one moment, as the next version and queue its files.

    Others go on meanwhile: it reads what does not change any more and writes in short transactions, of which the last
    one makes it count (docs/decisions/0012).

    Raises:
        NotAllowed: only leads freeze.
        NotReady: a check found what must be mended, or what was not accepted by its code.
        Conflict: somebody else is freezing a version of this project.
    """
    with many_objects(), database.moment() as session:
        access = access_project(session, actor, slug, Role.LEAD)
        content = _work_out(session, access, note, accept)
    version = content.version
    with database.writing() as session:
        repository.add_version(session, version, patience=_GIVEN_UP_AFTER)
    try:
        _add_samples(database, content)
        with database.writing() as session:
            frozen = _held(session, version)
            _make_it_count(session, doorbell, actor, frozen, content.project_name)
    except BaseException:
        with suppress(WinnowError), database.writing() as session:  # else it is given up for cut off later
            # Not ``frozen``: what belongs to a transaction that was rolled back can't be asked what it is any more.
            repository.delete_unfrozen(session, version)
        raise
    return frozen


def _work_out(session: Session, access: Access, note: str, accept: Collection[str]) -> _Content:
    now = utc_now()
    merged = merge_project(session, access.project)
    open_checks = [c for c in merged.checks if c.blocking or c.code not in accept]
    if open_checks:
        listed = "; ".join(f"{check.title}: {check.count:,}" for check in open_checks)
        raise NotReady(f"Not frozen yet. {listed}.", checks=[check.code for check in open_checks])
    people = _people(session, access.id)
    snapshot = _snapshot(session, access, merged, sorted({c.code for c in merged.checks}), people)
    ids = [merged.sample_ids[m.key] for m in merged.samples]
    paths = sources_repository.paths_of_samples(session, ids) if snapshot.get("bare_splits") else {}
    rows = [outcome_of(m, merged, people.told, paths) for m in merged.samples]
    digest = _digest(snapshot, rows)
    removed, relabelled = len(merged.removed), len(merged.relabelled)
    total = sum(merged.class_sizes.values())
    version = Version(
        project_id=access.id, note=note.strip()[:2000], digest=digest, removed=removed, relabelled=relabelled,
        kept=total - removed - relabelled, snapshot=snapshot, created_by=access.actor.user_id, created_at=now,
    )  # fmt: skip
    return _Content(version, ids, rows, access.project.name)


def _digest(snapshot: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """SHA-256 of the JSON of ``[snapshot, rows]``, row by row: one call for all would stop every thread for seconds."""
    encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
    digest = hashlib.sha256(f"[{encode(snapshot)}, [".encode())
    for number, row in enumerate(rows):
        digest.update((", " * bool(number) + encode(row)).encode())
    digest.update(b"]]")
    return digest.hexdigest()


def _add_samples(database: Database, content: _Content) -> None:
    version = content.version
    rows = [
        {"version_id": version.id, "sample_id": sample_id, "outcome": outcome}
        for sample_id, outcome in zip(content.sample_ids, content.outcomes, strict=True)
    ]
    for start in range(0, len(rows), _PART):
        with database.writing() as session:
            _held(session, version)
            repository.add_samples(session, rows[start : start + _PART])
        database.let_others_write()


def _held(session: Session, version: Version) -> Version:
    held = repository.find_unfrozen(session, version)
    if held is None:
        raise Conflict("Freezing took so long that somebody else's version came before. Freeze again.")
    return held


def _make_it_count(session: Session, doorbell: Doorbell, actor: Actor, version: Version, project_name: str) -> None:
    start_export(session, doorbell, version, project_name, actor.user_id)
    audit.record(
        session, "version_frozen", user_id=actor.user_id, project_id=version.project_id,
        version=version.number, digest=version.digest,
    )  # fmt: skip


@dataclass(frozen=True)
class _People:
    counts: dict[str, int]
    agreement: Agreement
    reviewed: int
    told: dict[int, Told]


def _people(session: Session, project_id: int) -> _People:
    """Who reviewed what: counts per person, agreement, and notes and times by sample."""
    rows = merging_repository.list_submitted(session, project_id)
    counts = Counter(name for row, name in rows if not row.is_adjudication)
    answers = [(row.sample_id, name, row.decision or "discuss") for row, name in rows if not row.is_adjudication]
    told = told_by_sample(rows)
    return _People(dict(sorted(counts.items())), measure_agreement(answers), len(told), told)


def _snapshot(session: Session, access: Access, merged: Merged, accepted: list[str], people: _People) -> dict[str, Any]:
    last_bulk_event, last_bulk_sample = bulk_repository.last_ids(session, access.id)
    return {
        "dataset": access.project.slug,
        "winnow": __version__,
        "label_coding": access.project.label_coding,
        "author": access.actor.username,
        "policies": policies_as_json(merged.policies),
        "class_sizes": [[split, label, n] for (split, label), n in sorted(merged.class_sizes.items())],
        **_ids(session, access.id, merged),
        "classes": [[name, index] for name, index in sorted(merged.classes.items(), key=lambda item: item[1])],
        "issues": dict(sorted(flags_repository.count_by_issue(session, access.id).items())),
        "reviewers": people.counts,
        "reviewed": people.reviewed,
        "agreement": people.agreement.text,
        "agreement_figures": _agreement_figures(people.agreement),
        "leaks": leaks_repository.count_verdicts(session, access.id),
        "leak_rows": [report_row_json(row) for row in report_rows(session, access.id)],
        "leak_runs": _leak_runs(session, access.id),
        "accepted": accepted,
        "last_review_event": merging_repository.last_event_id(session, access.id),
        "last_verdict_event": leaks_repository.last_verdict_id(session, access.id),
        "last_bulk_event": last_bulk_event,
        "last_bulk_sample": last_bulk_sample,
        "bulk": bulk_summaries(session, access.id),
    }


def _ids(session: Session, project_id: int, merged: Merged) -> dict[str, Any]:
    """How lists name images, where that is not by their key."""
    bare = sources_repository.bare_splits(session, project_id)
    if not bare:
        return {}
    return {"bare_splits": bare, "repeated_ids": any(check.code == REPEATED_IDS for check in merged.checks)}


def _agreement_figures(agreement: Agreement) -> dict[str, Any]:
    kappas = [[one, other, kappa] for (one, other), kappa in sorted(agreement.kappas.items())]
    return {"shared": agreement.shared, "alpha": agreement.alpha, "kappas": kappas}


def _leak_runs(session: Session, project_id: int) -> list[dict[str, Any]]:
    return [
        {"number": run.number, "params": run.params, "counts": run.counts, "code_version": run.code_version,
         "dataset_fingerprint": run.dataset_fingerprint}
        for run in reversed(leaks_repository.list_runs(session, project_id)) if run.finished_at
    ]  # fmt: skip
