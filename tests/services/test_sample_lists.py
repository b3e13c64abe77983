"""The list of samples: every order and filter, page by page, and the views that people save."""

from __future__ import annotations

import pytest

from app.domain.errors import Conflict, InvalidInput, NotAllowed, NotFound
from app.services import list_samples, saved_views
from app.services.list_samples import SampleFilter, SampleOrder
from tests.fixtures.databases import both_backends
from tests.fixtures.world import by_hand

CATS = [f"train/cat/{i}.png" for i in range(6)]
DOGS = [f"train/dog/{i}.png" for i in range(6)]


@pytest.fixture
def mixed(world):
    """Twelve flags of two types and two detectors; two samples of one group, one on which detectors contradict."""
    world.bring(
        *(f"{i},{key},cat,mislabel,{0.9 - i / 20},dog,because" for i, key in enumerate(CATS)),
        *(f"d{i},{key},dog,low_quality,0.5,,dim {i}" for i, key in enumerate(DOGS)),
        source="first",
    )
    world.bring("0,train/cat/2.png,cat,mislabel,0.2,fox,another", source="second")
    world.bring(
        "0,train/dog/1.png,duplicate,0.4,g7", "1,train/dog/4.png,duplicate,0.3,g7", source="third",
        header="image_id,image_path,issue_type,confidence,group_id",
    )  # fmt: skip
    world.submit("alice", CATS[1], "keep")
    world.submit("bob", DOGS[0], by_hand("remove", tags=["low_quality_corrupt"], note="all black"))
    return world


def walk(world, wanted=None, order=SampleOrder.CONFIDENCE, limit=5):
    """All keys, page by page, then the same backwards from the last page."""
    keys, pages, cursor = [], [], None
    while True:
        with world.reading() as (session, access):
            page = list_samples.list_samples(
                session, access, wanted or SampleFilter(), order=order, cursor=cursor, limit=limit
            )
        keys += [row.key for row in page.rows]
        pages.append(page)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    back = [row.key for row in pages[-1].rows]
    cursor = pages[-1].previous_cursor
    while cursor:
        with world.reading() as (session, access):
            page = list_samples.list_samples(
                session, access, wanted or SampleFilter(), order=order, cursor=cursor, limit=limit
            )
        back = [row.key for row in page.rows] + back
        cursor = page.previous_cursor
    assert back == keys
    assert all(page.total == len(keys) for page in pages)
    return keys


@both_backends
@pytest.mark.parametrize("order", list(SampleOrder))
def test_every_order_shows_each_sample_once_forwards_and_backwards(mixed, order):
    keys = walk(mixed, order=order)
    assert sorted(keys) == sorted(CATS + DOGS)
    if order is SampleOrder.CONFIDENCE:
        # What two sources flag comes before what one is surer of.
        assert keys[0] == CATS[2]
        assert [key for key in keys if key in CATS] == [CATS[2], *CATS[:2], *CATS[3:]]
    elif order is SampleOrder.CLASS:
        assert keys[:6] == [CATS[2], *CATS[:2], *CATS[3:]]
    elif order is SampleOrder.PATH:
        assert keys == sorted(CATS + DOGS)
    elif order is SampleOrder.GROUPS:
        assert set(keys[:2]) == {DOGS[1], DOGS[4]}
    elif order is SampleOrder.DISAGREEMENT:
        assert keys[0] == CATS[2]
    elif order is SampleOrder.NEWEST:
        assert set(keys[:2]) == {CATS[1], DOGS[0]}


@both_backends
@pytest.mark.parametrize("order", list(SampleOrder))
def test_the_queue_follows_the_same_orders(mixed, order):
    found = mixed.next("lena", 50, order=order)
    assert sorted(found) == sorted(set(CATS + DOGS) - {CATS[1], DOGS[0]})
    assert found == [key for key in walk(mixed, order=order) if key in found]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"issue_type": "mislabel"}, CATS),
        ({"given_label": "dog"}, DOGS),
        ({"min_confidence": 0.8}, CATS[:3]),
        ({"issue_type": "mislabel", "max_confidence": 0.25}, [CATS[2]]),
        ({"source": "second"}, [CATS[2]]),
        ({"suggested_label": "fox"}, [CATS[2]]),
        ({"source": "first", "suggested_label": "fox"}, []),
        ({"group": "g7"}, [DOGS[1], DOGS[4]]),
        ({"state": "resolved"}, [CATS[1], DOGS[0]]),
        ({"decision": "remove"}, [DOGS[0]]),
        ({"tag": "low_quality_corrupt"}, [DOGS[0]]),
        ({"reviewer": "alice"}, [CATS[1]]),
        ({"q": "DIM 3"}, [DOGS[3]]),
        ({"q": "all black"}, [DOGS[0]]),
        ({"q": "cat/5"}, [CATS[5]]),
        ({"q": "100%"}, []),
        ({"split": "test"}, []),
        ({"leak": "open"}, []),
    ],
)
@both_backends
def test_a_filter_takes_in_what_it_says(mixed, wanted, found):
    assert sorted(walk(mixed, SampleFilter(**wanted))) == sorted(found)


def test_a_cursor_of_another_list_is_refused(mixed):
    with mixed.reading() as (session, access):
        page = list_samples.list_samples(session, access, SampleFilter(), limit=2)
        for cursor in ("7", "x", page.next_cursor[:-6], "W10=", "WyJwYXRoIixmYWxzZSxbbnVsbF1d"):
            with pytest.raises(InvalidInput, match="no cursor of this list"):
                list_samples.list_samples(session, access, SampleFilter(), order=SampleOrder.PATH, cursor=cursor)
    with pytest.raises(InvalidInput, match="Sort by confidence, class"):
        list_samples.read_order("size")


def save(world, name, view, query, shared=False):
    with world.writing(name) as (session, access):
        return saved_views.save_view(session, access, name=view, query=query, is_shared=shared)


def names(world, name):
    with world.reading(name) as (session, access):
        return [(view.name, view.query, view.is_own) for view in saved_views.list_views(session, access)]


@both_backends
def test_a_view_is_ones_own_until_it_is_shared(world):
    save(world, "alice", "  sure   cats ", "?given_label=cat&min_confidence=0.9&sort=class&q=&cursor=abc")
    assert names(world, "alice") == [("sure cats", "given_label=cat&min_confidence=0.9&sort=class", True)]
    assert names(world, "bob") == []
    save(world, "alice", "sure cats", "given_label=cat", shared=True)
    assert names(world, "bob") == [("sure cats", "given_label=cat", False)]
    assert len(names(world, "alice")) == 1


def test_a_view_deletes_who_made_it_or_a_lead(world):
    own, shared = save(world, "alice", "own", ""), save(world, "alice", "shared", "", shared=True)

    def delete(name, view):
        with world.writing(name) as (session, access):
            saved_views.delete_view(session, access, view.id)

    with pytest.raises(NotFound):
        delete("bob", own)
    with pytest.raises(NotAllowed):
        delete("bob", shared)
    delete("lena", shared)
    delete("alice", own)
    assert names(world, "alice") == []


def test_a_view_with_no_name_or_an_unknown_field_is_refused(world):
    with pytest.raises(InvalidInput, match="needs a name"):
        save(world, "alice", "   ", "")
    with pytest.raises(InvalidInput, match="no 'colour'"):
        save(world, "alice", "x", "colour=red")
    with pytest.raises(InvalidInput, match="too long"):
        save(world, "alice", "x", "q=" + "y" * 3000)
    for number in range(saved_views.MOST):
        save(world, "alice", f"view {number}", "")
    with pytest.raises(Conflict, match="Delete one first"):
        save(world, "alice", "one more", "")
