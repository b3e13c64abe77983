"""From reviews and leaks to frozen versions and their files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from app.db.models.versions import Version
from app.domain.errors import InvalidFile, NotAllowed, NotReady
from app.domain.formats.manifest_csv import read_final_rows, read_rows
from app.domain.formats.relabel_map import read_relabel_map
from app.domain.formats.removal_list import read_removal_list
from app.domain.merge import LeakSide
from app.services import leak_pairs, version_files, view_versions
from app.services.finish import merge_project
from app.services.view_versions import view_version
from app.services.write_deliverables import write_deliverables
from tests.fixtures.databases import both_backends
from tests.fixtures.datasets import save
from tests.fixtures.world import World, by_hand, fresh

CHECKS = ("undecided", "open_conflicts", "open_leaks", "class_share", "lost_group", "both_sides")


@pytest.fixture
def reviewed(world, lists_only):
    """Two removed, one relabelled, one kept, one in conflict, one left open, one leak confirmed."""
    keys = ["train/cat/0.png", "train/cat/1.png", "train/dog/0.png", "train/dog/1.png", "train/dog/2.png"]
    world.flag(*keys, suggested="cat")
    world.submit("alice", keys[0], by_hand("remove", note="gone, = not a formula"))
    world.submit("bob", keys[1], by_hand("relabel", "dog"))
    world.submit("alice", keys[2], "keep")
    world.submit("alice", keys[3], by_hand(None))
    world.start_leaks(methods=("exact",))
    world.work()
    with world.writing("alice") as (session, access):
        page = leak_pairs.list_pairs(session, access, leak_pairs.PairFilter())
        pair = next(p for p in page.items if p.test.key == "test/cat/0.png")
        leak_pairs.decide_pair(
            session, access, pair.id, leak_pairs.Verdict.CONFIRMED, client_event_id=fresh(), base_version=0
        )
    return world


def folder(world, number: int) -> Path:
    return world.settings.folder("versions") / world.slug / f"v{number}"


def files(world, number: int) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder(world, number).iterdir())}


def text(world, number: int, name: str) -> io.StringIO:
    return io.StringIO(files(world, number)[name].decode(), newline="")


def view(world, number: int):
    with world.reading() as (session, access):
        return view_versions.get_version(session, access, number)


@both_backends
def test_a_version_holds_what_reviews_and_leaks_come_to(reviewed):
    number = reviewed.freeze(*CHECKS)
    assert view(reviewed, number).state == "queued"
    reviewed.work()
    done = view(reviewed, number)
    assert (done.state, done.removed, done.relabelled, done.kept) == ("done", 2, 1, 15)
    assert read_removal_list(text(reviewed, 1, "pets_removal_list.txt")) == ["test/cat/0.png", "train/cat/0.png"]
    assert read_removal_list(text(reviewed, 1, "pets_train_removal_list.txt")) == ["train/cat/0.png"]
    assert read_removal_list(text(reviewed, 1, "pets_test_removal_list.txt")) == ["test/cat/0.png"]
    assert read_relabel_map(text(reviewed, 1, "pets_relabel_map.json")) == {"train/cat/1.png": "dog"}
    assert read_relabel_map(text(reviewed, 1, "pets_test_relabel_map.json")) == {}
    final = {row.image_id: row for row in read_final_rows(text(reviewed, 1, "pets_final_cleaning_manifest.csv"))}
    assert final["test/cat/0.png"].rule == "leak_removal"
    assert final["test/cat/0.png"].user_tags == "train_test_leak"
    assert final["train/dog/1.png"].conflicts == "alice asked for discussion"
    assert final["train/dog/2.png"].user_action == ""
    tagged = list(read_rows(text(reviewed, 1, "pets_tagged_v1.csv")))
    assert len(tagged) == 5
    assert {row.reviewer for row in tagged} == {"alice", "bob", ""}
    events = [json.loads(line) for line in text(reviewed, 1, "reviews.jsonl")]
    assert [e["event"] for e in events] == ["review"] * 4 + ["leak_verdict"]


@both_backends
def test_files_written_again_are_the_same_bytes(reviewed):
    reviewed.freeze(*CHECKS)
    reviewed.work()
    before = files(reviewed, 1)
    reviewed.submit("bob", "train/dog/2.png", "remove")
    reviewed.undo("alice")
    reviewed.set_policies(leak_side=LeakSide.TRAIN)
    reviewed.flag("train/cat/3.png")
    for path in folder(reviewed, 1).iterdir():
        path.unlink()
    with reviewed.reading() as (session, access):
        version_id = version_files.repository.get_version(session, access.id, 1).id
    write_deliverables(reviewed.database, version_id, reviewed.settings.folder("versions"))
    assert files(reviewed, 1) == before


def test_later_answers_make_another_version_and_leave_the_first(reviewed):
    reviewed.freeze(*CHECKS)
    reviewed.work()
    first, before = view(reviewed, 1), files(reviewed, 1)
    reviewed.submit("bob", "train/dog/2.png", "remove")
    assert reviewed.freeze(*CHECKS) == 2
    reviewed.work()
    assert view(reviewed, 1) == first
    assert files(reviewed, 1) == before
    assert view(reviewed, 2).removed == 3
    assert view(reviewed, 2).digest != first.digest


def test_the_digest_is_over_the_content(reviewed):
    reviewed.freeze(*CHECKS)
    reviewed.freeze(*CHECKS, note="the note is not content")
    assert view(reviewed, 1).digest == view(reviewed, 2).digest


def test_a_check_that_was_not_accepted_stops_the_version(reviewed):
    with pytest.raises(NotReady) as refused:
        reviewed.freeze(*(code for code in CHECKS if code != "undecided"))
    assert "undecided" in refused.value.details["checks"]
    with reviewed.database.reading() as session:
        assert session.query(Version).count() == 0


def test_a_relabel_to_what_is_no_class_cannot_be_accepted(world):
    world.flag("train/cat/0.png", suggested="fox")
    world.submit("alice", "train/cat/0.png", by_hand("relabel", "fox"))
    with pytest.raises(NotReady) as refused:
        world.freeze(*CHECKS, "unknown_class")
    assert refused.value.details["checks"] == ["unknown_class"]
    from app.services.projects import add_classes

    with world.writing("lena") as (session, access):
        add_classes(session, access, ["fox"])
    assert world.freeze() == 1


def test_the_side_that_goes_follows_the_policy(reviewed):
    reviewed.set_policies(leak_side=LeakSide.TRAIN)
    with reviewed.reading() as (session, access):
        merged = merge_project(session, access.project)
    assert {m.key for m in merged.removed} == {"train/cat/0.png"}
    assert next(m for m in merged.removed).rule == "leak_removal"


def test_the_page_counts_what_the_version_lists(reviewed):
    with reviewed.reading() as (session, access):
        whole, settled = (
            merge_project(session, access.project),
            merge_project(session, access.project, settled_only=True),
        )
    assert [(c.code, c.count) for c in settled.checks] == [(c.code, c.count) for c in whole.checks]
    assert "undecided" in {c.code for c in whole.checks}
    assert [m.key for m in settled.removed] == [m.key for m in whole.removed]
    assert [m.key for m in settled.relabelled] == [m.key for m in whole.relabelled]
    assert settled.by_split == whole.by_split


def test_only_leads_freeze(reviewed):
    with pytest.raises(NotAllowed):
        reviewed.freeze(*CHECKS, name="alice")


def test_labels_are_written_as_indices_where_the_dataset_has_them(settings, database, doorbell, dataset):
    world = World(settings, database, doorbell, dataset).create("By index", label_coding="index").scan()
    world.flag("train/cat/0.png")
    world.submit("alice", "train/cat/0.png", by_hand("relabel", "dog"))
    world.freeze(*CHECKS)
    world.work()
    assert read_relabel_map(text(world, 1, "by-index_relabel_map.json")) == {"train/cat/0.png": 1}


def test_a_path_that_looks_like_a_formula_is_exact_for_machines_and_harmless_for_people(settings, database, doorbell):
    root = settings.data_roots[0] / "odd"
    for name in ("=1+1", "train"):
        for i in range(2):
            save(root / name / "cat" / f"{i}.png", i + len(name))
    world = World(settings, database, doorbell, root).create("Odd").scan()
    key = "=1+1/cat/0.png"
    world.flag(key)
    world.submit("alice", key, by_hand("remove", note="@SUM(A1)"))
    world.freeze(*CHECKS)
    world.work()
    assert read_removal_list(text(world, 1, "odd_removal_list.txt")) == [key]
    machine = files(world, 1)["odd_final_cleaning_manifest.csv"].decode()
    people = files(world, 1)["odd_final_cleaning_manifest.spreadsheet.csv"].decode()
    assert machine.splitlines()[1].startswith(f"{key},{key},")
    assert people.splitlines()[1].startswith(f"'{key},'{key},")


def test_the_zip_holds_every_file_and_the_digest_of_each(reviewed):
    import hashlib

    reviewed.freeze(*CHECKS)
    with reviewed.reading() as (session, access), pytest.raises(NotReady):
        version_files.write_zip(session, access, 1, reviewed.settings.folder("versions"), io.BytesIO())
    reviewed.work()
    twice = []
    for _ in range(2):
        with reviewed.reading() as (session, access):
            buffer = io.BytesIO()
            version_files.write_zip(session, access, 1, reviewed.settings.folder("versions"), buffer)
            twice.append(buffer.getvalue())
    assert twice[0] == twice[1]
    with zipfile.ZipFile(io.BytesIO(twice[0])) as archive:
        manifest = json.loads(archive.read("MANIFEST.json"))
        for listed in manifest["files"]:
            assert hashlib.sha256(archive.read(listed["name"])).hexdigest() == listed["sha256"]
    assert {f["name"] for f in manifest["files"]} == set(files(reviewed, 1)) - {"MANIFEST.json"}


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_file_that_was_changed_on_the_disk_is_not_handed_out(reviewed, harm):
    reviewed.freeze(*CHECKS)
    reviewed.work()
    path = folder(reviewed, 1) / "pets_removal_list.txt"
    path.unlink() if harm == "remove" else path.write_text("train/dog/0.png\n")
    with reviewed.reading() as (session, access), pytest.raises(InvalidFile, match="missing or was changed"):
        version_files.find_file(session, access, 1, path.name, reviewed.settings.folder("versions"))


def test_a_disk_that_is_full_leaves_the_version_without_files_and_says_so(reviewed, monkeypatch):
    import errno

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    reviewed.freeze(*CHECKS)
    with monkeypatch.context() as patch:
        patch.setattr("app.adapters.files.os.fsync", full)
        reviewed.work()
    failed = view(reviewed, 1)
    assert (failed.state, failed.files) == ("failed", [])
    assert "disk is full" in failed.error
    assert not folder(reviewed, 1).exists() or list(folder(reviewed, 1).iterdir()) == []


def test_a_version_is_seen_by_those_who_may_enter_only(reviewed):
    reviewed.freeze(*CHECKS)
    with reviewed.reading("carol") as (session, access):
        version = version_files.repository.get_version(session, access.id, 1)
        assert view_version(session, access, version).created_by == "lena"


def test_an_image_that_was_deleted_since_it_was_listed_is_shown_before_the_freeze(reviewed):
    (reviewed.root / "train/cat/0.png").unlink()
    with pytest.raises(NotReady) as refused:
        reviewed.freeze(*CHECKS)
    assert refused.value.details["checks"] == ["missing_files"]
    assert reviewed.freeze(*CHECKS, "missing_files") == 1


def test_suggestions_count_unseen_only_where_the_project_says_so(world):
    world.flag("train/cat/0.png", "train/cat/1.png", suggested="dog")
    world.submit("alice", "train/cat/0.png", "keep")
    world.freeze("undecided")
    world.set_policies(suggestion_threshold=0.5)
    world.freeze("policies")
    world.work()
    assert read_relabel_map(text(world, 1, "pets_relabel_map.json")) == {}
    assert read_relabel_map(text(world, 2, "pets_relabel_map.json")) == {"train/cat/1.png": "dog"}
    final = {row.image_id: row for row in read_final_rows(text(world, 2, "pets_final_cleaning_manifest.csv"))}
    assert (final["train/cat/1.png"].rule, final["train/cat/1.png"].resolved_by) == ("suggestion", "")
    assert "nobody looked at it" in final["train/cat/1.png"].explanation
    assert "counts unseen from: 0.5" in text(world, 2, "pets_cleaning_summary.txt").read()
