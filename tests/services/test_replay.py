"""Two ways from the history to the lists: the rules on current reviews, and the raw events counted anew, must agree."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.db.models.reviews import ReviewRow
from app.domain.consensus import BulkAnswer, Resolution, Rule, State
from app.domain.errors import InvalidFile, WinnowError
from app.domain.merge import ConfirmedLeak, LeakSide, SampleCase, leaving, merge_sample
from app.domain.replay import replay
from app.domain.taxonomy import Decision
from app.services import conflicts, leak_pairs, view_versions
from app.services.submit_review import resolve_rows
from app.services.write_deliverables import write_deliverables
from tests.fixtures.world import World, by_hand, fresh
from tests.services.test_versions import files, folder

IMAGES = ("train/cat/0.png", "test/cat/0.png", "train/dog/1.png")
PEOPLE = ("alice", "bob", "carol")
ANY_ANSWER = [
    ("submitted", "keep", None), ("submitted", "remove", None), ("submitted", "relabel", "dog"),
    ("submitted", "relabel", "fox"), ("submitted", None, None), ("skipped", None, None), ("draft", None, None),
]  # fmt: skip

answers = st.tuples(
    st.sampled_from(IMAGES), st.sampled_from(PEOPLE), st.booleans(), st.sampled_from(ANY_ANSWER)
)  # fmt: skip
verdicts = st.sampled_from(["confirmed", "rejected", "open"])
bulks = st.lists(
    st.tuples(st.sampled_from(["keep", "remove"]), st.sets(st.sampled_from(IMAGES)), st.booleans()), max_size=3
)


def line_of(number: int, image: str, person: str, is_lead: bool, said: tuple[Any, ...], checks: set[Any]) -> dict:
    is_check = not is_lead and (image, person) in checks
    line = {"event": "adjudication" if is_lead else "review", "id": number, "image_id": image, "reviewer": person}
    line |= dict(zip(("status", "decision", "new_label"), said, strict=True))
    return line | ({"is_check": True} if is_check else {})


def rows_of(lines: list[dict], image: str) -> list[tuple[ReviewRow, str]]:
    """The current reviews, as the database keeps them."""
    newest = {(line["reviewer"], line["event"]): line for line in lines if line["image_id"] == image}
    return [
        (
            ReviewRow(
                is_adjudication=kind == "adjudication", is_check=line.get("is_check", False), status=line["status"],
                decision=line["decision"], new_label=line["new_label"], tags=[], note="", last_event_id=line["id"],
            ),
            name,
        )
        for (name, kind), line in newest.items()
    ]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(answers, max_size=14), st.sets(st.tuples(st.sampled_from(IMAGES), st.sampled_from(PEOPLE)), max_size=3),
    verdicts, bulks, st.sampled_from(list(Rule)), st.sampled_from(list(LeakSide)), st.integers(1, 3),
    st.dictionaries(st.sampled_from(IMAGES), st.integers(1, 3)),
    st.dictionaries(st.sampled_from(IMAGES), st.just("elk")),
)  # fmt: skip
def test_counting_raw_events_comes_to_what_the_rules_come_to(
    said: Any, checks: Any, verdict: str, bulk: Any, rule: Rule, side: LeakSide, usual: int, needs: Any, suggested: Any
) -> None:
    lines = [line_of(number, *one, checks) for number, one in enumerate(said)]
    leak = {"event": "leak_verdict", "train_image": IMAGES[0], "test_image": IMAGES[1], "verdict": verdict}
    told: list[dict] = [{**leak, "train_split": "train", "test_split": "test"}]
    told += [{"event": "needs", "reviews": n, "image_ids": [image]} for image, n in needs.items()]
    told += [{"event": "suggestions", "new_labels": suggested}]
    for number, (decision, images, revoked) in enumerate(bulk):
        told += [{"event": "bulk_apply", "bulk": number, "id": number, "decision": decision}]
        told += [{"event": "bulk_samples", "bulk": number, "image_ids": sorted(images), "new_labels": {}}]
        told += [{"event": "bulk_revoke", "bulk": number, "id": 99}] if revoked else []
    policies = {"min_submitted": usual, "rule": rule.value, "leak_side": side.value}

    pair = ConfirmedLeak(IMAGES[0], IMAGES[1], "lena")
    removed, relabelled = set(), {}
    for image in IMAGES:
        standing = [decision for decision, images, revoked in bulk if image in images and not revoked]
        in_bulk = BulkAnswer(Decision(standing[-1]), None, (), "lena") if standing else None
        resolution, submitted = resolve_rows(rows_of(lines, image), rule, needs.get(image, usual), in_bulk)
        leaks = (pair,) if verdict == "confirmed" and image in leaving(pair, side) else ()
        unseen = suggested.get(image) if not submitted else None
        split, label, _ = image.split("/")
        merged = merge_sample(SampleCase(image, split, label, (), resolution, leaks, unseen))
        removed |= {image} if merged.decision is Decision.REMOVE else set()
        relabelled |= {image: merged.new_label} if merged.decision is Decision.RELABEL else {}

    replayed = replay([*lines, *told], policies)
    assert (replayed.removed, dict(replayed.relabelled)) == (removed, relabelled)


def at_work(world: World, seed: int) -> None:
    """People answer, take back, make again, settle and judge, at random."""
    chance = random.Random(seed)
    keys = sorted(world.ids)[:8]
    world.flag(*keys, suggested="dog")
    world.set_policies(
        min_submitted=chance.choice([1, 2]), rule=chance.choice(list(Rule)), leak_side=chance.choice(list(LeakSide)),
        overlap_share=chance.choice([0.0, 0.5]), suggestion_threshold=chance.choice([None, 0.5]),
    )  # fmt: skip
    world.start_leaks(methods=("exact",))
    world.work()
    given_answers = ["keep", "remove", by_hand("relabel", "dog"), by_hand("relabel", "cat"), by_hand(None)]
    for _ in range(40):
        key, name = chance.choice(keys), chance.choice(["alice", "bob"])
        try:
            match chance.randrange(8):
                case 0:
                    world.undo(name)
                case 1:
                    world.redo(name)
                case 2:
                    settle(world, key, chance.choice(given_answers[1:]))
                case 3:
                    judge(world, chance)
                case _:
                    world.submit(name, key, chance.choice(given_answers))
        except WinnowError:
            pass  # refused, and nothing changed: a relabel to the given label, nothing to undo, a group's last image


def settle(world: World, key: str, given_answer: Any) -> None:
    given_answer = by_hand("remove") if given_answer == "remove" else given_answer
    with world.writing("lena") as (session, access):
        version = world.state(key).version
        conflicts.adjudicate(
            session, access, world.ids[key], given_answer, client_event_id=fresh(), base_version=version
        )


def judge(world: World, chance: random.Random) -> None:
    with world.writing("alice") as (session, access):
        pairs = leak_pairs.list_pairs(session, access, leak_pairs.PairFilter()).items
        if not pairs:
            return
        pair = chance.choice(pairs)
        leak_pairs.decide_pair(
            session, access, pair.id, chance.choice(list(leak_pairs.Verdict)), client_event_id=fresh(),
            base_version=pair.version,
        )  # fmt: skip


EVERY_CHECK = (
    "undecided", "open_conflicts", "open_leaks", "class_share", "lost_group", "both_sides", "vanished_class",
    "policies",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_a_version_of_busy_people_replays_to_its_own_lists(world, seed):
    at_work(world, seed)
    world.freeze(*EVERY_CHECK)
    world.work()
    assert files(world, 1)["MANIFEST.json"]  # written last: the replay before it found no difference


def test_files_are_not_handed_out_when_the_history_says_something_else(world):
    world.flag("train/cat/0.png", "train/dog/0.png")
    world.submit("alice", "train/cat/0.png", "remove")
    world.freeze(*EVERY_CHECK)
    with world.database.writing() as session:  # a fault in the rules would look like this
        from sqlalchemy import text as sql

        session.execute(
            sql("UPDATE version_samples SET outcome = replace(CAST(outcome AS TEXT), '\"remove\"', '\"keep\"')")
        )
    world.work()
    with world.reading() as (session, access):
        view = view_versions.get_version(session, access, 1)
    assert (view.state, view.files) == ("failed", [])
    assert "train/cat/0.png" in str(view.error)
    with pytest.raises(InvalidFile, match="removal list says something else than the history"):
        write_deliverables(world.database, 1, world.settings.folder("versions"))


def test_the_history_alone_with_the_policies_of_the_manifest_gives_the_lists(world):
    world.set_policies(min_submitted=2, rule=Rule.MAJORITY)
    world.flag("train/cat/0.png", "train/dog/0.png")
    for name in ("alice", "bob"):
        world.submit(name, "train/cat/0.png", "remove")
    world.submit("alice", "train/dog/0.png", "remove")
    world.freeze(*EVERY_CHECK)
    world.work()
    told = files(world, 1)
    lines = [json.loads(line) for line in told["reviews.jsonl"].splitlines()]
    replayed = replay(lines, json.loads(told["MANIFEST.json"])["policies"])
    assert (replayed.removed, dict(replayed.relabelled)) == ({"train/cat/0.png"}, {})
    assert (folder(world, 1) / "pets_removal_list.txt").read_text() == "train/cat/0.png\n"


def test_an_open_sample_is_neither_removed_nor_relabelled():
    assert merge_sample(SampleCase("a", "train", "cat", (), Resolution(State.OPEN))).decision is None
    assert replay([], {}) == replay([{"event": "bulk_revoke", "bulk": 1, "id": 2}], {})
