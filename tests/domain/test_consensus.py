"""From reviews to a resolution: ties, majorities, discussion, adjudication, and nobody's answer lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.consensus import How, Resolution, Rule, State, describe, resolve
from app.domain.reviews import Review, ReviewStatus
from app.domain.taxonomy import Decision

KEEP, REMOVE, RELABEL = Decision.KEEP, Decision.REMOVE, Decision.RELABEL
UNANIMOUS, MAJORITY = Rule.UNANIMOUS, Rule.MAJORITY


def review(
    reviewer: str,
    decision: Decision | None,
    new_label: str | None = None,
    tags: tuple[str, ...] = (),
    status: ReviewStatus = ReviewStatus.SUBMITTED,
) -> Review:
    return Review(reviewer, status, decision, new_label, tags, "")


def resolved(*reviews: Review, needed: int = 1, rule: Rule = UNANIMOUS, lead: Review | None = None) -> Resolution:
    return resolve(reviews, min_submitted=needed, rule=rule, adjudication=lead)


ALICE_KEEPS, BOB_KEEPS, BOB_REMOVES = review("alice", KEEP), review("bob", KEEP), review("bob", REMOVE)
CAROL_KEEPS, CAROL_RELABELS = review("carol", KEEP), review("carol", RELABEL, "dog")


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize(
    ("reviews", "needed", "state", "how"),
    [
        ([], 1, State.OPEN, None),
        ([ALICE_KEEPS], 1, State.RESOLVED, How.SOLE),
        ([ALICE_KEEPS], 0, State.RESOLVED, How.SOLE),
        ([ALICE_KEEPS], 2, State.OPEN, None),
        ([ALICE_KEEPS, BOB_KEEPS], 2, State.RESOLVED, How.UNANIMOUS),
        ([ALICE_KEEPS, BOB_KEEPS], 1, State.RESOLVED, How.UNANIMOUS),
        ([ALICE_KEEPS, BOB_REMOVES], 1, State.CONFLICT, None),
        ([ALICE_KEEPS, BOB_REMOVES], 2, State.CONFLICT, None),
        ([ALICE_KEEPS, BOB_REMOVES, CAROL_RELABELS], 3, State.CONFLICT, None),
    ],
)
def test_where_both_rules_agree(reviews: list[Review], needed: int, state: State, how: How | None, rule: Rule) -> None:
    resolution = resolved(*reviews, needed=needed, rule=rule)
    assert (resolution.state, resolution.how) == (state, how)


def test_third_reviewer_breaks_the_tie_under_majority() -> None:
    assert resolved(ALICE_KEEPS, BOB_REMOVES, rule=MAJORITY).state is State.CONFLICT
    resolution = resolved(ALICE_KEEPS, BOB_REMOVES, CAROL_KEEPS, rule=MAJORITY)
    assert (resolution.decision, resolution.how, resolution.by) == (KEEP, How.MAJORITY, ("alice", "carol"))


def test_third_reviewer_settles_nothing_under_unanimity() -> None:
    assert resolved(ALICE_KEEPS, BOB_REMOVES, CAROL_KEEPS).state is State.CONFLICT


def test_who_was_outvoted_is_still_told() -> None:
    assert resolved(ALICE_KEEPS, BOB_REMOVES, CAROL_KEEPS, rule=MAJORITY).reason == "bob: remove"


def test_under_majority_a_disagreement_waits_for_the_reviews_needed() -> None:
    resolution = resolved(ALICE_KEEPS, BOB_REMOVES, needed=3, rule=MAJORITY)
    assert (resolution.state, resolution.reason) == (State.OPEN, "2 of 3 reviews")


def test_under_unanimity_a_disagreement_is_a_conflict_at_once() -> None:
    assert resolved(ALICE_KEEPS, BOB_REMOVES, needed=3).state is State.CONFLICT


def test_relabels_to_different_classes_disagree() -> None:
    resolution = resolved(review("alice", RELABEL, "cat"), review("bob", RELABEL, "dog"))
    assert resolution.state is State.CONFLICT
    assert resolution.reason == "alice: relabel to cat; bob: relabel to dog"


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("others", [[], [ALICE_KEEPS], [ALICE_KEEPS, BOB_KEEPS]])
def test_asking_for_discussion_is_a_conflict(others: list[Review], rule: Rule) -> None:
    resolution = resolved(*others, review("dave", None, tags=("mislabel_uncertain",)), needed=3, rule=rule)
    assert (resolution.state, resolution.reason) == (State.CONFLICT, "dave asked for discussion")


@pytest.mark.parametrize("status", [ReviewStatus.DRAFT, ReviewStatus.SKIPPED])
def test_drafts_and_skips_do_not_count(status: ReviewStatus) -> None:
    assert resolved(ALICE_KEEPS, review("bob", REMOVE, status=status)).how is How.SOLE


def test_adjudication_wins_over_all_and_names_whom_it_overruled() -> None:
    lead = review("lead", REMOVE, tags=("outlier_invalid",))
    resolution = resolved(ALICE_KEEPS, BOB_REMOVES, review("dave", None), needed=5, lead=lead)
    assert resolution == Resolution(
        State.RESOLVED,
        REMOVE,
        None,
        ("outlier_invalid",),
        How.ADJUDICATED,
        ("lead",),
        "alice: keep; dave: discuss",
        dissent=2,
    )


def test_an_adjudication_that_overrules_nobody_says_nothing() -> None:
    assert resolved(ALICE_KEEPS, lead=review("lead", KEEP)).reason == ""


def test_an_adjudication_that_asks_for_discussion_leaves_the_conflict_open() -> None:
    resolution = resolved(ALICE_KEEPS, BOB_REMOVES, lead=review("lead", None))
    assert (resolution.state, resolution.reason) == (
        State.CONFLICT,
        "lead asked for discussion; alice: keep; bob: remove",
    )


def test_tags_of_those_who_agree_are_joined() -> None:
    both = resolved(review("alice", REMOVE, tags=("remove",)), review("bob", REMOVE, tags=("duplicate_near",)))
    assert both.tags == ("duplicate_near", "remove")


def test_tags_of_the_outvoted_are_left_out() -> None:
    outvoted = review("bob", REMOVE, tags=("remove",))
    assert resolved(ALICE_KEEPS, outvoted, CAROL_KEEPS, rule=MAJORITY).tags == ()


@pytest.mark.parametrize(
    ("decision", "label", "text"),
    [(None, None, "discuss"), (KEEP, None, "keep"), (RELABEL, "dog", "relabel to dog"), (RELABEL, None, "relabel")],
)
def test_decisions_in_words(decision: Decision | None, label: str | None, text: str) -> None:
    assert describe(decision, label) == text


POSITIONS = st.sampled_from([(KEEP, None), (REMOVE, None), (RELABEL, "cat"), (RELABEL, "dog"), (None, None)])
NAMES = ["ann", "ben", "cem", "dan", "eva", "flo", "gil"]
REVIEWS = st.dictionaries(st.sampled_from(NAMES), st.tuples(POSITIONS, st.sampled_from(ReviewStatus))).map(
    lambda answers: [review(name, *position, status=status) for name, (position, status) in answers.items()]
)


@given(reviews=REVIEWS, needed=st.integers(0, 4), rule=st.sampled_from(Rule), data=st.data())
def test_the_order_of_reviews_does_not_matter(
    reviews: list[Review], needed: int, rule: Rule, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(reviews))
    assert resolved(*shuffled, needed=needed, rule=rule) == resolved(*reviews, needed=needed, rule=rule)


@given(reviews=REVIEWS, needed=st.integers(0, 4), rule=st.sampled_from(Rule))
def test_every_submitted_review_is_counted_in_or_told(reviews: list[Review], needed: int, rule: Rule) -> None:
    resolution = resolved(*reviews, needed=needed, rule=rule)
    submitted = [r for r in reviews if r.status is ReviewStatus.SUBMITTED]
    if resolution.state is State.OPEN:
        assert resolution.reason.startswith(f"{len(submitted)} of ")
        return
    discussing = [r for r in submitted if r.decision is None]
    for r in discussing or submitted:
        assert (r.reviewer in resolution.by) != (r.reviewer in resolution.reason)


@given(reviews=REVIEWS, needed=st.integers(0, 4), rule=st.sampled_from(Rule))
def test_a_resolution_is_an_answer_that_somebody_gave(reviews: list[Review], needed: int, rule: Rule) -> None:
    resolution = resolved(*reviews, needed=needed, rule=rule)
    if resolution.state is State.RESOLVED:
        given_by = {r.reviewer: (r.decision, r.new_label) for r in reviews}
        assert resolution.by
        assert {given_by[name] for name in resolution.by} == {(resolution.decision, resolution.new_label)}
    else:
        assert (resolution.decision, resolution.new_label, resolution.by) == (None, None, ())
