"""Every kind of dataset goes the whole way: listed, looked at, searched for leaks, cleaned, and its lists fit it."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from app.adapters.thumbnails import Pictures
from app.db.repositories import leaks, projects
from app.db.repositories import sources as repository
from app.domain.errors import InvalidFile, InvalidInput, NotReady
from app.services import sources
from app.services.projects import create_project
from app.services.view_picture import find_picture
from tests.fixtures import sources as made
from tests.fixtures.datasets import draw
from tests.fixtures.world import World, by_hand


def make(world: World, source: made.MadeSource, name: str = "Sourced") -> World:
    """A project of this source alone, its images listed."""
    with world.database.writing() as session:
        project = create_project(
            session, world.doorbell, world.actor("root"), name=name, root=str(source.root),
            roots=world.settings.roots, kind=source.kind, options=source.options,
        )  # fmt: skip
        return World(world.settings, world.database, world.doorbell, source.root, slug=project.slug)


def scanned(world: World) -> World:
    world.work()
    with world.reading("root") as (session, access):
        world.ids = projects.sample_ids_by_key(session, access.id)
    return world


@pytest.fixture
def place(settings, dataset) -> Path:
    """A folder that the server may read."""
    return dataset.parent / "sources"


@pytest.fixture(params=sorted(made.MAKERS))
def sourced(request, world, place) -> World:
    return scanned(make(world, made.MAKERS[request.param](place)))


def keys(world: World, split: str) -> list[str]:
    """Keys of a split in the order of its pictures' seeds."""
    with world.reading("root") as (session, _):
        found = [key for key, _ in sorted(world.ids.items(), key=lambda item: item[1]) if key.startswith(f"{split}/")
                 or f"/{split}_" in key]  # fmt: skip
        assert {session.get_one(projects.Sample, world.ids[key]).split for key in found} == {split}
    return found


def pixels(world: World, key: str, tmp_path: Path) -> bytes:
    pictures = Pictures(tmp_path / "cache", processes=1, max_pixels=10**8)
    try:
        with world.reading("root") as (session, access):
            where = find_picture(session, access.actor, world.ids[key])
        data = pictures.picture(where, "full").data
        assert pictures.find_made(where, "full").data == data
        return Image.open(io.BytesIO(data)).convert("RGB").tobytes()
    finally:
        pictures.close()


def test_every_picture_is_the_one_that_its_row_names(sourced, tmp_path):
    for split, seeds in made.SPLITS.items():
        found = keys(sourced, split)
        assert len(found) == len(seeds)
        in_order = sorted(seeds, key=lambda s: (made.LABELS[list(seeds).index(s)], s)) if "." in found[0] else seeds
        if sourced.root.name == "pets.csv":
            in_order = seeds
        for key, seed in list(zip(found, in_order, strict=True))[::2]:
            assert pixels(sourced, key, tmp_path) == draw(seed).convert("RGB").tobytes()


def test_leaks_are_found_and_lists_name_rows_as_the_dataset_counts_them(sourced, lists_only):
    sourced.start_leaks("root", methods=("exact", "verified"), test_split="test", train_split="train")
    sourced.work()
    with sourced.reading("root") as (session, access):
        pairs = {(row.train.key, row.test.key): row.pair.id for row in leaks.all_pairs(session, access.id)}
    train, test = keys(sourced, "train"), keys(sourced, "test")
    is_tree = "." in train[0]
    expected = {(k, t) for k in train for t in test if Path(k).name == Path(t).name} if is_tree else {
        (train[4], test[0]), (train[5], test[1])}  # fmt: skip
    assert expected <= set(pairs)

    sourced.submit("root", train[0], "remove")
    sourced.submit("root", train[1], by_hand("relabel", _another(sourced, train[1])))
    sourced.submit("root", test[3], "remove")
    sourced.set_policies_as("root", max_class_share=1.0)
    if not is_tree:
        with pytest.raises(NotReady, match="Ids that several splits have"):
            sourced.freeze("undecided", "open_conflicts", "open_leaks", "class_share", name="root")
    sourced.freeze("undecided", "open_conflicts", "open_leaks", "class_share", "repeated_ids", name="root")
    sourced.work()
    folder = sourced.settings.folder("versions") / sourced.slug / "v1"
    train_list = (folder / "sourced_train_removal_list.txt").read_text().splitlines()
    test_list = (folder / "sourced_test_removal_list.txt").read_text().splitlines()
    is_bare = not is_tree
    assert train_list == ([train[0].removeprefix("train/")] if is_bare else [train[0]])
    assert test_list == ([test[3].removeprefix("test/")] if is_bare else [test[3]])
    assert (folder / "sourced_removal_list.txt").exists() is not is_bare
    with (folder / "sourced_final_cleaning_manifest.csv").open() as stream:
        rows = {(row["split"], row["image_id"]): row for row in csv.DictReader(stream)}
    assert rows["train", train_list[0]]["user_action"] == "remove"
    assert json.loads((folder / "MANIFEST.json").read_text()).get("combined_lists", True) is not is_bare


def _another(world: World, key: str) -> str:
    """A class that the sample is not of."""
    with world.reading("root") as (session, _):
        given = session.get_one(projects.Sample, world.ids[key]).given_label
    return next(name for name in _classes(world) if name != given)


def _classes(world: World) -> dict[str, int]:
    with world.reading("root") as (session, access):
        return projects.class_index(session, access.id)


def test_classes_keep_the_numbers_that_the_dataset_gives_them(world, place):
    sourced = scanned(make(world, made.parquet(place)))
    assert _classes(sourced) == {"cat": 0, "dog": 1, "fish": 2}


def test_two_sources_make_one_project(world, place, dataset):
    extra = place / "more" / "val"
    for label in ("cat", "fox"):
        (extra / label).mkdir(parents=True)
        (extra / label / "1.png").write_bytes(made.png(hash(label) % 50))
    with world.writing("root") as (session, access):
        sources.add_source(
            session, world.doorbell, access, root=str(extra), roots=world.settings.roots, options={"split": "val"}
        )
    before = dict(world.ids)
    scanned(world)
    assert set(world.ids) - set(before) == {"val/cat/1.png", "val/fox/1.png"}
    assert {key: world.ids[key] for key in before} == before
    with world.reading() as (session, access):
        views = sources.view_sources(session, access)
        assert [view.samples for view in views] == [len(before), 2]
        places = repository.places_of_keys(session, access.id, ["val/fox/1.png"])
    assert places["val/fox/1.png"].file == "fox/1.png"


def test_the_same_names_from_two_sources_are_taken_once(world, dataset):
    with world.writing("root") as (session, access):
        sources.add_source(
            session, world.doorbell, access, root=str(dataset / "train"), roots=world.settings.roots,
            options={"split": "train"},
        )  # fmt: skip
    before = dict(world.ids)
    world.work()
    scanned(world)
    assert world.ids == before


def test_a_moved_source_is_read_where_it_lies_now_and_nothing_is_lost(world, place, tmp_path):
    sourced = scanned(make(world, made.parquet(place)))
    sourced.submit("root", "train/0", "remove")
    elsewhere = place.with_name("elsewhere")
    shutil.move(place, elsewhere)
    with sourced.writing("root") as (session, access):
        source = sources.view_sources(session, access)[0]
        move = sources.look_at_move(session, access, source.id, str(elsewhere), sourced.settings.roots)
        assert (move.looked_for, move.missing) == (12, 0)
        sources.move_source(
            session, sourced.doorbell, access, source.id, root=str(elsewhere), roots=sourced.settings.roots
        )
    before = dict(sourced.ids)
    scanned(sourced)
    assert sourced.ids == before
    assert sourced.review("root", "train/0").decision == "remove"
    assert pixels(sourced, "train/0", tmp_path) == draw(0).convert("RGB").tobytes()
    with sourced.reading("root") as (session, access):
        assert sources.view_sources(session, access)[0].changed_at is None


def test_a_place_where_nothing_is_found_is_refused(world, place):
    sourced = scanned(make(world, made.tar(place)))
    empty = place.with_name("empty")
    empty.mkdir()
    with pytest.raises(InvalidInput, match="12 are missing"), sourced.writing("root") as (session, access):
        source = sources.view_sources(session, access)[0]
        sources.move_source(
            session, sourced.doorbell, access, source.id, root=str(empty), roots=sourced.settings.roots,
            accept_missing=True,
        )  # fmt: skip
    with sourced.reading("root") as (session, access):
        assert sources.view_sources(session, access)[0].root == str(place)


def test_a_changed_source_is_noticed_and_new_labels_are_taken(world, place):
    sourced = scanned(make(world, made.manifest(place)))
    sourced.submit("root", "train/0", "keep")
    table = place / "pets.csv"
    table.write_text(table.read_text().replace("images/train_0.png,cat", "images/train_0.png,tabby"))
    with sourced.writing("root") as (session, access):
        from app.services.view_listing import list_again

        list_again(session, sourced.doorbell, access)
    sourced.work()
    with sourced.reading("root") as (session, access):
        view = sources.view_sources(session, access)[0]
        assert view.changed_at is not None
        assert session.get_one(projects.Sample, sourced.ids["train/0"]).given_label == "tabby"
    assert sourced.review("root", "train/0").decision == "keep"
    assert "tabby" in _classes(sourced)


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("nonsense", {}, "no kind of source"),
        ("flat", {}, "needs the option"),
        ("folder", {"labels": "x"}, "has no option labels"),
        ("manifest", {"table": "../../../etc/passwd"}, "is no file below"),
        ("folder", {"split": "a/b"}, "without slashes"),
    ],
)
def test_sources_that_make_no_sense_are_refused(world, dataset, kind, options, told):
    with pytest.raises(InvalidInput, match=told):
        make(world, made.MadeSource(dataset, options, kind))


def test_a_folder_outside_what_the_server_may_read_is_refused(world, tmp_path):
    outside = Path("/etc")
    with pytest.raises(InvalidInput, match="is not a folder below one"):
        make(world, made.MadeSource(outside))


def harm_parquet(place: Path) -> None:
    file = place / "data" / "train-00000-of-00002.parquet"
    file.write_bytes(file.read_bytes()[:-20])


def harm_arrow(place: Path) -> None:
    file = place / "train" / "data-00000-of-00001.arrow"
    file.write_bytes(file.read_bytes()[:300])


def harm_tar(place: Path) -> None:
    (place / "pets-train-000000.tar").write_bytes(b"\x1f\x8b no tar at all" * 40)


def harm_manifest(place: Path) -> None:
    (place / "pets.csv").write_text("what,is,this\n1,2,3\n")


@pytest.mark.parametrize(
    ("maker", "harm"),
    [("parquet", harm_parquet), ("save_to_disk", harm_arrow), ("tar", harm_tar), ("manifest", harm_manifest)],
)
def test_a_damaged_source_is_named_and_nothing_is_changed(world, place, maker, harm):
    source = made.MAKERS[maker](place)
    harm(place)
    sourced = make(world, source)
    sourced.work()
    with sourced.reading("root") as (session, access):
        from app.services.view_listing import view_listing

        told = view_listing(session, access).error
        assert projects.sample_ids_by_key(session, access.id) == {}
    assert told
    assert any(name in told for name in ("parquet", "arrow", "tar", "pets.csv")), told


def test_a_file_that_shrank_after_it_was_listed_says_so(world, place, tmp_path):
    sourced = scanned(make(world, made.tar(place)))
    shard = place / "pets-train-000000.tar"
    shard.write_bytes(shard.read_bytes()[:2000])
    with pytest.raises(InvalidFile, match="cut off"):
        pixels(sourced, "train/0005", tmp_path)


def flat(place: Path, labels: str, name: str = "val.txt", **options: str) -> made.MadeSource:
    place.mkdir(parents=True)
    for number in (1, 2, 3):
        (place / f"ILSVRC2012_val_0000000{number}.png").write_bytes(made.png(number))
    (place / name).write_text(labels)
    return made.MadeSource(place, {"labels": name, "split": "val", **options})


@pytest.mark.parametrize(
    "labels",
    [
        "ILSVRC2012_val_00000001.png 0\nILSVRC2012_val_00000002.png 1\nILSVRC2012_val_00000003.png 1\n",
        "ImageId,PredictionString\nILSVRC2012_val_00000001,n01440764 1 2 3 4\n"
        "ILSVRC2012_val_00000002,n01443537 1 2 3 4\nILSVRC2012_val_00000003,n01443537 1 1 2 2 n01443537 5 5 9 9\n",
        "n01440764\nn01443537\nn01443537\n",
        "ILSVRC2012_val_00000003.png\tn01443537\nILSVRC2012_val_00000002.png\tn01443537\n"
        "val/ILSVRC2012_val_00000001.png\tn01440764\n",
    ],
    ids=["numbers", "Kaggle", "in order", "names"],
)
def test_a_flat_folder_takes_its_labels_from_a_file(world, place, labels):
    source = flat(place, labels, classes="synsets.txt")
    (place / "synsets.txt").write_text("n01440764 tench, Tinca tinca\nn01443537 goldfish\n")
    sourced = scanned(make(world, source))
    with sourced.reading("root") as (session, access):
        found = {
            sample.image_id: sample.given_label
            for sample in projects.samples_by_id(session, list(sourced.ids.values())).values()
        }
        titles = projects.class_titles(session, access.id)
    name = "ILSVRC2012_val_0000000{}.png"
    assert found == {name.format(1): "n01440764", name.format(2): "n01443537", name.format(3): "n01443537"}
    assert titles == {"n01440764": "tench, Tinca tinca", "n01443537": "goldfish"}


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("1\n2\n", "3 images"),
        ("490\n361\n171\n", "ImageNet's own order"),
        ("ILSVRC2012_val_00000001.png 0\n", "option classes"),
        ("ILSVRC2012_val_00000001.png a\nILSVRC2012_val_00000001.png b\n", "names .* again"),
    ],
)
def test_labels_that_do_not_fit_the_folder_are_refused(world, place, labels, told):
    from app.services.view_listing import view_listing

    sourced = make(world, flat(place, labels))
    sourced.work()
    with sourced.reading("root") as (session, access):
        import re

        error = view_listing(session, access).error
        assert error is not None
        assert re.search(told, error), error
        assert projects.sample_ids_by_key(session, access.id) == {}


def test_coco_objects_are_samples_and_the_cleaned_file_holds_together(world, place, tmp_path):
    from pycocotools.coco import COCO

    sourced = scanned(make(world, made.coco(place)))
    assert set(sourced.ids) == {
        "val/3", "val/8", "val/annotation/11", "val/annotation/12", "val/annotation/13"
    }  # fmt: skip
    assert _classes(sourced) == {"cat": 17, "dog": 18}
    pictures = Pictures(tmp_path / "cache", processes=1, max_pixels=10**8)
    with sourced.reading("root") as (session, access):
        where = find_picture(session, access.actor, sourced.ids["val/annotation/11"])
    try:
        thumb = Image.open(io.BytesIO(pictures.picture(where, "thumb").data))
        whole = Image.open(io.BytesIO(pictures.picture(where, "full").data))
    finally:
        pictures.close()
    assert whole.size == (64, 48)
    assert thumb.width < 30
    assert thumb.height < 30

    sourced.submit("root", "val/annotation/11", by_hand("relabel", "cat"))
    sourced.submit("root", "val/annotation/13", by_hand("relabel", "dog"))
    sourced.submit("root", "val/8", "remove")
    sourced.set_policies_as("root", max_class_share=1.0)
    sourced.freeze("undecided", "class_share", "vanished_class", name="root")
    sourced.work()
    folder = sourced.settings.folder("versions") / sourced.slug / "v1"
    assert (folder / "sourced_val_removal_list.txt").read_text() == "8\n"
    assert (folder / "sourced_removal_list.txt").read_text() == "8\n"
    relabels = json.loads((folder / "sourced_val_relabel_map.json").read_text())
    assert relabels == {"annotation/11": "cat", "annotation/13": "dog"}
    cleaned = COCO(str(folder / "sourced_val_cleaned_coco.json"))
    assert sorted(cleaned.imgs) == [3]
    assert {id_: a["category_id"] for id_, a in cleaned.anns.items()} == {11: 17, 12: 17}
