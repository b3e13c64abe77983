"""A share of samples that two people answer, and check samples that nobody can tell from the others."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.db.models.reviews import SampleState
from app.db.repositories import check_samples as checks_repository
from app.domain.errors import InvalidInput
from app.domain.merge import Policies
from app.domain.overlap import lot_of, overlap_bound
from app.services import check_samples, conflicts
from app.services.batch_review import submit_selection
from app.services.conflicts import list_conflicts
from app.services.sample_card import get_card
from app.services.submit_review import submit_review
from tests.fixtures.databases import both_backends
from tests.fixtures.world import SKIP, World, by_hand, fresh

KEYS = [f"train/{label}/{i}.png" for label in ("cat", "dog") for i in range(6)]


@pytest.fixture
def queue(world: World) -> World:
    world.flag(*KEYS)
    return world


def needed(world: World) -> dict[int, int]:
    with world.database.reading() as session:
        return dict(session.execute(select(SampleState.sample_id, SampleState.needed)).all())


def in_overlap(world: World, share: float) -> set[int]:
    with world.reading() as (_, access):
        project_id = access.id
    bound = overlap_bound(Policies(overlap_share=share))
    return {world.ids[key] for key in KEYS if lot_of(world.ids[key], project_id) < bound}


# -- overlap -----------------------------------------------------------------------------------------------------------


@both_backends
def test_the_database_draws_the_same_samples_as_the_rule(queue: World) -> None:
    queue.set_policies(overlap_share=0.5)
    drawn = in_overlap(queue, 0.5)
    assert 0 < len(drawn) < len(KEYS)
    assert needed(queue) == {queue.ids[key]: 2 if queue.ids[key] in drawn else 1 for key in KEYS}


@both_backends
def test_samples_that_are_flagged_later_are_drawn_too(world: World) -> None:
    world.set_policies(overlap_share=1.0)
    world.flag(*KEYS[:2])
    assert set(needed(world).values()) == {2}
    world.submit("alice", "train/dog/5.png", "keep")  # without a flag
    assert world.state("train/dog/5.png").needed == 2


def test_where_all_need_three_reviews_the_overlap_changes_nothing(queue: World) -> None:
    queue.set_policies(min_submitted=3, overlap_share=0.5)
    assert set(needed(queue).values()) == {3}


def test_a_sample_in_the_overlap_is_open_until_two_answered(queue: World) -> None:
    queue.set_policies(overlap_share=0.5)
    drawn = in_overlap(queue, 0.5)
    for key in KEYS:
        queue.submit("alice", key, "keep")
        twice = queue.ids[key] in drawn
        assert queue.state(key).state == ("open" if twice else "resolved")
    assert {queue.ids[key] for key in queue.next("bob", 50)} == drawn


def test_changing_the_share_settles_and_opens_what_is_answered(queue: World) -> None:
    queue.submit("alice", KEYS[0], "keep")
    queue.set_policies(overlap_share=1.0)
    assert queue.state(KEYS[0]).state == "open"
    queue.set_policies(overlap_share=0.0)
    assert queue.state(KEYS[0]).state == "resolved"


@pytest.mark.parametrize("wrong", [{"overlap_share": -0.1}, {"overlap_share": 1.1}, {"check_share": 0.6}])
def test_shares_that_make_no_sense_are_refused(queue: World, wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        queue.set_policies(**wrong)


# -- check samples -----------------------------------------------------------------------------------------------------


def add_checks(world: World, *lines: str) -> int:
    with world.writing("lena") as (session, access):
        return check_samples.add_listed(session, access, "\n".join(lines))


def settle(world: World, key: str, decision: str) -> None:
    with world.writing("lena") as (session, access):
        conflicts.adjudicate(
            session, access, world.ids[key], by_hand(decision), client_event_id=fresh(),
            base_version=world.state(key).version,
        )  # fmt: skip


def right(world: World) -> dict[str, tuple[int, int]]:
    with world.reading() as (session, access):
        found = checks_repository.right_by_reviewer(session, access.id)
    names = {world.actor(name).user_id: name for name in ("alice", "bob", "lena")}
    return {names[id_]: counts for id_, counts in found.items()}


@pytest.fixture
def checked(queue: World) -> World:
    """One sample that a lead settled and that is a check sample; half of what reviewers get are check samples."""
    settle(queue, KEYS[0], "remove")
    with queue.writing("lena") as (session, access):
        assert check_samples.add_adjudicated(session, access) == 1
    queue.set_policies(check_share=0.5)
    return queue


@both_backends
def test_each_reviewer_gets_a_settled_sample_among_the_others(checked: World) -> None:
    for name in ("alice", "bob"):
        taken = checked.next(name, 5)
        assert KEYS[0] in taken
        assert len(taken) == 5
        assert checked.next(name, 5) == taken, "asking again gives the same"


def test_without_a_share_it_comes_to_nobody(checked: World) -> None:
    checked.set_policies(check_share=0.0)
    assert KEYS[0] not in checked.next("alice", 50)


def test_it_is_not_given_again_to_who_answered_or_skipped_it(checked: World) -> None:
    checked.submit("alice", KEYS[0], "keep")
    checked.submit("bob", KEYS[0], SKIP)
    assert KEYS[0] not in checked.next("alice", 12)
    assert KEYS[0] not in checked.next("bob", 12)


def test_a_lead_is_not_tested_on_what_they_settled(checked: World) -> None:
    assert KEYS[0] not in checked.next("lena", 12)


def test_a_check_sample_follows_the_filter(checked: World) -> None:
    assert KEYS[0] not in checked.next("alice", 12, given_label="dog")
    assert KEYS[0] in checked.next("alice", 12, given_label="cat")


@both_backends
def test_an_answer_on_a_settled_one_changes_nothing_and_counts_for_its_reviewer(checked: World) -> None:
    before = checked.state(KEYS[0])
    checked.submit("alice", KEYS[0], "keep")
    checked.submit("bob", KEYS[0], "remove")
    after = checked.state(KEYS[0])
    assert (after.state, after.decision, after.reason, after.submitted) == ("resolved", "remove", before.reason, 0)
    assert right(checked) == {"alice": (0, 1), "bob": (1, 1)}


def test_a_wrong_answer_on_one_that_reviewers_settled_makes_no_conflict(queue: World) -> None:
    queue.submit("alice", KEYS[1], "keep")
    add_checks(queue, f"{KEYS[1]},keep")
    queue.submit("bob", KEYS[1], "remove")
    assert queue.state(KEYS[1]).state == "resolved"
    assert right(queue) == {"bob": (0, 1)}, "what alice said before it was a check does not count"


def test_a_change_of_mind_and_an_undo_stay_checks(checked: World) -> None:
    checked.submit("alice", KEYS[0], "keep")
    checked.submit("alice", KEYS[0], "remove")
    checked.undo("alice")
    review = checked.review("alice", KEYS[0])
    assert review is not None
    assert (review.is_check, review.decision) == (True, "keep")
    assert [event.payload.get("is_check", False) for event in checked.events()] == [False, True, True, True]


def test_an_open_sample_with_a_known_answer_is_decided_by_answers_as_ever(queue: World) -> None:
    add_checks(queue, f"{KEYS[1]},keep")
    queue.submit("alice", KEYS[1], "remove")
    state = queue.state(KEYS[1])
    assert (state.state, state.decision, right(queue)) == ("resolved", "remove", {"alice": (0, 1)})


def test_a_check_answer_counts_where_the_sample_is_open_again_without_it(queue: World) -> None:
    """Else a team of two could be left with a sample that nobody can be asked about."""
    queue.submit("alice", KEYS[1], "keep")
    add_checks(queue, f"{KEYS[1]},keep")
    queue.submit("bob", KEYS[1], "keep")
    queue.set_policies(min_submitted=2)
    assert (queue.state(KEYS[1]).state, queue.state(KEYS[1]).submitted) == ("resolved", 2)


@pytest.mark.parametrize("blind", [True, False])
def test_nothing_on_its_card_tells_a_reviewer(checked: World, blind: bool) -> None:
    checked.set_policies(check_share=0.5, blind=blind)

    def card(name: str, key: str):
        with checked.reading(name) as (session, access):
            return get_card(session, access, checked.ids[key])

    check, usual = card("alice", KEYS[0]), card("alice", KEYS[1])
    for field in ("state", "version", "others", "history", "review", "comments"):
        assert getattr(check, field) == getattr(usual, field), field
    checked.submit("alice", KEYS[0], "keep")
    answered = card("alice", KEYS[0])
    assert answered.others == []
    assert [step.reviewer for step in answered.history] == ["alice"]
    assert len(card("lena", KEYS[0]).history) == 2


def test_the_list_of_conflicts_tells_nothing_of_a_check_sample(checked: World) -> None:
    checked.submit("bob", KEYS[1], None)
    add_checks(checked, f"{KEYS[1]},keep")
    with checked.reading("alice") as (session, access):
        assert list_conflicts(session, access).rows[0].reviews == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train/cat/9.png,keep", "no image 'train/cat/9.png' is in the queue"),
        ("test/cat/0.png,keep", "is in the queue"),
        ("train/cat/1.png,relabel,fox", "'fox' is not a class"),
        ("train/cat/1.png,relabel,cat", "is the given label"),
        ("", "Between 1 and"),
    ],
)
def test_a_list_with_a_wrong_line_adds_nothing(queue: World, line: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        add_checks(queue, *([f"{KEYS[0]},keep"] if line else []), line)
    with queue.reading() as (session, access):
        assert checks_repository.count_checks(session, access.id) == 0


def test_a_new_answer_for_a_check_sample_starts_its_count_anew(checked: World) -> None:
    checked.submit("alice", KEYS[0], "keep")
    add_checks(checked, f"{KEYS[0]},keep")
    assert right(checked) == {}


def test_a_check_sample_can_be_made_one_like_any_other(checked: World) -> None:
    with checked.writing("lena") as (session, access):
        check_samples.remove(session, access, checked.ids[KEYS[0]])
    assert KEYS[0] not in checked.next("alice", 12)
    with checked.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SampleState)) == len(KEYS)


def test_a_version_is_not_told_of_answers_on_settled_checks(checked: World) -> None:
    from app.db.repositories.merging import list_submitted

    checked.submit("alice", KEYS[0], "keep")
    checked.submit("alice", KEYS[1], "keep")
    with checked.reading() as (session, access):
        named = [(row.sample_id, name) for row, name in list_submitted(session, access.id)]
    assert named == [(checked.ids[KEYS[0]], "lena"), (checked.ids[KEYS[1]], "alice")]


def test_who_answers_on_a_check_sample_is_not_told_what_a_lead_said(checked: World) -> None:
    """The card says that nobody answered; the refusal of an answer given unawares would say who did, and what."""
    with checked.writing("alice") as (session, access):
        card = get_card(session, access, checked.ids[KEYS[0]])
        done = submit_review(
            session, access, card.id, by_hand("keep"), client_event_id=fresh(), base_version=0,
            seen_version=card.version,
        )  # fmt: skip
    assert done.review.decision == "keep"


def test_many_answers_at_once_keep_the_check_hidden_and_marked(checked: World) -> None:
    ids = [checked.ids[key] for key in KEYS[:2]]
    with checked.writing("alice") as (session, access):
        seen = [(id_, get_card(session, access, id_).version) for id_ in ids]
        done = submit_selection(session, access, seen, by_hand("keep"), batch_id=fresh())
    assert (done.submitted, done.held_back) == (2, [])
    assert [checked.review("alice", key).is_check for key in KEYS[:2]] == [True, False]
    assert checked.state(KEYS[0]).decision == "remove"
