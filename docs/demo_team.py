"""A small team cleans the demo project, so that there is a version to show.

Its two reviewers and its lead are simulated. The reviewers know what was planted and still differ here and there, the
same way each time.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

from app.adapters.passwords import hash_password
from app.cli.demo_project import draw_demo
from app.cli.environment import open_database
from app.cli.export import copy_deliverables
from app.cli.import_ import import_file, make_project
from app.cli.local_actor import NoDoorbell, ensure_owner, owner_access, work_until_done
from app.db.models.accounts import User
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import reviews as reviews_repository
from app.db.session import Database, Session
from app.demo.truth import Truth
from app.domain.accounts import Role
from app.domain.leaks import Verdict
from app.domain.reviews import ReviewInput, ReviewStatus
from app.domain.taxonomy import Decision
from app.services import conflicts, leak_pairs, leak_runs
from app.services.freeze_version import freeze_version
from app.services.leak_pairs import PairFilter
from app.services.leak_runs import LeakParams
from app.services.list_samples import SampleFilter, SampleOrder, list_samples
from app.services.projects import Access, access_project, add_classes, set_member
from app.services.sign_in import Actor
from app.services.submit_review import submit_review
from app.settings import Settings

ACCEPT = ["undecided", "open_conflicts", "open_leaks", "lost_group", "class_share"]
TEAM = {"alice": Role.REVIEWER, "bob": Role.REVIEWER, "lena": Role.LEAD}
NOTES = {"remove": "no use to a classifier", "relabel": "clearly another class", "keep": "odd, but right"}


def export_demo(folder: Path, *, name: str = "Demo", processes: int = 2) -> list[Path]:
    """Draw, import, review, search leaks, freeze and export below ``folder``; return the files."""
    settings = Settings(data_dir=folder / "data", redis_url=None, database_url=None, processes=processes)
    database = open_database(settings)
    ensure_owner(database)
    dataset = draw_demo(settings.folder("demo") / "drawings", processes)
    slug = make_project(settings, database, name, dataset.images)
    import_file(settings, database, slug, dataset.export, "demo detector")
    _add_team(database, slug)
    job_id = _start_leaks(settings, database, slug)
    work_until_done(settings, database, job_id)
    with database.writing() as session:
        _review(session, {who: _access(session, slug, who) for who in TEAM}, dataset.truth)
    with database.writing() as session:
        _judge(session, _access(session, slug, "lena"), dataset.truth)
    with database.reading() as session:
        lead = _access(session, slug, "lena").actor
    version = freeze_version(
        database, NoDoorbell(), lead, slug, note="First pass over all flags of the demo detector.", accept=ACCEPT
    )
    work_until_done(settings, database, version.job_id or 0)
    files = copy_deliverables(settings, database, slug, version.number, folder / "out")
    database.dispose()
    return files


def _add_team(database: Database, slug: str) -> None:
    with database.writing() as session:
        hashed = hash_password("barley and chaff")
        session.add_all(User(username=who, display_name=who.title(), password_hash=hashed) for who in TEAM)
        session.flush()
        owner = owner_access(session, slug)
        for who, role in TEAM.items():
            user = accounts_repository.find_user(session, who)
            assert user is not None  # noqa: S101 - it was just added
            set_member(session, owner, user.id, role)


def _access(session: Session, slug: str, who: str) -> Access:
    user = accounts_repository.find_user(session, who)
    assert user is not None  # noqa: S101 - they were added before
    return access_project(session, Actor(user.id, who, user.display_name, False), slug)


def _start_leaks(settings: Settings, database: Database, slug: str) -> int:
    with database.writing() as session:
        access = owner_access(session, slug)
        run, _ = leak_runs.start_leak_run(session, NoDoorbell(), access, LeakParams(), shard_size=settings.shard_size)
        return run.job_id


def _chance(*parts: str) -> float:
    """A number from 0 to 1 that is the same each time."""
    return int(hashlib.sha256("|".join(parts).encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


def _review(session: Session, team: dict[str, Access], truth: Truth) -> None:
    cursor: str | None = None
    while True:
        page = list_samples(session, team["lena"], SampleFilter(), order=SampleOrder.PATH, cursor=cursor)
        for row in page.rows:
            _answer(session, team, row.id, row.key, truth)
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def _answer(session: Session, team: dict[str, Access], sample_id: int, key: str, truth: Truth) -> None:
    if _chance(key, "left open") < 0.06:
        return
    right = truth.right_answer(key)
    if right[1]:
        add_classes(session, team["lena"], [right[1]])
    reviewers = ["alice", "bob"] if _chance(key, "both") < 0.35 else [("alice", "bob")[_chance(key, "who") < 0.4]]
    answers = [
        right if _chance(key, who) > 0.12 or right[2] == "low_quality_corrupt" else ("keep", None, "keep")
        for who in reviewers
    ]
    for who, answer in zip(reviewers, answers, strict=True):
        _submit(session, team[who], sample_id, answer)
    if len(set(answers)) > 1 and _chance(key, "settled") < 0.7:
        state = reviews_repository.states_of_samples(session, [sample_id])[sample_id]
        conflicts.adjudicate(
            session, team["lena"], sample_id, _input(right), client_event_id=str(uuid.uuid4()),
            base_version=state.version,
        )  # fmt: skip


def _submit(session: Session, access: Access, sample_id: int, answer: Sequence[str | None]) -> None:
    submit_review(session, access, sample_id, _input(answer), client_event_id=str(uuid.uuid4()), base_version=0)


def _input(answer: Sequence[str | None]) -> ReviewInput:
    decision, new_label, tag = answer
    assert decision  # noqa: S101 - every answer has one
    return ReviewInput(
        ReviewStatus.SUBMITTED, manual=True, decision=Decision(decision), new_label=new_label,
        tags=(tag,) if tag else (), note=NOTES[decision],
    )  # fmt: skip


def _judge(session: Session, access: Access, truth: Truth) -> None:
    planted = {(leak.train_key, leak.test_key) for leak in truth.leaks}
    page = leak_pairs.list_pairs(session, access, PairFilter(verdict="open"))
    while page.items:
        waiting = [pair for pair in page.items if _chance(pair.test.key, "later") >= 0.08]
        if not waiting:
            return
        for pair in waiting:
            verdict = Verdict.CONFIRMED if (pair.train.key, pair.test.key) in planted else Verdict.REJECTED
            leak_pairs.decide_pair(
                session, access, pair.id, verdict, client_event_id=str(uuid.uuid4()), base_version=pair.version
            )
        page = leak_pairs.list_pairs(session, access, PairFilter(verdict="open"))
