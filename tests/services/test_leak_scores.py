"""What verification says of pairs: scores and transforms that are kept, rejected pairs that nobody is asked about."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from app.deliverables import leaks
from app.domain.errors import NotFound
from app.domain.formats.leaks_report import read_leaks_report
from app.domain.leaks import LeakCandidate, LeakType, MatchMethod, Transform, Verdict
from app.services import dashboard, finish, leak_groups, leak_overview, leak_pairs, leak_runs, leak_summary
from app.services.leak_pairs import PairFilter
from tests.fixtures.databases import both_backends
from tests.fixtures.findings import TRAIN_TEST, accepted, collect, found, rejected
from tests.fixtures.world import World, fresh

CAT, DOG, OTHER = TRAIN_TEST


def pairs(world: World, **wanted: Any):
    with world.reading() as (session, access):
        return leak_pairs.list_pairs(session, access, PairFilter(**wanted))


def keys(world: World, **wanted: Any) -> list[tuple[str, str]]:
    return [(pair.train.key, pair.test.key) for pair in pairs(world, **wanted).items]


def judge(world: World, verdict: Verdict) -> None:
    pair = pairs(world).items[0]
    with world.writing("alice") as (session, access):
        leak_pairs.decide_pair(session, access, pair.id, verdict, client_event_id=fresh(), base_version=pair.version)


def report(world: World, run_id: int, **options: bool):
    with world.reading() as (session, access):
        _, text = leak_summary.run_report(session, access, run_id, **options)
    return read_leaks_report(io.StringIO(text))


@both_backends
def test_pairs_keep_score_and_transform_and_come_by_score(world):
    collect(world, [
        *accepted(CAT, 0.4, Transform.CROPPED), *accepted(DOG, 0.97, Transform.MIRRORED),
        found(OTHER, MatchMethod.PERCEPTUAL, 0.6),
    ])  # fmt: skip
    shown = pairs(world).items
    assert [(p.test.key, p.similarity, p.score, p.transform) for p in shown] == [
        (DOG[1], 0.97, 0.97, "mirrored"), (OTHER[1], 0.6, None, None), (CAT[1], 0.4, 0.4, "cropped"),
    ]  # fmt: skip
    assert shown[0].described == "0.97, mirrored: almost surely the same shot"
    assert (shown[1].described, shown[1].transform_words) == (None, None)
    assert {(m.method, m.similarity, m.score) for m in shown[0].matches} == {
        ("perceptual", 0.92, 0.97), ("verified", 0.97, 0.97),
    }  # fmt: skip


def test_pairs_are_filtered_by_transform_and_by_score(scored_run):
    world, run_id = scored_run
    assert keys(world, transform="mirrored") == [DOG]
    assert keys(world, min_score=0.5) == [CAT, DOG]
    assert keys(world, min_score=0.5, transform="cropped", run_id=run_id) == []
    assert keys(world, method="verified") == [CAT, DOG]


@both_backends
def test_a_pair_that_verification_rejected_is_nowhere_but_in_the_report(world):
    collect(world, rejected(DOG, 0.1))
    assert pairs(world).items == []
    assert pairs(world).counts == {"open": 0, "confirmed": 0, "rejected": 0}
    with world.reading() as (session, access):
        run = leak_runs.list_runs(session, access)[0]
        assert (run.candidates, run.open) == (0, 0)
        steps = {step.title: step for step in dashboard.make_dashboard(session, access).steps}
        assert steps["Find leaks"].done
        with pytest.raises(NotFound):
            leak_pairs.decide_pair(session, access, 1, Verdict.CONFIRMED, client_event_id=fresh(), base_version=0)
        assert "open_leaks" not in {check.code for check in finish.merge_project(session, access.project).checks}
    assert report(world, run.id) == []


def test_the_report_gives_rejected_ones_on_request_and_reads_back(scored_run):
    world, run_id = scored_run
    plain = report(world, run_id)
    assert {(r.test_image, r.score, r.transform) for r in plain} == {
        (CAT[1], 1.0, Transform.IDENTICAL_FILE), (DOG[1], 0.97, Transform.MIRRORED),
    }  # fmt: skip
    whole = report(world, run_id, include_rejected=True)
    extra = [row for row in whole if row not in plain]
    assert {(r.test_image, r.leak_type, r.score) for r in extra} == {(OTHER[1], LeakType.REJECTED, 0.12)}
    assert {row.method for row in extra} == {MatchMethod.PERCEPTUAL, MatchMethod.VERIFIED}


def test_a_pair_that_a_later_run_accepts_can_be_judged(world):
    collect(world, rejected(DOG, 0.1))
    collect(world, accepted(DOG, 0.8, Transform.ROTATED))
    pair = pairs(world).items[0]
    assert (pair.score, pair.transform, pair.leak_type) == (0.8, "rotated", "near_duplicate")


@pytest.mark.parametrize("verdict", [Verdict.CONFIRMED, Verdict.REJECTED])
def test_a_later_run_that_rejects_a_pair_leaves_verdict_and_pair_alone(world, verdict):
    first = collect(world, [found(DOG, MatchMethod.PERCEPTUAL, 0.95)])
    judge(world, verdict)
    second = collect(world, rejected(DOG, 0.1))
    pair = pairs(world).items[0]
    assert (pair.verdict, pair.decided_by, pair.leak_type) == (verdict.value, "alice", "near_duplicate")
    assert (pair.similarity, pair.score) == (0.1, 0.1)
    assert [row.verdict for row in report(world, first)] == [verdict]
    assert report(world, second) == []
    assert keys(world, run_id=second) == []
    with world.reading() as (session, access):
        # A version rests on what was accepted: its report still has the pair.
        assert [r.similarity for r in leak_summary.report_rows(session, access.id)] == [0.95]
        counts = {run.id: run.candidates for run in leak_runs.list_runs(session, access)}
    assert counts == {first: 1, second: 0}


def test_a_run_without_scores_takes_none_away(world):
    collect(world, accepted(DOG, 0.8, Transform.ROTATED))
    collect(world, [found(DOG, MatchMethod.PERCEPTUAL, 0.99)])
    pair = pairs(world).items[0]
    assert (pair.similarity, pair.score, pair.transform) == (0.8, 0.8, "rotated")


def test_a_version_frozen_before_scores_is_still_read(scored_run):
    world, run_id = scored_run
    raw = leaks.report_row_json(report(world, run_id)[0])
    old = {name: value for name, value in raw.items() if name not in ("score", "transform")}
    assert leaks.report_row_from_json(raw).score == 1.0
    assert leaks.report_row_from_json(old).score is None


# -- added up ---------------------------------------------------------------------------------------------------------


def overview(world: World, run_id: int) -> leak_overview.RunOverview:
    with world.reading() as (session, access):
        return leak_overview.run_overview(session, access, run_id)


@both_backends
def test_scores_transforms_and_classes_of_a_run_are_added_up(scored_run):
    shown = overview(*scored_run)
    assert {b.low: (b.accepted, b.rejected) for b in shown.bins if b.accepted + b.rejected} == {
        0.1: (0, 1), 0.9: (2, 0),
    }  # fmt: skip
    assert [(e.transform, e.pairs) for e in shown.transforms] == [("identical_file", 1), ("mirrored", 1)]
    assert shown.matrix is not None
    assert shown.matrix.test_classes == ["cat", "dog"]
    assert [[cell.pairs for cell in row.cells] for row in shown.matrix.rows] == [[1, 0], [0, 1]]
    assert not any(cell.is_conflict for row in shown.matrix.rows for cell in row.cells)


def test_a_run_that_verified_nothing_has_classes_and_no_scores(world):
    run_id = collect(world, [found((CAT[0], DOG[1]), MatchMethod.PERCEPTUAL, 0.95)])
    shown = overview(world, run_id)
    assert (shown.bins, shown.transforms) == ([], [])
    assert shown.matrix is not None
    assert [(row.train_class, [c.is_conflict for c in row.cells]) for row in shown.matrix.rows] == [
        ("cat", [False, True]), ("dog", [False, False]),
    ]  # fmt: skip


def test_small_classes_are_summed_beyond_twelve():
    classes = [(f"class {i:02}", f"class {i:02}", 100 - i) for i in range(40)]
    matrix = leak_overview._matrix([*classes, ("class 00", "class 39", 7)])
    assert matrix is not None
    assert (len(matrix.rows), len(matrix.test_classes), matrix.rest) == (12, 12, 29)
    assert matrix.test_classes[-1] == "29 more"
    assert sum(cell.pairs for row in matrix.rows for cell in row.cells) == sum(n for _, _, n in classes) + 7
    assert matrix.rows[0].cells[-1].is_conflict


def test_a_rejected_verdict_leaves_the_matrix(world):
    run_id = collect(world, accepted(DOG, 0.9, Transform.RESIZED))
    judge(world, Verdict.REJECTED)
    assert overview(world, run_id).matrix is None


# -- groups -----------------------------------------------------------------------------------------------------------


def groups(world: World, run_id: int) -> list[dict[str, Any]]:
    with world.reading() as (session, access):
        rows = leak_groups.run_groups(session, access, run_id)
    return [dict(zip(leak_groups.GROUP_COLUMNS, row, strict=True)) for row in rows]


@both_backends
def test_train_copies_of_one_test_image_are_a_group(world):
    copies = [("train/cat/0.png", CAT[1]), ("train/cat/1.png", CAT[1]), ("train/cat/2.png", CAT[1])]
    run_id = collect(world, [c for pair in copies for c in accepted(pair, 0.9, Transform.RESIZED)])
    rows = groups(world, run_id)
    assert [(row["image"], row["split"], row["label"]) for row in rows] == [
        (CAT[1], "test", "cat"), *((train, "train", "cat") for train, _ in copies),
    ]  # fmt: skip
    assert len({row["group"] for row in rows}) == 1
    assert rows[0]["links"] == "train/cat/0.png | train/cat/1.png | train/cat/2.png"
    assert {(p.group.number, p.group.size) for p in pairs(world).items} == {(rows[0]["group"], 4)}


def test_a_chain_is_no_group_and_a_rejected_verdict_takes_a_link_away(world):
    chain = [("train/cat/1.png", "train/cat/0.png"), ("train/cat/2.png", "train/cat/1.png"),
             ("train/cat/3.png", "train/cat/2.png")]  # fmt: skip
    run_id = collect(world, [c for pair in chain for c in accepted(pair, 0.9, Transform.CROPPED)], scope="within")
    rows = groups(world, run_id)
    assert [row["image"] for row in rows] == [f"train/cat/{i}.png" for i in range(4)]
    assert len({row["group"] for row in rows}) == 2
    sizes = {(p.train.key, p.test.key): p.group.size if p.group else None for p in pairs(world).items}
    assert sizes == {chain[0]: 2, chain[1]: None, chain[2]: 2}
    judge(world, Verdict.REJECTED)
    assert [row["image"] for row in groups(world, run_id)] == [f"train/cat/{i}.png" for i in (1, 2)]


def test_weak_and_rejected_pairs_hold_no_group(world):
    same_scene = LeakCandidate(
        *DOG, MatchMethod.SEMANTIC, 0.97, LeakType.SAME_SCENE, score=0.1, transform=Transform.SAME_SCENE
    )
    run_id = collect(world, [same_scene, *rejected(CAT, 0.2)])
    assert groups(world, run_id) == []
    judge(world, Verdict.CONFIRMED)
    assert [row["image"] for row in groups(world, run_id)] == [DOG[1], DOG[0]]


def test_the_table_of_groups_can_be_downloaded(client, scored_run):
    world, run_id = scored_run
    base = f"/api/v1/projects/{world.slug}/leaks"
    answer = client("carol").get(f"{base}/runs/{run_id}/groups.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="pets_leaks_groups.csv"'
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert tuple(rows[0]) == leak_groups.GROUP_COLUMNS
    assert len(rows) == 5
    assert client("carol").get(f"{base}/runs/999/groups.csv").status_code == 404
