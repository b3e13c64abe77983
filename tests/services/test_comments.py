"""Comments on a sample: who sees them, when, and who is told."""

from __future__ import annotations

import pytest

from app.domain.errors import InvalidInput, NotAllowed, NotFound
from app.services import comments
from app.services.comments import CommentView
from app.services.conflicts import list_conflicts
from app.services.sample_card import get_card
from tests.fixtures.databases import both_backends
from tests.fixtures.world import World, fresh

KEY = "train/cat/0.png"


@pytest.fixture
def flagged(world: World) -> World:
    world.flag(KEY, "train/cat/1.png")
    return world


def say(world: World, name: str, text: str, key: str = KEY, event: str | None = None) -> int:
    with world.writing(name) as (session, access):
        return comments.add_comment(session, access, world.ids[key], text, client_event_id=event or fresh()).id


def seen(world: World, name: str, key: str = KEY) -> list[CommentView] | None:
    with world.reading(name) as (session, access):
        listed = comments.list_comments(session, access, world.ids[key])
        assert get_card(session, access, world.ids[key]).comments == listed
        return listed


def texts(world: World, name: str) -> list[str | None] | None:
    found = seen(world, name)
    return None if found is None else [comment.text for comment in found]


def unread(world: World, name: str) -> int:
    with world.reading(name) as (session, access):
        return comments.count_unread(session, access)


@both_backends
def test_comments_stand_in_the_order_in_which_they_came(flagged: World) -> None:
    flagged.set_policies(blind=False)
    say(flagged, "alice", "first")
    say(flagged, "bob", "second")
    assert texts(flagged, "lena") == texts(flagged, "alice") == ["first", "second"]


@both_backends
def test_where_reviewing_is_blind_they_show_once_ones_own_answer_is_in(flagged: World) -> None:
    say(flagged, "alice", "this is a dog")
    assert texts(flagged, "bob") is None
    assert texts(flagged, "alice") == ["this is a dog"]
    assert texts(flagged, "lena") == ["this is a dog"], "leads see all"
    flagged.submit("bob", KEY, "keep")
    assert texts(flagged, "bob") == ["this is a dog"]
    flagged.undo("bob")
    assert texts(flagged, "bob") is None


def test_where_nobody_said_anything_nothing_is_hidden(flagged: World) -> None:
    assert seen(flagged, "bob") == []


@both_backends
def test_who_is_named_is_told_once_and_not_of_themselves(flagged: World) -> None:
    say(flagged, "alice", "@bob and @lena and @bob: @alice asks, and @root. Not @mallory, not @carol.")
    assert {name: unread(flagged, name) for name in ("alice", "bob", "lena", "carol", "root")} == {
        "alice": 0, "bob": 1, "lena": 1, "carol": 0, "root": 1,
    }  # fmt: skip


def test_a_mention_on_a_sample_not_yet_answered_keeps_its_text_back(flagged: World) -> None:
    say(flagged, "alice", "@bob a dog, no?")

    def mention():
        with flagged.reading("bob") as (session, access):
            return comments.list_mentions(session, access)[0]

    assert (mention().key, mention().author, mention().text, mention().is_unread) == (KEY, "alice", None, True)
    flagged.submit("bob", KEY, "keep")
    assert mention().text == "@bob a dog, no?"


@both_backends
def test_reading_on_one_sample_leaves_the_others_unread(flagged: World) -> None:
    say(flagged, "alice", "@bob one")
    say(flagged, "alice", "@bob two", "train/cat/1.png")
    with flagged.writing("bob") as (session, access):
        comments.mark_read(session, access, flagged.ids[KEY])
    assert unread(flagged, "bob") == 1
    with flagged.reading("bob") as (session, access):
        assert [m.is_unread for m in comments.list_mentions(session, access)] == [True, False]
    with flagged.writing("bob") as (session, access):
        comments.mark_read(session, access)
    assert unread(flagged, "bob") == 0


def test_a_comment_is_withdrawn_by_its_author_and_keeps_its_place(flagged: World) -> None:
    comment_id = say(flagged, "alice", "@bob wrong of me")
    with pytest.raises(NotAllowed), flagged.writing("lena") as (session, access):
        comments.withdraw(session, access, comment_id)
    for _ in range(2):
        with flagged.writing("alice") as (session, access):
            comments.withdraw(session, access, comment_id)
    assert texts(flagged, "lena") == [None]
    assert unread(flagged, "bob") == 0
    with flagged.database.reading() as session:
        kept = session.get_one(comments.Comment, comment_id)
        assert kept.text == "@bob wrong of me", "it stays in the history"


def test_the_same_request_again_comments_once(flagged: World) -> None:
    event = fresh()
    assert say(flagged, "alice", "@bob once", event=event) == say(flagged, "alice", "@bob once", event=event)
    assert texts(flagged, "alice") == ["@bob once"]
    with pytest.raises(InvalidInput):
        say(flagged, "bob", "mine", event=event)


def test_viewers_and_outsiders_say_nothing(flagged: World) -> None:
    with pytest.raises(NotAllowed):
        say(flagged, "carol", "hello")
    with pytest.raises(NotFound), flagged.writing("alice") as (session, access):
        comments.add_comment(session, access, 10**6, "where?", client_event_id=fresh())


def test_the_conflicts_show_them_under_the_same_rule(flagged: World) -> None:
    flagged.submit("alice", KEY, None)
    say(flagged, "alice", "what is it?")

    def in_conflicts(name: str):
        with flagged.reading(name) as (session, access):
            return list_conflicts(session, access).rows[0].sample.comments

    assert [c.text for c in in_conflicts("lena")] == ["what is it?"]
    assert in_conflicts("bob") is None


def test_a_check_sample_shows_a_reviewer_none_of_the_others(flagged: World) -> None:
    from app.services import check_samples

    flagged.submit("lena", KEY, "keep")
    say(flagged, "lena", "clearly a cat")
    with flagged.writing("lena") as (session, access):
        check_samples.add_listed(session, access, f"{KEY},keep")
    assert texts(flagged, "alice") == []
    flagged.submit("alice", KEY, "remove")
    assert texts(flagged, "alice") == []
