"""The whole path on the demo dataset, with a reviewer who gives the right answers.

Everything goes through the same services, jobs and files as in daily use; only the reviewer is simulated: they know
what was planted, answer along the decision tree by hand, and judge leak candidates.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from app.cli.environment import open_database
from app.cli.export import copy_deliverables, freeze
from app.cli.import_ import import_file, make_project
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access, work_until_done
from app.db.session import Database, Session
from app.demo.build import DemoDataset
from app.demo.check import CheckReport, compare_with_truth
from app.demo.truth import Truth
from app.domain.formats.leaks_report import read_leaks_report
from app.domain.formats.relabel_map import read_relabel_map
from app.domain.formats.removal_list import read_removal_list
from app.domain.leaks import Verdict
from app.domain.reviews import ReviewInput, ReviewStatus
from app.domain.taxonomy import Decision
from app.services import leak_pairs, leak_runs, leak_summary
from app.services.leak_pairs import PairFilter
from app.services.leak_runs import LeakParams
from app.services.list_samples import SampleFilter, SampleOrder, list_samples
from app.services.projects import Access, add_classes
from app.services.submit_review import submit_review
from app.settings import Settings

ACCEPT = ["undecided", "open_conflicts", "open_leaks", "lost_group", "class_share", "both_sides"]


def run_whole_path(dataset: DemoDataset, folder: Path) -> CheckReport:
    """Run it in ``folder`` and compare the deliverables with what was planted."""
    settings = Settings(data_dir=folder / "data", redis_url=None, database_url=None)
    database = open_database(settings)
    ensure_owner(database)
    slug = make_project(settings, database, "Demo", dataset.images)
    import_file(settings, database, slug, dataset.export, "demo detector")
    unreadable = _find_leaks(settings, database, slug)
    with database.writing() as session:
        access = owner_access(session, slug)
        flagged = _review(session, access, dataset.truth)
        _judge(session, access, dataset.truth)
    number = freeze(settings, database, slug, note="", accept=ACCEPT)
    files = {path.name: path for path in copy_deliverables(settings, database, slug, number, folder / "out")}
    database.dispose()
    return _compare(dataset.truth, slug, files, unreadable, flagged)


def _find_leaks(settings: Settings, database: Database, slug: str) -> dict[str, str]:
    with database.writing() as session:
        access = owner_access(session, slug)
        run, _ = leak_runs.start_leak_run(session, NoDoorbell(), access, LeakParams(), shard_size=settings.shard_size)
        run_id, job_id = run.id, run.job_id
    work_until_done(settings, database, job_id)
    with database.reading() as session:
        problems = leak_summary.run_problems(session, owner_access(session, slug), run_id)
    return {key: code for key, code, _ in problems}


def _review(session: Session, access: Access, truth: Truth) -> set[str]:
    flagged: set[str] = set()
    cursor: str | None = None
    while True:
        page = list_samples(session, access, SampleFilter(), order=SampleOrder.PATH, cursor=cursor)
        for row in page.rows:
            flagged.add(row.key)
            _answer(session, access, row.id, truth, row.key)
        if page.next_cursor is None:
            return flagged
        cursor = page.next_cursor


def _answer(session: Session, access: Access, sample_id: int, truth: Truth, key: str) -> None:
    decision, new_label, tag = truth.right_answer(key)
    given = ReviewInput(
        ReviewStatus.SUBMITTED, manual=True, decision=Decision(decision), new_label=new_label,
        tags=(tag,) if tag else (),
    )  # fmt: skip
    if new_label:
        add_classes(session, access, [new_label])
    submit_review(session, access, sample_id, given, client_event_id=str(uuid.uuid4()), base_version=0)


def _judge(session: Session, access: Access, truth: Truth) -> None:
    planted = {(leak.train_key, leak.test_key) for leak in truth.leaks}
    while True:
        page = leak_pairs.list_pairs(session, access, PairFilter(verdict="open"))
        if not page.items:
            return
        for pair in page.items:
            same = (pair.train.key, pair.test.key) in planted or _is_twin(truth, pair.train.key, pair.test.key)
            verdict = Verdict.CONFIRMED if same else Verdict.REJECTED
            event = str(uuid.uuid4())
            leak_pairs.decide_pair(session, access, pair.id, verdict, client_event_id=event, base_version=pair.version)


def _is_twin(truth: Truth, train_key: str, test_key: str) -> bool:
    """A test image leaks into every copy of its source, too."""
    sources = {leak.train_key for leak in truth.leaks if leak.test_key == test_key}
    return any(train_key in group.keys and sources & set(group.keys) for group in truth.duplicates)


def _compare(
    truth: Truth, slug: str, files: dict[str, Path], unreadable: dict[str, str], flagged: set[str]
) -> CheckReport:
    with files[f"{slug}_leaks_report.csv"].open(newline="") as stream:
        rows = read_leaks_report(stream)
    with files[f"{slug}_removal_list.txt"].open() as stream:
        removed = set(read_removal_list(stream))
    with files[f"{slug}_relabel_map.json"].open() as stream:
        relabelled = {key: str(label) for key, label in read_relabel_map(stream).items()}
    return compare_with_truth(
        truth,
        leak_pairs=[(row.train_image, row.test_image, row.method.value) for row in rows],
        unreadable=unreadable,
        removal_ids=removed,
        relabel_map=relabelled,
        flagged=flagged,
    )
