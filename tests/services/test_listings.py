"""Listing a folder: every file that is no sample is named with its reason, and listing again loses nothing."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.db.models.jobs import Job
from app.db.models.projects import Listing, PassedOverFile
from app.db.repositories import listings as repository
from app.domain.errors import Conflict, JobCancelled, NotAllowed
from app.services import view_listing
from app.services.projects import access_project
from app.services.scan_dataset import scan_dataset
from tests.fixtures.databases import both_backends
from tests.fixtures.datasets import save
from tests.fixtures.world import World


class Quiet:
    """The least that a listing needs of its worker."""

    def __init__(self) -> None:
        self.stop = False

    def report(self, done: int, problems: int = 0) -> None: ...

    def should_stop(self) -> bool:
        return self.stop


def litter(root) -> dict[str, str]:
    """One of each thing that is no image; path and reason code as they should be told."""
    cat = root / "train" / "cat"
    (root / "README.md").write_text("x")
    (root / "train" / "labels.csv").write_text("x")
    (root / ".cache").mkdir()
    (cat / "notes.txt").write_text("x")
    (cat / ".DS_Store").write_text("x")
    (cat / "line\nbreak.png").write_text("x")
    (cat / "more").mkdir()
    (cat / "link.png").symlink_to(cat / "0.png")
    (root / "elsewhere").symlink_to(root / "train")
    (root / ("s" * 101)).mkdir()
    return {
        "README.md": "beside_splits", "train/labels.csv": "beside_classes", ".cache": "hidden",
        "train/cat/notes.txt": "not_an_image", "train/cat/.DS_Store": "hidden",
        "train/cat/line\\nbreak.png": "bad_name", "train/cat/more": "inside_class", "train/cat/link.png": "link",
        "elsewhere": "link", "s" * 101: "long_name",
    }  # fmt: skip


def listing(world: World, name: str = "lena") -> view_listing.ListingView:
    with world.reading(name) as (session, access):
        return view_listing.view_listing(session, access)


def told(world: World) -> dict[str, str]:
    """Path and code of every line of the CSV."""
    with world.reading() as (_, access):
        project_id = access.id
    stream = io.StringIO(newline="")
    count = view_listing.write_passed_over(world.database, project_id, stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))
    assert len(rows) == count
    return {row["path"]: row["code"] for row in rows}


def again(world: World, name: str = "lena") -> World:
    with world.writing(name) as (session, access):
        view_listing.list_again(session, world.doorbell, access)
    return world.scan()


@both_backends
def test_everything_that_is_no_sample_is_named_with_its_reason(new_world):
    expected = litter(new_world.root)
    new_world.scan()
    assert told(new_world) == expected
    shown = listing(new_world)
    assert (shown.samples, shown.added, shown.passed_over, shown.gone) == (18, 18, len(expected), 0)
    assert {row.code: row.count for row in shown.reasons}["hidden"] == 2
    visible = [path.replace("\n", "\\n") for path in expected]
    assert sorted(path for row in shown.reasons for path in row.first) == sorted(visible)
    with new_world.database.reading() as session:
        job = session.scalars(select(Job)).one()
    assert job.state == "done_with_errors"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
def test_a_name_that_is_no_text_is_told_with_its_bytes_escaped(new_world):
    Path(os.fsdecode(os.fsencode(new_world.root) + b"/train/cat/caf\xe9.png")).write_bytes(b"")
    new_world.scan()
    assert told(new_world) == {"train/cat/caf\\xe9.png": "bad_name"}


def test_none_is_lost_however_many_there_are(new_world, monkeypatch):
    monkeypatch.setattr(repository, "CHUNK", 7)
    for n in range(50):
        (new_world.root / "train" / "cat" / f"{n:03}.txt").write_text("")
        (new_world.root / "train" / "dog" / f".{n:03}").write_text("")
    new_world.scan()
    paths = told(new_world)
    assert len(paths) == 100
    assert listing(new_world).reasons[0].first == [f"train/cat/{n:03}.txt" for n in range(view_listing.SHOWN)]


def test_hidden_files_alone_are_no_problem_of_the_job(new_world):
    (new_world.root / ".DS_Store").write_text("")
    new_world.scan()
    with new_world.database.reading() as session:
        assert session.scalars(select(Job)).one().state == "done"
    assert told(new_world) == {".DS_Store": "hidden"}


@both_backends
def test_listing_again_adds_what_is_new_and_loses_nothing(world):
    world.flag("train/cat/0.png", "train/cat/1.png")
    world.submit("alice", "train/cat/0.png", "keep")
    before = dict(world.ids)
    litter(world.root)
    save(world.root / "train" / "fish" / "0.png", 900)
    (world.root / "train" / "cat" / "0.png").unlink()
    again(world)
    assert set(world.ids) - set(before) == {"train/fish/0.png"}
    assert {key: world.ids[key] for key in before} == before
    assert world.state("train/cat/0.png").decision == "keep"
    shown = listing(world)
    # The link to train/cat/0.png is passed over whether what it points to is there or not.
    assert (shown.samples, shown.added, shown.gone) == (18, 1, 1)
    assert told(world)["train/cat/0.png"] == "gone"


@both_backends
def test_listing_again_replaces_what_was_passed_over(new_world):
    expected = litter(new_world.root)
    new_world.scan()
    (new_world.root / "README.md").unlink()
    again(new_world)
    assert told(new_world) == {path: code for path, code in expected.items() if path != "README.md"}
    with new_world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Listing)) == 1
        assert session.scalar(select(func.count()).select_from(PassedOverFile)) == len(expected) - 1


def test_a_folder_that_is_not_mounted_changes_nothing_and_can_be_listed_again(world):
    litter(world.root)
    again(world)
    before, ids = told(world), dict(world.ids)
    away = world.root.with_name("away")
    world.root.rename(away)
    again(world)
    assert "can't be opened" in (listing(world).error or "")
    world.root.mkdir()
    again(world)
    assert "No image is left" in (listing(world).error or "")
    assert (told(world), world.ids) == (before, ids)
    world.root.rmdir()
    away.rename(world.root)
    again(world)
    assert listing(world).error is None
    assert world.ids == ids


def test_a_folder_without_one_image_says_what_it_passed_over(settings, database, doorbell):
    root = settings.data_roots[0] / "raw"
    (root / "train" / "cat").mkdir(parents=True)
    (root / "train" / "cat" / "0.heic").write_text("x")
    raw = World(settings, database, doorbell, root).create("Raw")
    raw.work()
    assert "No image was found" in (listing(raw).error or "")
    assert told(raw) == {"train/cat/0.heic": "not_an_image"}
    save(root / "train" / "cat" / "0.png", 1)
    assert set(again(raw).ids) == {"train/cat/0.png"}
    assert listing(raw).error is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every folder")
def test_a_folder_that_may_not_be_opened_is_named(new_world):
    closed = new_world.root / "train" / "dog"
    closed.chmod(0)
    try:
        new_world.scan()
    finally:
        closed.chmod(0o755)
    assert told(new_world) == {"train/dog": "unreadable"}


def test_a_class_folder_that_vanishes_while_it_is_listed_is_named(new_world, monkeypatch):
    from app.adapters.datasets import folder as folder_dataset

    real, dog = folder_dataset._entries, str(new_world.root / "train" / "dog")

    def entries(folder):
        if str(folder) == dog:
            shutil.rmtree(dog)
        return real(folder)

    monkeypatch.setattr(folder_dataset, "_entries", entries)
    new_world.scan()
    assert told(new_world) == {"train/dog": "unreadable"}


def test_a_listing_that_is_cancelled_leaves_the_one_before(world):
    litter(world.root)
    again(world)
    before = told(world)
    (world.root / "another.txt").write_text("x")
    with world.reading() as (_, access):
        project_id = access.id
    stopping = Quiet()
    stopping.stop = True
    with pytest.raises(JobCancelled):
        scan_dataset(world.database, project_id, stopping)
    assert told(world) == before
    scan_dataset(world.database, project_id, Quiet())
    assert set(told(world)) - set(before) == {"another.txt"}
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Listing)) == 1


def test_one_listing_at_a_time(world):
    with world.writing("lena") as (session, access):
        first = view_listing.list_again(session, world.doorbell, access)
        assert view_listing.list_again(session, world.doorbell, access).id == first.id
    assert listing(world).job.id == first.id


def test_reviewers_do_not_list_again(world):
    with world.reading("alice") as (session, access), pytest.raises(NotAllowed):
        view_listing.list_again(session, world.doorbell, access)


def test_a_download_that_a_listing_overtakes_is_an_error_and_no_half_list(world, monkeypatch):
    litter(world.root)
    again(world)
    with world.reading() as (session, access):
        project_id = access_project(session, access.actor, world.slug).id
    real = repository.list_files

    def overtaken(session, listing_id, reason, **options):
        if reason == "hidden":
            return []
        return real(session, listing_id, reason, **options)

    monkeypatch.setattr(repository, "list_files", overtaken)
    with pytest.raises(Conflict, match="once more"):
        view_listing.write_passed_over(world.database, project_id, io.StringIO())
