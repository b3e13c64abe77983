"""The checker finds each kind of broken promise in books that were made up."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.torture.checker import check, check_removals

Books = tuple[list[dict[str, Any]], list[dict[str, Any]]]
KEYS = {1: "one.png", 2: "two.png"}


def event(number: int, who: str, sample: str, note: str, decision: str = "keep", **more: Any) -> dict[str, Any]:
    return {
        "event": "review", "id": number, "reviewer": who, "image_id": sample, "note": note, "status": "submitted",
        "decision": decision, "reverts": None, **more,
    }  # fmt: skip


def line(
    who: str, id_: str, what: str, *, sample: str = "one.png", kind: str = "review", **body: Any
) -> dict[str, Any]:
    return {"who": who, "id": id_, "kind": kind, "sample": sample, "what": what, "body": body}


def good_books() -> Books:
    """Ann decides, bob's race is lost and shown, he decides on what he then saw; a decision of his stays unknown."""
    events = [
        event(1, "ann", "one.png", "a1"), event(2, "bob", "one.png", "b2"), event(3, "bob", "two.png", "b3"),
        event(4, "ann", "two.png", "a4"), event(5, "ann", "two.png", "", reverts=4, status="draft") | {"event": "undo"},
    ]  # fmt: skip
    log = [
        line("ann", "a1", "send", base_version=0, seen_version=0), line("ann", "a1", "ok", event_id=1),
        line("bob", "b1", "send", base_version=0, seen_version=0), line("bob", "b1", "conflict", message="ann"),
        line("bob", "b2", "send", base_version=0, seen_version=1), line("bob", "b2", "lost"),
        line("bob", "b2", "send", base_version=0, seen_version=1), line("bob", "b2", "ok", event_id=2),
        line("bob", "b3", "send", sample="two.png", base_version=0, seen_version=0),
        line("bob", "b3", "lost", sample="two.png"),
        line("ann", "a4", "send", sample="two.png", base_version=0, seen_version=1),
        line("ann", "a4", "ok", sample="two.png", event_id=4),
        line("ann", "u5", "send", kind="undo"), line("ann", "u5", "ok", kind="undo", undone="a4"),
    ]  # fmt: skip
    return events, log


def broken(books: Books) -> list[str]:
    return check(*books, KEYS).broken


def test_good_books_are_good_and_counted():
    verdict = check(*good_books(), KEYS)
    assert verdict.broken == []
    assert verdict.figures == {
        "acknowledged": 3, "lost": 0, "applied twice": 0, "unknown": 1, "unknown and kept": 1, "errors": 0,
        "sent again": 1, "undos": 1, "lost races shown": 1, "lost races hidden": 0,
    }  # fmt: skip


def _drop(events, log):
    del events[0]


def _double(events, log):
    events.append(event(9, "bob", "two.png", "b3"))


def _nobody(events, log):
    events.append(event(9, "bob", "two.png", "somebody's"))


def _refused_and_kept(events, log):
    events.append(event(9, "bob", "one.png", "b1"))


def _overwritten(events, log):
    log[4]["body"]["base_version"] = log[6]["body"]["base_version"] = 3


def _unseen(events, log):
    log[4]["body"]["seen_version"] = log[6]["body"]["seen_version"] = 0


def _two_numbers(events, log):
    log.append(line("ann", "a1", "ok", event_id=7))


def _stranger(events, log):
    events[0]["reviewer"] = "bob"


def _undone_twice(events, log):
    events.append({**events[4], "id": 9})


def _undo_lost(events, log):
    del events[4]


def _undo_of_nobody(events, log):
    del log[-2:]


CASES = {
    "an acknowledged decision is gone": (_drop, "acknowledged to ann and lost"),
    "an unknown one stands twice": (_double, "kept 2 times"),
    "nobody sent it": (_nobody, "nobody sent it"),
    "a refused one was kept": (_refused_and_kept, "refused to bob, and kept"),
    "a stale tab won": (_overwritten, "built on answer 3"),
    "a race was lost unawares": (_unseen, "was not told what ann said"),
    "a repetition made a second event": (_two_numbers, "name the events"),
    "it counts for another person": (_stranger, "another person's"),
    "one step back was made twice": (_undone_twice, "taken back 2 times"),
    "an acknowledged step back is gone": (_undo_lost, "in the history: False"),
    "a step back that nobody asked for": (_undo_of_nobody, "only 0 may be unknown"),
}


@pytest.mark.parametrize(("change", "said"), CASES.values(), ids=CASES)
def test_each_broken_promise_is_found(change, said):
    books = copy.deepcopy(good_books())
    change(*books)
    assert any(said in sentence for sentence in broken(books)), broken(books)


def test_the_removal_list_is_held_against_the_answers():
    events = [event(1, "ann", "one.png", "a1", "remove"), event(2, "bob", "two.png", "b2")]
    assert check_removals(events, {"one.png"}) == []
    assert len(check_removals(events, set())) == 1
    assert len(check_removals(events, {"one.png", "two.png"})) == 1
    assert len(check_removals(events, {"one.png", "three.png"})) == 1
