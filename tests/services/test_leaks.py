"""Leak runs through their real shards, and the verdicts on what they find."""

from __future__ import annotations

import io

import pytest

from app.domain.errors import Conflict, InvalidInput, NotAllowed
from app.domain.formats.leaks_report import read_leaks_report
from app.domain.leaks import Verdict
from app.services import leak_pairs, leak_runs, leak_summary
from app.services.leak_pairs import PairFilter
from tests.fixtures.databases import both_backends
from tests.fixtures.world import fresh

ACROSS = {
    ("train/cat/0.png", "test/cat/0.png", "identical_file"),
    ("train/cat/2.png", "test/dog/2.png", "identical_pixels"),
    ("train/dog/1.png", "test/dog/1.jpg", "near_duplicate"),
}


def pairs(world, **wanted):
    with world.reading() as (session, access):
        return leak_pairs.list_pairs(session, access, PairFilter(**wanted))


def found(world) -> set[tuple[str, str, str]]:
    return {(p.train.key, p.test.key, p.leak_type) for p in pairs(world).items}


def run_view(world):
    with world.reading() as (session, access):
        return leak_runs.list_runs(session, access)[0]


@both_backends
def test_a_run_finds_the_copies_between_train_and_test(world):
    _, job_id, is_new = world.start_leaks()
    assert is_new
    reading, comparing, searching, verifying, collecting = 5, 2, 2, 2, 1
    assert world.work() == reading + comparing + searching + verifying + collecting
    assert world.job(job_id).state == "done"
    assert found(world) == ACROSS
    results = [path.name for path in world.settings.folder("results").rglob("*") if path.is_file()]
    assert not [name for name in results if name.endswith((".thumbs.npy", ".npz"))], "nobody needs them any more"
    shown = run_view(world)
    assert (shown.state, shown.candidates, shown.open, shown.problems) == ("done", 3, 3, 0)


def test_a_pair_whose_labels_differ_is_a_label_conflict(world):
    world.start_leaks()
    world.work()
    assert {p.test.key for p in pairs(world).items if p.label_conflict} == {"test/dog/2.png"}


def test_a_run_inside_one_split_names_each_pair_once(world):
    world.start_leaks(scope="within", train_split="train")
    world.work()
    assert found(world) == {("train/cat/5.png", "train/cat/4.png", "identical_file")}


def test_one_method_alone_finds_what_it_can(world):
    world.start_leaks(methods=("exact",))
    world.work()
    assert found(world) == {pair for pair in ACROSS if pair[2] != "near_duplicate"}


def test_verified_alone_finds_copies_in_every_part_of_the_train_side(world):
    world.start_leaks(methods=("verified",))
    world.work()
    assert {(train, test) for train, test, _ in found(world)} == {(train, test) for train, test, _ in ACROSS}


def test_the_same_run_started_twice_is_one_job(world):
    first = world.start_leaks()
    assert world.start_leaks("root") == (*first[:2], False)
    assert world.start_leaks(phash_threshold=6)[2]


def test_a_run_again_finds_the_same_pairs_and_keeps_the_verdicts(world):
    world.start_leaks()
    world.work()
    known = {p.id for p in pairs(world).items}
    decide(world, "alice", next(iter(known)), "confirmed")
    world.start_leaks()
    world.work()
    assert {p.id for p in pairs(world).items} == known
    assert pairs(world).counts == {"open": 2, "confirmed": 1, "rejected": 0}


def test_unreadable_images_are_reported_and_stop_nothing(world):
    (world.root / "test/cat/1.png").write_bytes(b"no image at all")
    (world.root / "test/cat/2.png").unlink()
    run_id, job_id, _ = world.start_leaks()
    world.work()
    assert world.job(job_id).state == "done_with_errors"
    assert found(world) == ACROSS
    with world.reading() as (session, access):
        problems = leak_summary.run_problems(session, access, run_id)
    assert [key for key, _, _ in problems] == ["test/cat/1.png", "test/cat/2.png"]
    assert all(message for _, _, message in problems)


def test_a_cancelled_run_ends_and_adds_no_candidates(world):
    _, job_id, _ = world.start_leaks()
    world.step()
    world.cancel(job_id)
    world.work()
    assert world.job(job_id).state == "cancelled"
    assert pairs(world).items == []
    assert world.start_leaks()[2]


@pytest.mark.parametrize("name", ["comparing", "looking for copies", "checking pixels"])
def test_a_run_cancelled_in_the_middle_of_a_shard_stops_there(world, monkeypatch, name):
    """Nobody waits for the heartbeat: work that asks is told."""
    from app.domain.errors import JobCancelled
    from workers import runner
    from workers.jobs import HANDLERS

    monkeypatch.setattr(runner, "STOP_CHECK_SECONDS", 0)
    ended = []

    def cancelled_under_way(environment, claimed, context):
        if claimed.name == name:
            world.cancel(claimed.job_id)
        try:
            HANDLERS["leaks"](environment, claimed, context)
        except JobCancelled:
            ended.append(claimed.name)
            raise

    _, job_id, _ = world.start_leaks()
    world.work({**HANDLERS, "leaks": cancelled_under_way})

    assert ended == [name]
    assert world.job(job_id).state == "cancelled"


def test_collecting_twice_changes_nothing(world):
    from workers.jobs import HANDLERS

    def twice(environment, claimed, context):
        HANDLERS["leaks"](environment, claimed, context)
        if claimed.name == "collecting candidates":
            HANDLERS["leaks"](environment, claimed, context)

    world.start_leaks()
    world.work({**HANDLERS, "leaks": twice})
    assert len(pairs(world).items) == 3
    assert all(len(p.matches) <= 3 for p in pairs(world).items)


def test_the_report_reads_back_and_names_the_columns_first(world):
    run_id, _, _ = world.start_leaks()
    world.work()
    with world.reading() as (session, access):
        name, text = leak_summary.run_report(session, access, run_id)
        _, summary = leak_summary.run_summary(session, access, run_id)
    assert name == "pets_leaks_report.csv"
    assert text.startswith("train_image,test_image,method,similarity,leak_type,hamming_distance")
    rows = list(read_leaks_report(io.StringIO(text)))
    assert {(r.train_image, r.test_image) for r in rows} == {pair[:2] for pair in ACROSS}
    assert "identical_file" in summary


@pytest.mark.parametrize(
    "params",
    [
        {"methods": ()}, {"methods": ("magic",)}, {"scope": "everywhere"}, {"test_split": "train"},
        {"phash_threshold": 33}, {"phash_threshold": -1}, {"semantic_threshold": 0.0},
        {"semantic_threshold": float("nan")}, {"batch_size": 0}, {"test_split": "nowhere"},
    ],
)  # fmt: skip
def test_a_run_that_makes_no_sense_is_refused_and_queues_nothing(world, params):
    with pytest.raises(InvalidInput):
        world.start_leaks(**params)
    with world.reading() as (session, access):
        assert leak_runs.list_runs(session, access) == []
    assert world.work() == 0


@pytest.mark.parametrize("name", ["alice", "carol"])
def test_only_leads_start_runs(world, name):
    with pytest.raises(NotAllowed):
        world.start_leaks(name)


# -- verdicts -------------------------------------------------------------------------------------------------------


def decide(world, name: str, pair_id: int, verdict: str, *, base: int | None = None, event: str | None = None):
    with world.writing(name) as (session, access):
        version = next(p.version for p in pairs(world).items if p.id == pair_id) if base is None else base
        return leak_pairs.decide_pair(
            session, access, pair_id, Verdict(verdict), client_event_id=event or fresh(), base_version=version
        )


@pytest.fixture
def judged(world):
    world.start_leaks(methods=("exact",))
    world.work()
    return world


@both_backends
def test_a_verdict_is_kept_and_can_be_taken_back(judged):
    pair = pairs(judged).items[0]
    done = decide(judged, "alice", pair.id, "confirmed")
    assert (done.verdict, done.decided_by, done.version) == ("confirmed", "alice", 1)
    back = decide(judged, "bob", pair.id, "open")
    assert (back.verdict, back.decided_by, back.decided_at) == ("open", None, None)


def test_the_same_verdict_sent_again_counts_once(judged):
    pair, event = pairs(judged).items[0], fresh()
    first = decide(judged, "alice", pair.id, "confirmed", event=event, base=0)
    assert decide(judged, "alice", pair.id, "confirmed", event=event, base=0).version == first.version == 1


def test_a_verdict_over_a_stale_one_is_refused_with_the_current_pair(judged):
    pair = pairs(judged).items[0]
    decide(judged, "alice", pair.id, "rejected")
    with pytest.raises(Conflict) as refused:
        decide(judged, "bob", pair.id, "confirmed", base=0)
    assert refused.value.details["current"]["verdict"] == "rejected"


def test_a_viewer_gives_no_verdict(judged):
    with pytest.raises(NotAllowed):
        decide(judged, "carol", pairs(judged).items[0].id, "confirmed")


def test_candidates_come_in_pages_without_gaps_or_repeats(judged, monkeypatch):
    monkeypatch.setattr(leak_pairs, "PAGE", 1)
    seen, cursor = [], None
    while True:
        with judged.reading() as (session, access):
            page = leak_pairs.list_pairs(session, access, PairFilter(), cursor)
        seen += [p.id for p in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 2


def test_what_was_judged_leaves_the_open_list(judged):
    pair = pairs(judged).items[0]
    decide(judged, "alice", pair.id, "rejected")
    assert pair.id not in {p.id for p in pairs(judged, verdict="open").items}
    assert {p.id for p in pairs(judged, verdict="rejected").items} == {pair.id}
