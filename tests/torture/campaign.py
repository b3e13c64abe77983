"""One run of torture: people decide, processes die, and at the end the books are compared."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fixtures.served import PASSWORD, Person
from tests.torture.checker import check, check_removals, read_lines, standing_answers
from tests.torture.connection import Connection, sign_in
from tests.torture.reviewer import Reviewer
from tests.torture.stand import Stand, write_images

ACCEPT = ("undecided", "open_conflicts", "open_leaks", "class_share", "lost_group", "both_sides")
LOOKS = 300
"""Answers that are looked at one by one in the end, besides the whole history."""


@dataclass(frozen=True)
class Plan:
    """``decisions`` are the acknowledged ones at which it ends; ``hot`` samples are fought for."""

    backend: str
    decisions: int
    kills: int
    seed: int
    reviewers: int = 20
    hot: int = 12

    @property
    def samples(self) -> int:
        return max(100, self.decisions // 2)


class Progress:
    """How many decisions were acknowledged so far."""

    def __init__(self) -> None:
        self._lock, self.count = threading.Lock(), 0

    def one_more(self) -> None:
        with self._lock:
            self.count += 1


def torture(plan: Plan, folder: Path) -> dict[str, Any]:
    """Run a plan in an empty folder; return figures, with every broken rule under ``broken``."""
    write_images(folder / "images", plan.samples)
    stand = Stand(plan.backend, folder, [folder / "images"])
    begun = time.monotonic()
    try:
        lead, names = _prepare(stand, plan)
        progress, faults = Progress(), Counter[str]()
        reviewers = _hire(stand, plan, lead, names, progress)
        busy = _work(stand, plan, reviewers, progress, faults)
        broken = [f"{r.name} stopped: {type(r.failure).__name__}: {r.failure}" for r in reviewers if r.failure]
        lines = [line for name in names for line in read_lines(folder / f"{name}.jsonl")]
        files = lead.freeze(*ACCEPT)
        lead.close()
        events = [json.loads(line) for line in files["reviews.jsonl"].splitlines()]
        keys = {card["id"]: card["key"] for card in _look_at_all(stand, lead)}
        verdict = check(events, lines, keys)
        broken += verdict.broken
        broken += check_removals(events, set(files["torture_removal_list.txt"].decode().split()))
        broken += _check_cards(stand, plan, events, {key: id_ for id_, key in keys.items()})
        return {
            "backend": plan.backend, "seed": plan.seed, "reviewers": plan.reviewers, **verdict.figures,
            "faults": dict(faults), "seconds": round(time.monotonic() - begun),
            "seconds under fire": round(busy), "broken": broken,
        }  # fmt: skip
    finally:
        stand.stop()


def _prepare(stand: Stand, plan: Plan) -> tuple[Person, list[str]]:
    stand.served.add_user("lena", "--admin")
    stand.start()
    lead = Person(stand.served, "lena", "")
    lead.make_project("Torture", stand.folder / "images")
    names = [f"reviewer{number}" for number in range(plan.reviewers)]
    stand.add_people(names, "--project", "torture")
    rows = [f"train/{'ab'[n % 2]}/{n:06}.png,mislabel,{0.5 + n / plan.samples / 2:.6f}" for n in range(plan.samples)]
    made = lead.upload("\n".join(["image_path,issue_type,confidence", *rows]).encode())
    assert made["flags_new"] == plan.samples, made
    return lead, names


def _look_at_all(stand: Stand, lead: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    person = Person(stand.served, "lena", "torture")
    while cursor is not None:
        page = person.get("/samples", limit=200, count="false", **({"cursor": cursor} if cursor else {}))
        found += page["rows"]
        cursor = page["next_cursor"]
    person.close()
    return found


def _hire(stand: Stand, plan: Plan, lead: Person, names: list[str], progress: Progress) -> list[Reviewer]:
    rng = random.Random(plan.seed)
    hot = [row["id"] for row in lead.get("/samples", limit=plan.hot, count="false")["rows"]]
    hired = []
    for name in names:
        cookie = sign_in(stand.served.port, name, PASSWORD)
        connections = (Connection(stand.served.port, cookie), Connection(stand.served.port, cookie))
        log = stand.folder / f"{name}.jsonl"
        api = "/api/v1/projects/torture"
        hired.append(Reviewer(name, connections, api, log, rng.randrange(2**32), hot, progress.one_more))
    return hired


def _work(stand: Stand, plan: Plan, reviewers: list[Reviewer], progress: Progress, faults: Counter[str]) -> float:
    """Let all work while things are killed; return how many seconds it took."""
    stopped = threading.Event()
    threads = [threading.Thread(target=reviewer.work, args=(stopped,)) for reviewer in reviewers]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    try:
        _kill_now_and_then(stand, plan, progress, faults, reviewers)
        while progress.count < plan.decisions and _anyone(reviewers):
            time.sleep(0.05)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    return time.monotonic() - begun


def _kill_now_and_then(
    stand: Stand, plan: Plan, progress: Progress, faults: Counter[str], reviewers: list[Reviewer]
) -> None:
    """Spread the kills over the decisions, each at a random moment of its part."""
    rng = random.Random(plan.seed + 1)
    part = plan.decisions / max(1, plan.kills)
    kinds = stand.faults
    for number in range(plan.kills):
        at = (number + rng.random()) * part
        while progress.count < at and _anyone(reviewers):
            time.sleep(0.002)
        # Each kind in turn at first, so that a short run meets all of them.
        what = kinds[number] if number < len(kinds) else rng.choice([*kinds, "server", "server"])
        faults[what] += stand.fault(what)


def _anyone(reviewers: list[Reviewer]) -> bool:
    return any(reviewer.failure is None for reviewer in reviewers)


def _check_cards(stand: Stand, plan: Plan, events: list[dict[str, Any]], ids: dict[str, int]) -> list[str]:
    """What the API shows to each reviewer as their answer is what their events come to."""
    standing = standing_answers(events)
    chosen = random.Random(plan.seed).sample(sorted(standing), min(LOOKS, len(standing)))
    broken = []
    people: dict[str, Person] = {}
    for name, key in chosen:
        if name not in people:
            people[name] = Person(stand.served, name, "torture")
        event, count = standing[name, key]
        review = people[name].get(f"/samples/{ids[key]}")["review"]
        shown = (review["status"], review["decision"], review["note"], review["version"])
        if shown != (event["status"], event["decision"], event["note"], count):
            broken.append(f"{key}: {name} is shown {shown}, the history says {event}, answer {count}")
    for person in people.values():
        person.close()
    return broken
