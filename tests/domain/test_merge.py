"""Merging: the rules in their order, what they overrule kept as conflicts, and nothing that depends on order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.consensus import BulkAnswer, How, Resolution, Rule, State, resolve
from app.domain.merge import (
    ConfirmedLeak,
    LeakSide,
    MergedSample,
    MergeRule,
    SampleCase,
    leaving,
    merge,
    merge_sample,
    suggestion_of,
)
from app.domain.reviews import Review, ReviewStatus
from app.domain.samples import Flag, IssueType
from app.domain.taxonomy import Decision, Taxonomy

KEEP, REMOVE, RELABEL = Decision.KEEP, Decision.REMOVE, Decision.RELABEL
ADJUDICATED, LEAK_REMOVAL, CONSENSUS = MergeRule.ADJUDICATED, MergeRule.LEAK_REMOVAL, MergeRule.CONSENSUS
LEAK = ConfirmedLeak("train/cat/1.jpg", "test/cat/1.jpg", "carol")


def review(reviewer: str, decision: Decision | None, label: str | None = None, *tags: str) -> Review:
    return Review(reviewer, ReviewStatus.SUBMITTED, decision, label, tags, "")


def case(
    *reviews: Review,
    lead: Review | None = None,
    leaks: tuple[ConfirmedLeak, ...] = (),
    rule: Rule = Rule.UNANIMOUS,
    key: str = "test/cat/1.jpg",
    bulk: BulkAnswer | None = None,
) -> SampleCase:
    resolution = resolve(reviews, min_submitted=1, rule=rule, adjudication=lead, bulk=bulk)
    return SampleCase(key, key.split("/")[0], "cat", (), resolution, leaks)


ALICE_KEEPS, BOB_REMOVES = review("alice", KEEP, None, "outlier_valid"), review("bob", REMOVE, None, "remove")
IN_BULK = BulkAnswer(KEEP, None, (), "lena")
ROWS = {
    "not reviewed": (case(), State.OPEN, None, None, ()),
    "reviewed": (case(ALICE_KEEPS), State.RESOLVED, KEEP, CONSENSUS, ()),
    "disputed": (case(ALICE_KEEPS, BOB_REMOVES), State.CONFLICT, None, None, ("alice: keep; bob: remove",)),
    "discussed": (case(review("dave", None)), State.CONFLICT, None, None, ("dave asked for discussion",)),
    "outvoted": (
        case(ALICE_KEEPS, BOB_REMOVES, review("carol", KEEP), rule=Rule.MAJORITY),
        State.RESOLVED, KEEP, CONSENSUS, ("bob: remove; settled by majority",),
    ),
    "settled": (
        case(ALICE_KEEPS, BOB_REMOVES, lead=review("lead", KEEP)),
        State.RESOLVED, KEEP, ADJUDICATED, ("bob: remove; settled by adjudicated",),
    ),
    "leak alone": (case(leaks=(LEAK,)), State.RESOLVED, REMOVE, LEAK_REMOVAL, ()),
    "leak and remove": (case(BOB_REMOVES, leaks=(LEAK,)), State.RESOLVED, REMOVE, LEAK_REMOVAL, ()),
    "leak over keep": (
        case(ALICE_KEEPS, leaks=(LEAK,)),
        State.RESOLVED, REMOVE, LEAK_REMOVAL, ("reviewed as keep by alice; settled by leak_removal",),
    ),
    "leak over relabel": (
        case(review("alice", RELABEL, "dog"), leaks=(LEAK,)),
        State.RESOLVED, REMOVE, LEAK_REMOVAL, ("reviewed as relabel to dog by alice; settled by leak_removal",),
    ),
    "leak over a dispute": (
        case(ALICE_KEEPS, BOB_REMOVES, leaks=(LEAK,)),
        State.RESOLVED, REMOVE, LEAK_REMOVAL, ("alice: keep; bob: remove; settled by leak_removal",),
    ),
    "leak over a majority": (
        case(ALICE_KEEPS, BOB_REMOVES, review("carol", KEEP), rule=Rule.MAJORITY, leaks=(LEAK,)),
        State.RESOLVED, REMOVE, LEAK_REMOVAL,
        ("bob: remove; settled by majority", "reviewed as keep by alice, carol; settled by leak_removal"),
    ),
    "lead over a leak": (
        case(BOB_REMOVES, lead=review("lead", KEEP), leaks=(LEAK,)),
        State.RESOLVED, KEEP, ADJUDICATED,
        ("bob: remove; settled by adjudicated", "confirmed leak with train/cat/1.jpg; settled by adjudicated"),
    ),
    "lead and leak agree": (
        case(lead=review("lead", REMOVE), leaks=(LEAK,)), State.RESOLVED, REMOVE, ADJUDICATED, (),
    ),
    "bulk alone": (case(bulk=IN_BULK), State.RESOLVED, KEEP, MergeRule.BULK, ()),
    "review over bulk": (case(BOB_REMOVES, bulk=IN_BULK), State.RESOLVED, REMOVE, CONSENSUS, ()),
    "leak over bulk": (
        case(bulk=IN_BULK, leaks=(LEAK,)),
        State.RESOLVED, REMOVE, LEAK_REMOVAL, ("decided in bulk as keep by lena; settled by leak_removal",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given_case", "state", "decision", "rule", "conflicts"), ROWS.values(), ids=ROWS)
def test_rules_count_in_their_order_and_what_they_overrule_is_recorded(
    given_case: SampleCase,
    state: State,
    decision: Decision | None,
    rule: MergeRule | None,
    conflicts: tuple[str, ...],
) -> None:
    merged = merge_sample(given_case)
    assert (merged.state, merged.decision, merged.rule, merged.conflicts) == (state, decision, rule, conflicts)


@pytest.mark.parametrize(
    ("given_case", "text"),
    [
        (case(), "0 of 1 reviews"),
        (SampleCase("a", "test", "cat", (), Resolution(State.OPEN)), "not reviewed yet"),
        (case(ALICE_KEEPS), "keep, by alice"),
        (case(bulk=IN_BULK), "keep, in bulk by lena"),
        (case(ALICE_KEEPS, review("bob", KEEP)), "keep, unanimous of alice, bob"),
        (case(lead=review("lead", RELABEL, "dog")), "relabel to dog, settled by lead"),
        (case(leaks=(LEAK,)), "same picture as train/cat/1.jpg, confirmed by carol"),
        (
            case(leaks=(LEAK, replace(LEAK, train_image="train/a.jpg", confirmed_by="bob"))),
            "same picture as train/a.jpg and 1 more, confirmed by bob, carol",
        ),
        (case(leaks=(LEAK,), key="train/cat/1.jpg"), "same picture as test/cat/1.jpg, confirmed by carol"),
    ],
)
def test_every_outcome_says_how_it_came_about(given_case: SampleCase, text: str) -> None:
    assert merge_sample(given_case).explanation == text


def test_a_leak_takes_along_only_tags_that_do_not_ask_for_another_decision() -> None:
    tags = ("ambiguous_class", "duplicate_near", "keep", "outlier_valid")
    resolution = Resolution(State.RESOLVED, KEEP, None, tags, How.SOLE, ("alice",))
    merged = merge_sample(replace(case(leaks=(LEAK,)), resolution=resolution))
    assert merged.tags == ("ambiguous_class", "duplicate_near", "train_test_leak")


def test_a_leak_drops_the_new_label_of_an_overruled_relabel() -> None:
    assert merge_sample(case(review("alice", RELABEL, "dog"), leaks=(LEAK,))).new_label is None


@pytest.mark.parametrize(
    ("side", "keys"),
    [
        (LeakSide.TEST, ("test/cat/1.jpg",)),
        (LeakSide.TRAIN, ("train/cat/1.jpg",)),
        (LeakSide.BOTH, ("train/cat/1.jpg", "test/cat/1.jpg")),
    ],
)
def test_the_policy_says_which_side_of_a_leak_goes(side: LeakSide, keys: tuple[str, ...]) -> None:
    assert leaving(LEAK, side) == keys


POSITIONS = st.sampled_from([(KEEP, None), (REMOVE, None), (RELABEL, "dog"), (RELABEL, "bird"), (None, None)])
TAGS = st.sampled_from([(), ("ambiguous_class",), ("low_quality_blur",)])
REVIEWS = st.dictionaries(st.sampled_from(["ann", "ben", "cem", "dan"]), st.tuples(POSITIONS, TAGS)).map(
    lambda given: [review(name, *position, *tags) for name, (position, tags) in given.items()]
)
LEADS = st.none() | POSITIONS.map(lambda position: review("lead", *position))
LEAKS = st.lists(
    st.builds(ConfirmedLeak, st.sampled_from(["train/x", "train/y"]), st.just("test/k"), st.sampled_from("pq")),
    max_size=2,
).map(tuple)
CASES = st.builds(
    lambda reviews, lead, leaks, rule, key: case(*reviews, lead=lead, leaks=leaks, rule=rule, key=key),
    REVIEWS, LEADS, LEAKS, st.sampled_from(Rule), st.sampled_from([f"{s}/{n}" for s in "ab" for n in range(9)]),
)  # fmt: skip
PROJECTS = st.lists(CASES, unique_by=lambda made: made.key, max_size=8)


@given(cases=PROJECTS, data=st.data())
def test_the_order_of_cases_does_not_matter(cases: list[SampleCase], data: st.DataObject) -> None:
    assert merge(data.draw(st.permutations(cases))) == merge(cases)


@given(cases=PROJECTS)
def test_every_case_has_exactly_one_outcome(cases: list[SampleCase]) -> None:
    assert [m.key for m in merge(cases)] == sorted(c.key for c in cases)


@given(given_case=CASES, data=st.data())
def test_the_order_of_leaks_does_not_matter(given_case: SampleCase, data: st.DataObject) -> None:
    shuffled = replace(given_case, leaks=tuple(data.draw(st.permutations(given_case.leaks))))
    assert merge_sample(shuffled) == merge_sample(given_case)


@given(given_case=CASES)
def test_an_outcome_never_contradicts_itself(given_case: SampleCase) -> None:
    merged = merge_sample(given_case)
    assert (merged.decision is None) == (merged.state is not State.RESOLVED) == (merged.rule is None)
    assert (merged.new_label is not None) == (merged.decision is RELABEL)
    assert Taxonomy().check(merged.tags, merged.decision) == merged.tags
    assert merged.explanation


@given(given_case=CASES)
def test_a_confirmed_leak_goes_unless_a_lead_settled_otherwise(given_case: SampleCase) -> None:
    merged = merge_sample(given_case)
    if given_case.leaks and merged.decision is not REMOVE:
        assert merged.rule is ADJUDICATED
        assert any("confirmed leak" in conflict for conflict in merged.conflicts)


def told(merged: MergedSample) -> str:
    return " ".join([*merged.by, merged.explanation, *merged.conflicts])


@given(reviews=REVIEWS, lead=LEADS, leaks=LEAKS, rule=st.sampled_from(Rule), more=POSITIONS)
def test_adding_a_review_never_loses_another(
    reviews: list[Review],
    lead: Review | None,
    leaks: tuple[ConfirmedLeak, ...],
    rule: Rule,
    more: tuple[Decision | None, str | None],
) -> None:
    """Whoever is named or heard before a further review is so after it, or agrees with what came out."""
    before = merge_sample(case(*reviews, lead=lead, leaks=leaks, rule=rule))
    after = merge_sample(case(*reviews, review("zoe", *more), lead=lead, leaks=leaks, rule=rule))
    discussing = [r.reviewer for r in (*reviews, review("zoe", *more)) if r.decision is None]
    for r in reviews:
        agrees = (r.decision, r.new_label) == (after.decision, after.new_label)
        if r.reviewer in told(before) and not agrees:
            assert r.reviewer in told(after) or any(name in told(after) for name in discussing) or lead is not None


@given(reviews=REVIEWS, lead=POSITIONS.filter(lambda position: position[0] is not None))
def test_a_lead_who_overrules_is_shown_with_everyone_overruled(
    reviews: list[Review], lead: tuple[Decision, str | None]
) -> None:
    merged = merge_sample(case(*reviews, lead=review("lead", *lead)))
    for r in reviews:
        assert (r.reviewer in " ".join(merged.conflicts)) == ((r.decision, r.new_label) != lead)


def flag(confidence: float | None, label: str | None, issue: IssueType = IssueType.MISLABEL) -> Flag:
    return Flag(issue, issue.value, confidence, label, None, None)


@pytest.mark.parametrize(
    ("flags", "threshold", "label"),
    [
        ([flag(0.97, "dog")], 0.9, "dog"),
        ([flag(0.97, "dog")], None, None),
        ([flag(0.8, "dog")], 0.9, None),
        ([flag(None, "dog")], 0.9, None),
        ([flag(0.97, None)], 0.9, None),
        ([flag(0.97, "cat")], 0.9, None),
        ([flag(0.91, "dog"), flag(0.95, "fox")], 0.9, "fox"),
        ([flag(0.95, "dog", IssueType.OUTLIER)], 0.9, None),
    ],
)
def test_only_the_surest_mislabel_flag_suggests(flags: list[Flag], threshold: float | None, label: str | None) -> None:
    assert suggestion_of(flags, "cat", threshold) == label
    assert suggestion_of(reversed(flags), "cat", threshold) == label


def test_a_suggestion_counts_last_and_says_that_nobody_looked() -> None:
    unseen = merge_sample(replace(case(), suggestion="dog"))
    assert (unseen.decision, unseen.new_label, unseen.rule, unseen.by) == (RELABEL, "dog", MergeRule.SUGGESTION, ())
    assert "nobody looked" in unseen.explanation
    for stronger in (case(ALICE_KEEPS), case(bulk=IN_BULK), case(leaks=(LEAK,)), case(lead=ALICE_KEEPS)):
        assert merge_sample(replace(stronger, suggestion="dog")).rule is not MergeRule.SUGGESTION
    disputed = merge_sample(replace(case(ALICE_KEEPS, BOB_REMOVES), suggestion="dog"))
    assert (disputed.state, disputed.decision) == (State.CONFLICT, None)
