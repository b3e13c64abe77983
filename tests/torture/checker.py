"""Compares what Winnow hands out with what the reviewers' own logs say. Knows nothing of Winnow's code.

``events`` are the lines of ``reviews.jsonl``, ``log`` those of all reviewers. Every rule that is broken is a sentence.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = Mapping[str, Any]

NAMES = ("acknowledged", "lost", "applied twice", "unknown", "unknown and kept", "errors", "sent again", "undos")


@dataclass
class Told:
    """What one action's log lines say of it."""

    who: str
    kind: str
    sample: str | None
    body: Mapping[str, Any] = field(default_factory=dict)
    sent: int = 0
    said: Counter[str] = field(default_factory=Counter)
    answers: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        return self.said["ok"] > 0

    @property
    def may_be_kept(self) -> bool:
        """No request of it was answered with a no: one was lost, or met an error."""
        return self.said["lost"] + self.said["error"] > 0


@dataclass
class Verdict:
    figures: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(NAMES, 0)))
    broken: list[str] = field(default_factory=list)


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_log(lines: Iterable[Mapping[str, Any]]) -> dict[str, Told]:
    """The log by action."""
    told: dict[str, Told] = {}
    for line in lines:
        action = told.setdefault(line["id"], Told(line["who"], line["kind"], line["sample"]))
        if line["what"] == "send":
            action.body = line["body"]
            action.sent += 1
        else:
            action.said[line["what"]] += 1
            if line["what"] in ("ok", "conflict", "refused"):
                action.answers.append({"what": line["what"], **line.get("body", {})})
    return told


def check(events: Sequence[Event], log: Iterable[Mapping[str, Any]], keys: Mapping[int, str]) -> Verdict:
    """Every acknowledged decision once, every unknown one at most once, every lost race shown.

    ``keys`` are the samples' keys by number.
    """
    verdict, told = Verdict(), read_log(log)
    given = sorted((event for event in events if event["event"] in ("review", "undo", "redo")), key=lambda e: e["id"])
    _check_decisions(verdict, given, told, keys)
    _check_undos(verdict, given, told)
    _check_races(verdict, given, told)
    return verdict


def _expected(action: Told, keys: Mapping[int, str]) -> set[str]:
    """Keys of the samples on which an acknowledged action must stand."""
    if action.kind == "review":
        return {str(action.sample)}
    return {keys[id_] for answer in action.answers for id_ in answer.get("answered", ())}


def _check_decisions(
    verdict: Verdict, events: Sequence[Event], told: Mapping[str, Told], keys: Mapping[int, str]
) -> None:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event["event"] == "review":
            found[event["note"]].append(event)
    for id_ in found.keys() - told.keys():
        verdict.broken.append(f"event {found[id_][0]['id']}: nobody sent it")
    for id_, action in told.items():
        verdict.figures["sent again"] += action.sent - 1
        verdict.figures["errors"] += action.said["error"]
        if action.kind != "undo":
            _check_whether_kept(verdict, id_, action, found.get(id_, ()), keys)
            verdict.broken += [f"{id_}: {said}" for said in _contradictions(action, found.get(id_, ()))]


def _check_whether_kept(
    verdict: Verdict, id_: str, action: Told, events: Sequence[Event], keys: Mapping[int, str]
) -> None:
    figures, here = verdict.figures, Counter(event["image_id"] for event in events)
    if any(count > 1 for count in here.values()):
        figures["applied twice"] += 1
        verdict.broken.append(f"{id_}: kept {max(here.values())} times")
    if action.is_kept:
        figures["acknowledged"] += 1
        if not _expected(action, keys) <= here.keys():
            figures["lost"] += 1
            verdict.broken.append(f"{id_}: acknowledged to {action.who} and lost")
    elif action.may_be_kept:
        figures["unknown"] += 1
        figures["unknown and kept"] += bool(here)
    elif here:
        verdict.broken.append(f"{id_}: refused to {action.who}, and kept")


def _contradictions(action: Told, events: Sequence[Event]) -> Iterator[str]:
    """What an action's answers say, against each other and against its events."""
    if any(event["reviewer"] != action.who for event in events):
        yield "kept as another person's"
    numbers = {answer["event_id"] for answer in action.answers if "event_id" in answer}
    if numbers and numbers != {event["id"] for event in events}:
        yield f"its answers name the events {sorted(numbers)}"
    if action.is_kept and any(answer["what"] == "refused" for answer in action.answers):
        yield "kept, and refused when it was repeated"


def _check_undos(verdict: Verdict, events: Sequence[Event], told: Mapping[str, Told]) -> None:
    """Each undo took one step back, and only once."""
    by_number = {event["id"]: event for event in events}
    reverted = Counter(event["reverts"] for event in events if event["event"] == "undo")
    for number, count in reverted.items():
        if count > 1:
            verdict.broken.append(f"event {number} was taken back {count} times")
    steps = {by_number[number]["note"] for number in reverted if by_number[number]["event"] == "review"}
    undos = [action for action in told.values() if action.kind == "undo"]
    named = Counter(
        note for action in undos if action.is_kept for note in {a["undone"] for a in action.answers if "undone" in a}
    )
    verdict.figures["undos"] = sum(named.values())
    for note, count in named.items():
        if count > 1 or note not in steps:
            verdict.broken.append(f"{note}: said to be taken back {count} times; in the history: {note in steps}")
    unknown = sum(action.may_be_kept and not action.is_kept for action in undos)
    if len(steps - named.keys()) > unknown:
        verdict.broken.append(f"{len(steps - named.keys())} steps back, of which only {unknown} may be unknown")


def _check_races(verdict: Verdict, events: Sequence[Event], told: Mapping[str, Told]) -> None:
    """Whoever decided on what was no longer as they saw it was told so: M3.

    A race is lost when the reviewer's own answer is not the one that was built on, or when somebody else's answer came
    after what was looked at, and stands.
    """
    shown = sum(any(answer["what"] == "conflict" for answer in action.answers) for action in told.values())
    hidden = 0
    by_sample: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        action = told.get(event["note"]) if event["event"] == "review" else None
        earlier = by_sample[event["image_id"]]
        if action is not None and action.kind == "review":
            hidden += _is_hidden(verdict, event, action, earlier)
        earlier.append(event)
    verdict.figures["lost races shown"], verdict.figures["lost races hidden"] = shown, hidden


def _is_hidden(verdict: Verdict, event: Event, action: Told, earlier: Sequence[Event]) -> bool:
    own = sum(other["reviewer"] == event["reviewer"] for other in earlier)
    base, seen = action.body["base_version"], action.body.get("seen_version")
    if own != base:
        verdict.broken.append(f"{event['note']}: built on answer {base} of {action.who}, who had given {own}")
        return True
    if seen is None:
        return False
    last = {other["reviewer"]: (number, other) for number, other in enumerate(earlier)}
    unseen = {
        who for who, (number, other) in last.items() if number >= seen and _stands(other) and who != event["reviewer"]
    }
    if unseen:
        verdict.broken.append(f"{event['note']}: {action.who} was not told what {', '.join(sorted(unseen))} said")
    return bool(unseen)


def _stands(event: Event) -> bool:
    return bool(event["status"] == "submitted")


def standing_answers(events: Sequence[Event]) -> dict[tuple[str, str], tuple[Event, int]]:
    """What each reviewer's answer on each sample comes to: its last event, and how many there were."""
    found: dict[tuple[str, str], tuple[Event, int]] = {}
    for event in sorted((e for e in events if e["event"] in ("review", "undo", "redo")), key=lambda e: e["id"]):
        place = (event["reviewer"], event["image_id"])
        found[place] = (event, found[place][1] + 1 if place in found else 1)
    return found


def check_removals(events: Sequence[Event], removed: set[str]) -> list[str]:
    """Where one person alone decided, the removal list says what they said."""
    by_sample: dict[str, list[Event]] = defaultdict(list)
    for (_, sample), (event, _) in standing_answers(events).items():
        if _stands(event):
            by_sample[sample].append(event)
    sole = {sample: said[0]["decision"] for sample, said in by_sample.items() if len(said) == 1}
    return [
        f"{sample}: the only answer is {decision}, and it is {'' if sample in removed else 'not '}on the removal list"
        for sample, decision in sole.items()
        if (decision == "remove") != (sample in removed)
    ] + [f"{sample}: removed, and nobody said anything" for sample in removed - by_sample.keys()]
