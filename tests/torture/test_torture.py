"""Short runs of the torture that ``python -m tests.torture`` does for hours: invariants only, never times."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.campaign import Plan, torture
from tests.torture.job_campaign import JobPlan, torture_jobs
from tests.torture.stand import Missing

backends = pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
HERE = Path(__file__).parent


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own: PostgreSQL's process, which is not root, has to reach its part."""
    with tempfile.TemporaryDirectory(prefix="winnow-torture-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@backends
def test_every_acknowledged_decision_is_handed_out_once_whatever_was_killed(backend: str, folder: Path) -> None:
    kills = {"sqlite": 2, "postgresql": 6}[backend]  # each kind of process once
    try:
        figures = torture(Plan(backend, decisions=120, kills=kills, seed=11, reviewers=3, hot=4), folder)
    except Missing as what:
        pytest.skip(str(what))
    assert figures["broken"] == []
    assert figures["lost"] == figures["applied twice"] == figures["lost races hidden"] == 0
    assert figures["acknowledged"] + figures["undos"] >= 120
    assert figures["faults"]["server"] == 1


def test_a_hundred_starts_are_one_job_that_outlives_redis_and_its_worker(folder: Path) -> None:
    try:
        figures = torture_jobs(
            JobPlan("postgresql", images=60, kills=0, cancels=0, seed=11, methods=("exact",)), folder
        )
    except Missing as what:
        pytest.skip(str(what))
    assert figures["broken"] == []
    assert figures["jobs of them"] == 1
    assert figures["lines of the undisturbed report"] > 5


def test_the_torture_reads_what_people_can_read_and_nothing_else() -> None:
    """A checker that used the application's code would share its mistakes."""
    for path in HERE.glob("*.py"):
        assert not re.search(r"^\s*(from|import) (app|workers|migrations)\b", path.read_text(), re.MULTILINE), path
