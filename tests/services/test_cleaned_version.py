"""From reviews to a training set: the files of a real version, applied by what ships with them."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from torchvision.datasets import ImageFolder

from app import cleaned_dataset
from app.cleaned_dataset import CleanedDataset, ListsDoNotFit, verify_version
from app.cli.export import copy_deliverables
from app.deliverables.dataset_card import describe_policies
from app.domain.consensus import Rule
from app.domain.merge import LeakSide, Policies
from app.services import version_files
from tests.fixtures.world import World, by_hand

CHECKS = ("undecided", "class_share")


@pytest.fixture(params=["name", "index"])
def frozen(request, settings, database, doorbell, dataset) -> World:
    """Two of train removed, one relabelled, one left open; nothing in test."""
    world = World(settings, database, doorbell, dataset).create(label_coding=request.param).scan()
    keys = ["train/cat/0.png", "train/cat/1.png", "train/dog/0.png", "train/dog/1.png"]
    world.flag(*keys, suggested="cat")
    world.submit("alice", keys[0], by_hand("remove"))
    world.submit("bob", keys[1], by_hand("relabel", "dog"))
    world.submit("alice", keys[2], by_hand("remove", note='a "note", with\nlines'))
    world.freeze(*CHECKS)
    world.work()
    return world


def archive_of(world: World, folder: Path) -> Path:
    buffer = io.BytesIO()
    with world.reading() as (session, access):
        version_files.write_zip(session, access, 1, world.settings.folder("versions"), buffer)
    path = folder / "pets_v1.zip"
    path.write_bytes(buffer.getvalue())
    return path


def test_a_versions_zip_cleans_an_image_folder(frozen, tmp_path):
    path = archive_of(frozen, tmp_path)
    raw = ImageFolder(str(frozen.root / "train"))
    cleaned = CleanedDataset.from_version(raw, path, "train")
    expected = [(f"{frozen.root}/train/cat/{i}.png", int(i == 1)) for i in range(1, 6)]
    expected += [(f"{frozen.root}/train/dog/{i}.png", 1) for i in range(1, 6)]
    assert cleaned.samples == expected
    assert [label for _, label in cleaned] == [label for _, label in expected]
    assert "given labels of 3 items are as in pets v1" in cleaned.report()
    untouched = CleanedDataset.from_version(ImageFolder(str(frozen.root / "test")), path, "test")
    assert (len(untouched), untouched.new_labels) == (6, {})
    with pytest.raises(ListsDoNotFit, match="is the split 'train'; the lists are of 'test'"):
        CleanedDataset.from_version(raw, path, "test")


def test_the_file_in_the_zip_is_the_one_here_and_does_the_same(frozen, tmp_path):
    path = archive_of(frozen, tmp_path)
    with zipfile.ZipFile(path) as archive:
        archive.extract("cleaned_dataset.py", tmp_path)
    shipped = tmp_path / "cleaned_dataset.py"
    assert shipped.read_bytes() == Path(cleaned_dataset.__file__).read_bytes()
    spec = importlib.util.spec_from_file_location("shipped_cleaned_dataset", shipped)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    raw = ImageFolder(str(frozen.root / "train"))
    ours = CleanedDataset.from_version(raw, path, "train")
    assert module.CleanedDataset.from_version(raw, path, "train").samples == ours.samples


def test_exported_files_vouch_for_themselves(frozen, tmp_path):
    paths = copy_deliverables(frozen.settings, frozen.database, frozen.slug, 1, tmp_path / "lists")
    assert paths[-1].name == "MANIFEST.json"
    raw = ImageFolder(str(frozen.root / "train"))
    assert len(CleanedDataset.from_version(raw, tmp_path / "lists", "train")) == 10
    lines = verify_version(tmp_path / "lists")
    assert lines[-1] == "train: 12 items - 2 removed = 10, 1 relabelled"
    assert lines == verify_version(archive_of(frozen, tmp_path))
    (tmp_path / "lists" / "pets_train_removal_list.txt").write_text("train/cat/0.png\n")
    with pytest.raises(ListsDoNotFit, match="digest differs"):
        CleanedDataset.from_version(raw, tmp_path / "lists", "train")


def test_an_image_that_was_deleted_since_is_named(frozen, tmp_path):
    path = archive_of(frozen, tmp_path)
    (frozen.root / "train/cat/0.png").unlink()
    raw = ImageFolder(str(frozen.root / "train"))
    with pytest.raises(ListsDoNotFit, match="The dataset has 11 items, pets v1 is of 12 in train"):
        CleanedDataset.from_version(raw, path, "train")
    with pytest.raises(ListsDoNotFit, match=r"does not have \(1\): 'train/cat/0.png'"):
        CleanedDataset.from_version(raw, path, "train", size=11)


def card_of(world: World, folder: Path) -> str:
    with zipfile.ZipFile(archive_of(world, folder)) as archive:
        return archive.read("pets_dataset_card.md").decode()


def test_the_manifest_tells_what_a_dataset_is_compared_with(frozen, tmp_path):
    with zipfile.ZipFile(archive_of(frozen, tmp_path)) as archive:
        manifest = json.loads(archive.read("MANIFEST.json"))
    assert manifest["splits"] == {"test": 6, "train": 12}
    assert manifest["classes"] == {"cat": 0, "dog": 1}
    assert manifest["label_coding"] in ("name", "index")


def test_the_card_has_the_hubs_header_and_the_versions_figures(frozen, tmp_path):
    card = card_of(frozen, tmp_path)
    _, header, body = card.split("---\n", 2)
    assert yaml.safe_load(header) == {
        "pretty_name": "pets, cleaned (version 1)", "license": "unknown", "size_categories": ["n<1K"],
        "task_categories": ["image-classification"], "tags": ["image", "data-cleaning", "winnow"],
    }  # fmt: skip
    assert "| train | 12 | 2 | 1 | 10 |" in body
    assert "| cat | 9 | 1 | 1 | 0 | 7 |" in body
    assert "2 of 18 images removed and 1 relabelled" in body
    assert "- Reviews: 3 on 3 images; reviewers: 2; images kept after a look: 0." in body
    assert "Checks accepted when the version was frozen: class share, undecided." in body
    assert "Flagged and left as they were: 1 undecided, 0 in dispute." in body


def test_the_card_says_the_policies_in_words(frozen, tmp_path):
    assert "One review was enough for an image" in card_of(frozen, tmp_path)
    assert "unseen" not in card_of(frozen, tmp_path)
    rules = Policies(3, Rule.MAJORITY, LeakSide.BOTH, 0.25, suggestion_threshold=0.95)
    words = describe_policies(rules)
    assert "At least 3 reviews were needed for an image, and they were counted, and the majority decided." in words
    assert "a confidence of at least 0.95 counted, unseen" in words
    assert "Of each confirmed leak, both its images were removed." in words
    assert "more than 25% of its images" in words


def test_the_card_is_one_that_the_hubs_library_reads(frozen, tmp_path):
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    card = hub.DatasetCard(card_of(frozen, tmp_path))
    assert card.data.to_dict()["pretty_name"] == "pets, cleaned (version 1)"
    assert card.text.startswith("\n# pets, cleaned (version 1)")


def test_the_cards_code_works_when_pasted(frozen, tmp_path, monkeypatch, capsys):
    path = archive_of(frozen, tmp_path)
    code = card_of(frozen, tmp_path).split("```python\n")[1].split("```")[0]
    (tmp_path / "pets").symlink_to(frozen.root)
    monkeypatch.chdir(path.parent)
    monkeypatch.setitem(sys.modules, "cleaned_dataset", cleaned_dataset)
    exec(code, {})
    assert capsys.readouterr().out.startswith("pets v1, train: 12 items - 2 removed = 10, 1 relabelled")


def test_the_readmes_code_works_when_pasted(frozen, tmp_path):
    """In a program of its own, with the file that came in the zip."""
    path = archive_of(frozen, tmp_path)
    section = (Path(__file__).parents[2] / "README.md").read_text().split("## Train on a version")[1]
    code = section.split("```python\n")[1].split("```")[0]
    code = code.replace("/datasets/demo", str(frozen.root)).replace("lists/demo_v1.zip", str(path))
    with zipfile.ZipFile(path) as archive:
        archive.extract("cleaned_dataset.py", tmp_path)
    (tmp_path / "train.py").write_text(code)
    told = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("pets v1, train: 12 items - 2 removed = 10, 1 relabelled")
