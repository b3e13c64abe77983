"""The history read a second way: from the lines of ``reviews.jsonl`` straight to what is removed and relabelled.

``consensus`` and ``merge`` work on the database's current reviews; this folds the raw events, by plain counting, and
shares no code with them. Before the files of a version count, both must have come to the same lists; and whoever holds
a version's zip can replay it without a database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Line = Mapping[str, Any]
Said = tuple[str, str | None]
"""A decision and the new label that goes with it."""

_STEPS = ("review", "undo", "redo", "adjudication")


@dataclass(frozen=True, slots=True)
class Replayed:
    """The lists that a history comes to: image ids that go, and the new label of each that is relabelled."""

    removed: frozenset[str]
    relabelled: Mapping[str, str | None]


@dataclass
class _Pile:
    """What the lines say, sorted by image, the newest word of each author."""

    answers: dict[str, dict[str, Line]] = field(default_factory=lambda: defaultdict(dict))
    settled: dict[str, dict[str, Line]] = field(default_factory=lambda: defaultdict(dict))
    verdicts: dict[tuple[str, str], Line] = field(default_factory=dict)
    bulk: dict[int, Line] = field(default_factory=dict)
    revoked: set[int] = field(default_factory=set)
    bulk_images: dict[str, dict[int, str | None]] = field(default_factory=lambda: defaultdict(dict))
    needed: dict[str, int] = field(default_factory=dict)
    suggested: dict[str, str] = field(default_factory=dict)


def replay(lines: Iterable[Line], policies: Mapping[str, Any]) -> Replayed:
    """Fold the whole history, in the order of its lines, under ``policies`` as a version's snapshot has them."""
    pile = _Pile()
    for line in lines:
        _take(pile, line)
    leaking = _leaking(pile, policies.get("leak_side", "test"))
    removed, relabelled = set[str](), dict[str, str | None]()
    for image in {*pile.answers, *pile.settled, *pile.bulk_images, *leaking, *pile.suggested}:
        decision, label = _outcome(pile, image, policies, leaks=image in leaking)
        if decision == "remove":
            removed.add(image)
        elif decision == "relabel":
            relabelled[image] = label
    return Replayed(frozenset(removed), relabelled)


def _take(pile: _Pile, line: Line) -> None:
    kind = line["event"]
    if kind in _STEPS:
        kept = pile.settled if kind == "adjudication" else pile.answers
        kept[line["image_id"]].pop(line["reviewer"], None)  # the newest stands last
        kept[line["image_id"]][line["reviewer"]] = line
    elif kind == "leak_verdict":
        pile.verdicts[line["train_image"], line["test_image"]] = line
    elif kind == "needs":
        pile.needed.update(dict.fromkeys(line["image_ids"], line["reviews"]))
    elif kind == "suggestions":
        pile.suggested.update(line["new_labels"])
    elif kind == "bulk_apply":
        pile.bulk[line["bulk"]] = line
    elif kind == "bulk_revoke":
        pile.revoked.add(line["bulk"])
    elif kind == "bulk_samples":
        for image in line["image_ids"]:
            pile.bulk_images[image][line["bulk"]] = line["new_labels"].get(image)


def _leaking(pile: _Pile, side: str) -> set[str]:
    """Images that a confirmed pair of two splits removes."""
    found: set[str] = set()
    for (train, test), line in pile.verdicts.items():
        if line["verdict"] != "confirmed" or line["train_split"] == line["test_split"]:
            continue
        if side in ("test", "both"):
            found.add(test)
        if side in ("train", "both"):
            found.add(train)
    return found


def _outcome(pile: _Pile, image: str, policies: Mapping[str, Any], *, leaks: bool) -> tuple[str | None, str | None]:
    settled = [line for line in pile.settled[image].values() if line["status"] == "submitted"]
    if settled and settled[-1]["decision"] is not None:
        return _said(settled[-1])
    if leaks:
        return "remove", None
    if settled:
        return None, None  # a lead sent it back to discussion
    needed = pile.needed.get(image, max(1, policies.get("min_submitted", 1)))
    answers = [line for line in pile.answers[image].values() if line["status"] == "submitted"]
    counted = [line for line in answers if not line.get("is_check")]
    closed, said = _vote(counted, needed, policies.get("rule", "unanimous"))
    if not closed and len(counted) < len(answers):  # answers to a check count where there is nothing better
        counted = answers
        _, said = _vote(counted, needed, policies.get("rule", "unanimous"))
    if counted:
        return said or (None, None)
    return _without_answers(pile, image)


def _said(line: Line) -> Said:
    return line["decision"], line["new_label"]


def _vote(answers: list[Line], needed: int, rule: str) -> tuple[bool, Said | None]:
    """(whether these answers close the sample, what they agree on if anything)."""
    if any(line["decision"] is None for line in answers):
        return True, None
    votes = Counter(_said(line) for line in answers)
    if len(votes) == 1:
        return (True, next(iter(votes))) if len(answers) >= needed else (False, None)
    if not votes:
        return False, None
    if rule == "majority" and len(answers) < needed:
        return False, None
    (leading, count), *_ = votes.most_common(1)
    return True, leading if rule == "majority" and 2 * count > len(answers) else None


def _without_answers(pile: _Pile, image: str) -> tuple[str | None, str | None]:
    standing = [number for number in pile.bulk_images[image] if number in pile.bulk and number not in pile.revoked]
    if standing:
        newest = max(standing, key=lambda number: pile.bulk[number]["id"])
        return pile.bulk[newest]["decision"], pile.bulk_images[image][newest]
    if image in pile.suggested:
        return "relabel", pile.suggested[image]
    return None, None
