"""Bulk with proof: the interval, how many looks it takes, what a look says, and which samples an answer fits."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.bulk import (
    BANDS,
    MIN_LOOKS,
    WIDTHS,
    Answer,
    LeftOut,
    Said,
    band_of,
    check_answer,
    check_width,
    describe_stratum,
    label_problem,
    least_favourable,
    looks_needed,
    prove,
    read_look,
    wilson,
)
from app.domain.consensus import BulkAnswer, How, Rule, State, resolve
from app.domain.errors import InvalidInput
from app.domain.reviews import Review, ReviewStatus
from app.domain.taxonomy import Decision

KEEP, REMOVE, RELABEL = Decision.KEEP, Decision.REMOVE, Decision.RELABEL
MANY = 10**6


@pytest.mark.parametrize(
    ("agreeing", "decided", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (90, 93, 0.9094, 0.9890),
        (10, 10, 0.7225, 1.0),
        (0, 10, 0.0, 0.2775),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_the_interval_is_wilsons(agreeing, decided, low, high):
    """Figures from the published formula, worked out by hand."""
    assert wilson(agreeing, decided) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 0.8, 0.97, 1.0])
def test_as_many_looks_as_the_wanted_width_needs_and_no_more(width, share):
    looks = looks_needed(width, MANY, share)

    def worst(number: int) -> float:
        toward_half = math.floor(number * share) if share >= 0.5 else math.ceil(number * share)
        low, high = wilson(toward_half, number)
        return high - low

    assert worst(looks) <= width
    assert looks == MIN_LOOKS or worst(looks - 1) > width


def test_no_more_looks_than_samples_and_not_fewer_than_prove_anything():
    assert looks_needed(0.1, 7) == 7
    assert looks_needed(0.5, MANY, 1.0) == MIN_LOOKS


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_least_favourable_share_fits_what_was_seen_and_needs_the_most_looks(counts):
    agreeing, decided = counts
    low, high = wilson(agreeing, decided)
    share = least_favourable(agreeing, decided)
    assert low <= share <= high
    assert abs(share - 0.5) <= abs(agreeing / decided - 0.5)


@pytest.mark.parametrize(
    ("state", "decision", "label", "said"),
    [
        (State.OPEN, None, None, Said.OPEN),
        (State.RESOLVED, RELABEL, "fox", Said.AGREES),
        (State.RESOLVED, RELABEL, "wolf", Said.DIFFERS),
        (State.RESOLVED, KEEP, None, Said.DIFFERS),
        (State.CONFLICT, None, None, Said.DIFFERS),
    ],
)
def test_a_look_agrees_only_where_it_is_the_proposed_answer(state, decision, label, said):
    assert read_look(Answer(RELABEL), "fox", state, decision, label) is said


def test_a_proof_counts_what_is_decided():
    proof = prove(5, [Said.AGREES, Said.AGREES, Said.DIFFERS, Said.OPEN, Said.OPEN])
    assert (proof.decided, proof.agreeing, proof.open, proof.share) == (3, 2, 2, pytest.approx(2 / 3))
    assert prove(5, [Said.OPEN] * 5).share is None


@pytest.mark.parametrize(
    ("tags", "message"),
    [(["outlier_valid"], "means keep"), (["nonsense"], "no tag"), (["mislabel_uncertain"], "discussion")],
)
def test_an_answer_that_contradicts_itself_is_refused(tags, message):
    with pytest.raises(InvalidInput, match=message):
        check_answer(REMOVE, tags)


@pytest.mark.parametrize("width", [0.0, 0.001, 0.9, math.nan])
def test_a_width_that_says_nothing_is_refused(width):
    with pytest.raises(InvalidInput, match="width"):
        check_width(width)


@pytest.mark.parametrize(
    ("suggested", "problem"),
    [("dog", None), ("fox", LeftOut.UNKNOWN_CLASS), ("cat", LeftOut.SAME_LABEL), ("", LeftOut.NO_SUGGESTION),
     (None, LeftOut.NO_SUGGESTION)],
)  # fmt: skip
def test_which_samples_a_relabel_does_not_fit(suggested, problem):
    assert label_problem(suggested, "cat", {"cat", "dog"}) is problem


@given(st.floats(0, 1))
def test_each_confidence_is_in_exactly_one_band(confidence):
    bands = [band_of(index) for index in range(len(BANDS))]
    assert sum(low <= confidence <= high for low, high in bands) == 1
    assert all(upper[0] > lower[1] for upper, lower in pairwise(bands))


def test_a_stratum_in_words():
    filters = {"max_confidence": band_of(1)[1], "min_confidence": 0.9, "source": "cleanlab", "issue_type": "mislabel"}
    assert describe_stratum(filters) == "mislabel, from cleanlab, confidence 0.9 to 0.95"
    assert describe_stratum({"given_label": "cat", "q": "x"}) == "class cat, q x"
    assert describe_stratum({}, over_bulk=True) == "every flagged sample, also where an earlier bulk decision stands"
    assert describe_stratum({}) == "every flagged sample"


# -- where a bulk decision stands among reviews ----------------------------------------------------------------------

BULK = BulkAnswer(REMOVE, None, ("outlier_invalid",), "lena")


def review(status: ReviewStatus, decision: Decision | None = KEEP, reviewer: str = "alice") -> Review:
    return Review(reviewer, status, decision, None, (), "")


def test_a_bulk_decision_counts_where_nobody_answered():
    for reviews in ([], [review(ReviewStatus.SKIPPED)], [review(ReviewStatus.DRAFT)]):
        found = resolve(reviews, min_submitted=2, rule=Rule.UNANIMOUS, bulk=BULK)
        assert (found.state, found.decision, found.how, found.by) == (State.RESOLVED, REMOVE, How.BULK, ("lena",))
        assert found.tags == ("outlier_invalid",)


@pytest.mark.parametrize(
    ("reviews", "needed", "state", "how"),
    [
        ([review(ReviewStatus.SUBMITTED)], 1, State.RESOLVED, How.SOLE),
        ([review(ReviewStatus.SUBMITTED)], 2, State.OPEN, None),
        ([review(ReviewStatus.SUBMITTED, None)], 1, State.CONFLICT, None),
    ],
)
def test_an_answer_of_a_reviewer_always_wins(reviews, needed, state, how):
    found = resolve(reviews, min_submitted=needed, rule=Rule.UNANIMOUS, bulk=BULK)
    assert (found.state, found.how) == (state, how)


def test_a_leads_settling_answer_wins_too():
    lead = review(ReviewStatus.SUBMITTED, KEEP, "lena")
    found = resolve([], min_submitted=1, rule=Rule.UNANIMOUS, adjudication=lead, bulk=BULK)
    assert (found.decision, found.how) == (KEEP, How.ADJUDICATED)
