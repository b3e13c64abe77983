"""The cleaning summary says the same figures that went in."""

from __future__ import annotations

import io
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.domain.checks import sizes_by_class, sizes_by_split
from app.domain.consensus import How, Rule, State
from app.domain.formats.cleaning_summary import SummaryInput, write_cleaning_summary
from app.domain.merge import LeakSide, MergedSample, MergeRule, Policies
from app.domain.taxonomy import Decision

SIZES = {("train", "cat"): 1200, ("train", "dog"): 800, ("test", "cat"): 300}


def sample(
    number: int, decision: Decision | None, state: State = State.RESOLVED, conflicts: tuple[str, ...] = ()
) -> MergedSample:
    label = "dog" if decision is Decision.RELABEL else None
    rule = MergeRule.CONSENSUS if state is State.RESOLVED else None
    tags = ("duplicate_near",) if decision is Decision.REMOVE else ()
    return MergedSample(
        f"train/cat/{number}.jpg", "train", "cat", state, decision, label, tags, How.SOLE, ("alice",), rule, "",
        conflicts,
    )  # fmt: skip


def summary_of(merged: list[MergedSample]) -> SummaryInput:
    return SummaryInput(
        dataset="pets",
        version=2,
        frozen_at="2026-11-21",
        author="carol",
        policies=Policies(2, Rule.MAJORITY, LeakSide.BOTH, 0.25),
        by_split=sizes_by_split(merged, SIZES),
        by_class=sizes_by_class(merged, SIZES),
        merged=merged,
        issues={"mislabel": 1234, "outlier": 5},
        reviewed=len(merged),
        reviewers={"alice": 1000, "bob": 7},
        leaks={"confirmed": 3, "open": 1},
        accepted=["undecided"],
    )


def lines_of(given: SummaryInput) -> dict[str, list[str]]:
    """The cells of every line by its first cell; later tables do not replace earlier ones."""
    stream = io.StringIO()
    write_cleaning_summary(stream, given)
    found: dict[str, list[str]] = {}
    for line in stream.getvalue().splitlines():
        name, *cells = re.split(r"\s{2,}", line.strip())
        found.setdefault(name, cells)
    return found


MERGED = [
    *(sample(n, Decision.REMOVE) for n in range(60)),
    *(sample(n, Decision.RELABEL) for n in range(60, 80)),
    *(sample(n, Decision.KEEP) for n in range(80, 85)),
    sample(90, None, State.OPEN),
    sample(91, None, State.CONFLICT, ("alice: keep; bob: remove",)),
]


def test_the_sizes_before_and_after_are_those_of_the_input() -> None:
    lines = lines_of(summary_of(MERGED))
    assert lines["train"] == ["2,000", "60", "20", "20", "1,940", "3.00%"]
    assert lines["test"] == ["300", "0", "0", "0", "300", "0.00%"]
    assert lines["all"] == ["2,300", "60", "20", "20", "2,240", "2.61%"]
    assert lines["cat"] == ["1,500", "60", "20", "0", "1,420", "4.00%"]
    assert lines["dog"] == ["800", "0", "0", "20", "820", "0.00%"]


def test_the_flow_the_issues_the_people_and_the_leaks_are_those_of_the_input() -> None:
    lines = lines_of(summary_of(MERGED))
    expected = {
        "flagged or leaking samples": "87", "reviewed by people": "87", "removed": "60", "relabelled": "20",
        "kept after a look": "5", "undecided, left as they are": "1", "in open conflict, left as they are": "1",
        "mislabel": "1,234", "outlier": "5", "alice": "1,000", "bob": "7", "confirmed": "3", "open": "1",
        "consensus": "85", "none": "2", "duplicate_near": "60",
    }  # fmt: skip
    assert {name: lines[name] for name in expected} == {name: [value] for name, value in expected.items()}


def test_conflicts_policies_and_accepted_checks_are_told() -> None:
    lines = lines_of(summary_of(MERGED))
    for line in (
        "Conflicts (1)",
        "train/cat/91.jpg: alice: keep; bob: remove",
        "reviews needed: 2, rule: majority",
        "a confirmed leak removes: both",
        "largest share a class may lose: 25%",
        "checks accepted when freezing: undecided",
        "Cleaning summary of pets, version 2",
        "frozen 2026-11-21 by carol",
        "agreement: not measured: no sample has two reviews",
    ):
        assert line in lines


def test_a_version_in_which_nothing_happened_has_a_summary() -> None:
    empty = replace(summary_of([]), issues={}, reviewers={}, leaks={}, by_split=[], by_class=[], accepted=[])
    lines = lines_of(empty)
    assert lines["all"] == ["0", "0", "0", "0", "0", "0.00%"]
    assert lines["flagged or leaking samples"] == ["0"]
    assert "checks accepted when freezing: none" in lines
    assert "none" in lines


OUTCOMES = st.sampled_from([(d, State.RESOLVED) for d in Decision] + [(None, State.OPEN), (None, State.CONFLICT)])


@given(outcomes=st.lists(OUTCOMES, max_size=40))
def test_the_parts_of_the_flow_add_up(outcomes: list[tuple[Decision | None, State]]) -> None:
    merged = [sample(n, decision, state) for n, (decision, state) in enumerate(outcomes)]
    lines = lines_of(summary_of(merged))
    names = (
        "removed", "relabelled", "kept after a look", "undecided, left as they are",
        "in open conflict, left as they are",
    )  # fmt: skip
    assert sum(int(lines[name][0]) for name in names) == int(lines["flagged or leaking samples"][0]) == len(merged)
    before, removed, away, into, after = (int(cell.replace(",", "")) for cell in lines["all"][:5])
    assert after == before - removed - away + into
