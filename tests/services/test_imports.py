"""Imports: every row counted, the same file changes nothing, a newer one keeps every review."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.db.models.imports import ImportReject
from app.domain.errors import InvalidFile, InvalidInput
from app.services import view_imports
from tests.fixtures.databases import both_backends
from workers.jobs import HANDLERS

ROWS = (
    "c0,train/cat/0.png,cat,mislabel,0.97,dog,looks like a dog (0.97)",
    "c1,./train/cat/1.png,cat,outlier,0.61,,far from its class",
    "d0,train\\dog\\0.png,dog,duplicate,0.88,,same as train/dog/1.png",
    "d0,train/dog/0.png,dog,blurry,0.40,,soft",
    "t0,test/cat/0.png,cat,leak,,,also in train",
)
BAD = (
    "x,train/cat/99.png,cat,mislabel,0.5,dog,no such image",
    "y,../secret.png,cat,mislabel,0.5,dog,outside",
    "x,train/cat/2.png,cat,mislabel,97,dog,percent",
    "x,train/cat/2.png,cat,,0.5,dog,no type",
    "x,train/cat/2.png,cat,mislabel,0.5,dog",
)


@both_backends
def test_an_export_brings_its_flags_and_counts_every_row(world):
    done = world.bring(*ROWS, *BAD)
    assert (done.state, done.rows_total, done.rows_accepted, done.rows_rejected) == ("done", 10, 5, 5)
    assert (done.flags_new, done.flags_updated, done.flags_unchanged) == (5, 0, 0)
    assert [f.issue_type for f in world.flags()] == ["mislabel", "outlier", "duplicate", "quality", "leak"]
    assert world.next("alice", 9) == ["train/dog/0.png", "train/cat/0.png", "train/cat/1.png", "test/cat/0.png"]


def test_rejected_rows_are_kept_with_their_line_and_the_reason(world):
    done = world.bring(*ROWS, *BAD)
    with world.reading() as (session, access):
        rejects = view_imports.list_rejects(session, access, done.id, None)
    assert [(r.line, r.code) for r in rejects] == [
        (7, "unknown_image"), (8, "outside_dataset"), (9, "bad_confidence"), (10, "no_issue_type"),
        (11, "wrong_field_count"),
    ]  # fmt: skip
    assert "train/cat/99.png" in rejects[0].reason
    assert rejects[0].raw


def test_the_same_file_again_changes_nothing(world):
    world.bring(*ROWS, *BAD)
    before = [(f.id, f.issue_type, f.confidence, f.reason) for f in world.flags()]
    again = world.bring(*ROWS, *BAD)
    assert (again.flags_new, again.flags_updated, again.flags_unchanged) == (0, 0, 5)
    assert [(f.id, f.issue_type, f.confidence, f.reason) for f in world.flags()] == before


@both_backends
def test_a_newer_export_adds_and_updates_flags_and_keeps_every_review(world):
    world.bring(*ROWS)
    world.submit("alice", "train/cat/0.png", "keep")
    newer = world.bring(
        "c0,train/cat/0.png,cat,mislabel,0.35,dog,looks like a dog (0.35)",
        "c3,train/cat/3.png,cat,mislabel,0.99,dog,new",
    )
    assert (newer.flags_new, newer.flags_updated) == (1, 1)
    flag = next(f for f in world.flags() if f.suggested_label == "dog" and f.image_id == "c0")
    assert (flag.confidence, flag.reason) == (0.35, "looks like a dog (0.35)")
    assert len(world.flags()) == 6
    state = world.state("train/cat/0.png")
    assert (state.state, state.decision, state.submitted) == ("resolved", "keep", 1)
    assert len(world.events()) == 1


def test_a_lower_confidence_in_a_newer_export_lowers_the_place_in_the_queue(world):
    world.bring("a,train/cat/0.png,cat,mislabel,0.9,dog,x", "b,train/cat/1.png,cat,mislabel,0.5,dog,x")
    world.bring("a,train/cat/0.png,cat,mislabel,0.1,dog,x")
    assert world.next("alice", 2) == ["train/cat/1.png", "train/cat/0.png"]


def test_a_less_sure_detector_does_not_lower_the_place_that_another_one_gave(world):
    world.bring("a,train/cat/0.png,cat,mislabel,0.9,dog,x", "b,train/cat/1.png,cat,mislabel,0.5,dog,x")
    world.bring("a,train/cat/0.png,cat,outlier,0.2,,x", source="another detector")
    assert world.next("alice", 2) == ["train/cat/0.png", "train/cat/1.png"]


def test_two_detectors_keep_their_flags_apart(world):
    world.bring(ROWS[0], source="first")
    second = world.bring(ROWS[0], source="second")
    assert second.flags_new == 1
    assert {f.source for f in world.flags()} == {"first", "second"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \n \n", "empty"),
        (b"a,b,c\n1,2,3\n", "lacks the column"),
        (b"\x89PNG\r\n\x1a\n", "not a CSV"),
        ("image_path,flag\nä,x\n".encode("utf-16"), "UTF-8"),
        (b"path,flag,path,\n", "twice"),
    ],
)
def test_a_file_that_is_no_export_is_refused_before_anything_is_kept(world, data, said):
    from app.services.import_flags import start_import

    folder = world.settings.folder("uploads")
    with pytest.raises(InvalidFile, match=said), world.writing("lena") as (session, access):
        start_import(session, world.doorbell, access, folder=folder, file_name="x.csv", data=data)
    assert list(folder.iterdir()) == []
    with world.reading() as (session, access):
        assert view_imports.list_imports(session, access) == []


def test_an_import_that_fails_leaves_the_flags_as_they_were(world):
    world.bring(*ROWS)
    before = [(f.id, f.confidence) for f in world.flags()]
    import_id = world.send("a,train/cat/1.png,cat,outlier,0.99,,x")
    stored = world.settings.folder("uploads") / world.import_(import_id).stored_name
    stored.write_bytes(b"\xff\xfe broken on the disk")
    world.work()
    failed = world.import_(import_id)
    assert failed.state == "failed"
    assert "UTF-8" in (failed.error or "")
    assert world.job(failed.job_id).state == "failed"
    assert [(f.id, f.confidence) for f in world.flags()] == before


def test_an_import_whose_file_is_gone_is_shown_as_failed(world):
    import_id = world.send(*ROWS)
    (world.settings.folder("uploads") / world.import_(import_id).stored_name).unlink()
    world.work()
    with world.reading() as (session, access):
        shown = view_imports.get_import(session, access, import_id)
    assert shown.state == "failed"
    assert shown.error
    assert world.flags() == []


def test_an_import_cancelled_while_it_runs_changes_nothing(world):
    rows = [f"n{i},train/cat/{i % 5}.png,cat,mislabel,0.5,dog,row {i}" for i in range(2500)]
    import_id = world.send(*rows)
    job_id = world.import_(import_id).job_id

    def cancel_first(environment, claimed, context):
        world.cancel(job_id)
        HANDLERS["import"](environment, claimed, context)

    world.work({**HANDLERS, "import": cancel_first})
    assert world.job(job_id).state == "cancelled"
    assert world.flags() == []
    with world.reading() as (session, access):
        shown = view_imports.get_import(session, access, import_id)
    assert (shown.state, shown.error) == ("failed", "It was cancelled.")


def test_a_cancelled_import_that_nobody_started_ends_at_once(world):
    import_id = world.send(*ROWS)
    world.cancel(world.import_(import_id).job_id)
    assert world.job(world.import_(import_id).job_id).state == "cancelled"
    assert world.work() == 0


def test_a_worker_that_died_after_its_commit_does_not_import_twice(world):
    import_id = world.send(*ROWS)

    def twice(environment, claimed, context):
        HANDLERS["import"](environment, claimed, context)
        HANDLERS["import"](environment, claimed, context)

    world.work({**HANDLERS, "import": twice})
    assert world.import_(import_id).flags_new == 5
    assert len(world.flags()) == 5


def test_the_bell_rings_once_the_import_is_committed(world):
    world.doorbell.rung.clear()
    world.send(*ROWS)
    assert world.doorbell.rung == ["cpu"]


@pytest.mark.parametrize("source", ["x" * 101, "a\nb"])
def test_a_source_is_a_short_line(world, source):
    with pytest.raises(InvalidInput, match="source"):
        world.send(*ROWS, source=source)


def test_a_cell_that_looks_like_markup_or_a_formula_is_kept_as_it_is(world):
    world.bring('a,train/cat/0.png,cat,mislabel,0.9,=1+1,"<script>alert(1)</script>"')
    flag = world.flags()[0]
    assert (flag.suggested_label, flag.reason) == ("=1+1", "<script>alert(1)</script>")


def test_a_listing_that_runs_again_adds_nothing_twice(world):
    from app.services.scan_dataset import scan_dataset
    from tests.fixtures.datasets import save

    class Quiet:
        def report(self, done: int, problems: int = 0) -> None: ...

        def should_stop(self) -> bool:
            return False

    save(world.root / "train" / "fish" / "0.png", 900)
    with world.reading() as (_, access):
        project_id = access.id
    scan_dataset(world.database, project_id, Quiet())
    before = dict(world.ids)
    world.scan()
    assert set(world.ids) - set(before) == {"train/fish/0.png"}
    assert {key: world.ids[key] for key in before} == before


def test_a_folder_without_images_is_told_of(settings, database, doorbell, tmp_path):
    from tests.fixtures.world import World

    root = settings.data_roots[0] / "nothing"
    (root / "train" / "cat").mkdir(parents=True)
    empty = World(settings, database, doorbell, root).create("Nothing")
    empty.work()
    with database.reading() as session:
        from app.db.models.jobs import Job

        job = session.scalars(select(Job)).one()
        assert job.state == "failed"
        assert "No image was found" in (job.error or "")


def test_rejects_belong_to_their_import(world):
    first, second = world.bring(BAD[0]), world.bring(BAD[1])
    with world.database.reading() as session:
        rows = session.scalars(select(ImportReject).order_by(ImportReject.id)).all()
    assert [(r.import_id, r.code) for r in rows] == [(first.id, "unknown_image"), (second.id, "outside_dataset")]
