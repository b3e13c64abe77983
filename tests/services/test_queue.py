"""The review queue: what comes next, for whom, and for how long it is theirs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain.errors import NotAllowed
from app.services import review_queue
from tests.fixtures.databases import both_backends
from tests.fixtures.world import SKIP

KEYS = [f"train/{label}/{i}.png" for label in ("cat", "dog") for i in range(6)]


@pytest.fixture
def queue(world):
    world.flag(*KEYS)
    return world


def test_the_surest_flag_comes_first(queue):
    assert queue.next("alice", 3) == KEYS[:3]


@both_backends
def test_two_reviewers_asking_at_once_never_get_the_same_sample(queue):
    people = ["alice", "bob", "lena", "root"]
    start = threading.Barrier(len(people))

    def take(name: str) -> list[str]:
        start.wait()
        return queue.next(name, 3)

    for _ in range(4):
        with ThreadPoolExecutor(len(people)) as pool:
            taken = [key for keys in pool.map(take, people) for key in keys]
        assert sorted(taken) == sorted(KEYS)
        for name in people:
            with queue.writing(name) as (session, access):
                review_queue.give_back(session, access)


@both_backends
def test_what_one_holds_is_not_given_to_another(queue):
    assert queue.next("alice", 4) == KEYS[:4]
    assert queue.next("bob", 4) == KEYS[4:8]


def test_asking_again_gives_the_same_samples(queue):
    assert queue.next("alice", 3) == queue.next("alice", 3)


@both_backends
def test_a_sample_left_alone_comes_back(queue):
    assert queue.next("alice", 2, lease=-1) == KEYS[:2]
    assert queue.next("bob", 2) == KEYS[:2]


def test_given_back_is_free_at_once(queue):
    queue.next("alice", 2)
    with queue.writing("alice") as (session, access):
        review_queue.give_back(session, access)
    assert queue.next("bob", 2) == KEYS[:2]


def test_what_the_page_holds_already_is_not_sent_again(queue):
    held = queue.next("alice", 2)
    assert queue.next("alice", 2, exclude=held) == KEYS[2:4]


def test_asking_for_more_extends_the_time_of_what_the_page_holds(queue):
    held = queue.next("alice", 2, lease=0.5)
    queue.next("alice", 1, exclude=held, lease=600)
    threading.Event().wait(0.6)
    assert not set(queue.next("bob", 3)) & set(held)


def test_nobody_reserves_what_another_holds_by_naming_it(queue):
    held = queue.next("alice", 2, lease=600)
    queue.next("bob", 1, exclude=held)
    with queue.writing("alice") as (session, access):
        review_queue.give_back(session, access)
    assert queue.next("lena", 2) == held


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"given_label": "dog"}, KEYS[6:]),
        ({"split": "test"}, []),
        ({"issue_type": "outlier"}, []),
        ({"issue_type": "mislabel", "given_label": "cat"}, KEYS[:6]),
        ({"min_confidence": 0.945}, KEYS[:5]),
        ({"max_confidence": 0.895}, KEYS[10:]),
        ({"min_confidence": 0.91, "max_confidence": 0.935}, KEYS[6:9]),
    ],
)
def test_a_filter_takes_in_what_it_says_and_counts_it(queue, wanted, expected):
    from datetime import timedelta

    with queue.writing("alice") as (session, access):
        found = review_queue.next_samples(
            session, access, review_queue.SampleFilter(**wanted), count=50, exclude=[], lease=timedelta(minutes=1)
        )
    assert [card.key for card in found.items] == expected
    assert (found.total, found.remaining, found.decided) == (len(expected), len(expected), 0)


@both_backends
def test_an_answered_sample_is_not_asked_again(queue):
    queue.submit("alice", KEYS[0], "keep")
    assert KEYS[0] not in queue.next("alice", 50)
    assert KEYS[0] not in queue.next("bob", 50)


def test_a_skipped_sample_goes_to_somebody_else(queue):
    queue.next("alice", 1)
    queue.submit("alice", KEYS[0], SKIP)
    assert KEYS[0] not in queue.next("alice", 50)
    with queue.writing("alice") as (session, access):
        review_queue.give_back(session, access)
    assert queue.next("bob", 1) == [KEYS[0]]


@both_backends
def test_two_reviews_a_sample_means_exactly_two_people_get_it(queue):
    queue.set_policies(min_submitted=2)
    assert queue.next("alice", 1) == queue.next("bob", 1) == [KEYS[0]]
    assert KEYS[0] not in queue.next("lena", 50)
    queue.submit("alice", KEYS[0], "keep")
    assert KEYS[0] not in queue.next("root", 50)
    queue.submit("bob", KEYS[0], "keep")
    assert queue.state(KEYS[0]).state == "resolved"


def test_asking_for_more_reviews_opens_what_one_had_settled(queue):
    queue.submit("alice", KEYS[0], "keep")
    queue.set_policies(min_submitted=2)
    assert queue.state(KEYS[0]).state == "open"
    assert queue.next("bob", 1) == [KEYS[0]]


def test_asking_for_fewer_reviews_settles_what_has_enough(queue):
    queue.set_policies(min_submitted=2)
    queue.submit("alice", KEYS[0], "remove")
    queue.set_policies(min_submitted=1)
    state = queue.state(KEYS[0])
    assert (state.state, state.decision, state.how) == ("resolved", "remove", "sole")


def test_a_viewer_gets_nothing_to_review(queue):
    with pytest.raises(NotAllowed):
        queue.next("carol")


def test_a_flag_without_confidence_comes_after_those_that_have_one(world):
    world.bring("a,train/cat/0.png,cat,outlier,,,x", "b,train/cat/1.png,cat,outlier,0.2,,x")
    assert world.next("alice", 2) == ["train/cat/1.png", "train/cat/0.png"]


@both_backends
def test_the_surest_flag_of_a_sample_stands_first_on_its_card(world):
    from app.services.sample_card import get_card

    world.bring("a,train/cat/0.png,cat,outlier,,,x", "b,train/cat/0.png,cat,mislabel,0.2,dog,x")
    with world.reading("alice") as (session, access):
        card = get_card(session, access, world.ids["train/cat/0.png"])
    assert [flag.issue_type for flag in card.flags] == ["mislabel", "outlier"]


def test_others_answers_stay_hidden_until_ones_own_is_in(queue):
    from app.services.sample_card import get_card

    queue.set_policies(min_submitted=2)
    queue.submit("alice", KEYS[0], "keep")

    def card(name: str):
        with queue.reading(name) as (session, access):
            return get_card(session, access, queue.ids[KEYS[0]])

    assert card("bob").others is None
    assert card("bob").history == []
    queue.submit("bob", KEYS[0], "remove")
    assert [(o.reviewer, o.decision) for o in card("bob").others] == [("alice", "keep")]


def test_the_list_of_conflicts_does_not_tell_a_reviewer_what_they_have_yet_to_answer(queue):
    from app.services.conflicts import list_conflicts

    queue.set_policies(min_submitted=2)
    queue.submit("alice", KEYS[0], None)
    queue.submit("lena", KEYS[0], "keep")

    def seen(name: str):
        with queue.reading(name) as (session, access):
            return list_conflicts(session, access).rows[0]

    assert seen("bob").reviews == []
    assert "alice" not in seen("bob").reason
    assert len(seen("alice").reviews) == 2
    assert len(seen("lena").reviews) == 2


@both_backends
def test_a_sample_opened_by_its_address_is_held_if_it_is_free(queue):
    opened = [queue.ids[KEYS[0]]]
    ask(queue, "alice", count=1, exclude=opened, fill_in=opened)
    assert KEYS[0] not in queue.next("bob", 12)
    ask(queue, "bob", count=1, exclude=opened, fill_in=opened)
    with queue.writing("alice") as (session, access):
        review_queue.give_back(session, access)
    assert KEYS[0] in queue.next("lena", 12), "bob, who only looked on, must not hold it"


def ask(world, name, **options):
    from datetime import timedelta

    options = {"count": 20, "exclude": [], "lease": timedelta(minutes=10), **options}
    with world.writing(name) as (session, access):
        return review_queue.next_samples(session, access, review_queue.SampleFilter(), **options)


@both_backends
def test_who_has_nothing_left_is_told_what_became_of_the_rest(queue):
    queue.set_policies(min_submitted=2)
    queue.submit("alice", KEYS[0], SKIP)
    queue.submit("alice", KEYS[1], "keep")
    queue.submit("alice", KEYS[2], "keep")
    for key in KEYS[3:]:
        queue.submit("bob", key, "keep")
        queue.submit("lena", key, "keep")
    end = ask(queue, "alice")
    assert (end.items, end.remaining, end.skipped, end.answered) == ([], 3, 1, 2)


def test_counts_come_when_they_are_asked_for_or_nothing_is_left(queue):
    quick = ask(queue, "alice", count=1, counts=False)
    assert len(quick.items) == 1
    assert (quick.remaining, quick.total, quick.decided) == (None, None, None)
    assert ask(queue, "alice", count=1).total == len(KEYS)
    ask(queue, "alice")
    assert ask(queue, "bob", counts=False).remaining == len(KEYS)
