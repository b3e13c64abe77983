"""What a cleaned dataset hands out, and that it works wherever the raw one does."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Resize, ToTensor

from app import cleaned_dataset
from app.cleaned_dataset import CleanedDataset, ListsDoNotFit, read_version
from tests.fixtures.versions import Files, MadeVersion, Rows

CLASSES = ["cat", "dog", "fox"]


@st.composite
def cleanings(draw: st.DrawFn) -> tuple[list[int], set[int], dict[int, int]]:
    """Labels of a dataset, rows removed, new label per row."""
    labels = draw(st.lists(st.integers(0, 2), max_size=40))
    rows = st.integers(0, max(len(labels) - 1, 0))
    removed = draw(st.sets(rows)) if labels else set()
    relabelled = draw(st.dictionaries(rows, st.integers(0, 2))) if labels else {}
    return labels, removed, {row: label for row, label in relabelled.items() if row not in removed}


@given(cleanings(), st.booleans(), st.sampled_from(["rows", "ids", "numbers", "files"]))
def test_it_equals_the_naive_filter(cleaning, by_name, kind):
    labels, removed, relabelled = cleaning
    ids: list[Any] = {
        "rows": list(range(len(labels))), "ids": [f"k{7 * row}" for row in range(len(labels))],
        "numbers": [1000 - row for row in range(len(labels))],
        "files": [f"train/{CLASSES[label]}/{row}.png" for row, label in enumerate(labels)],
    }[kind]  # fmt: skip
    dataset: Any = Files("/data/train", [x.removeprefix("train/") for x in ids]) if kind == "files" else Rows(labels)
    cleaned = CleanedDataset.from_lists(
        dataset,
        {ids[row] for row in removed},
        {ids[row]: CLASSES[label] if by_name else label for row, label in relabelled.items()},
        ids=ids if kind in ("ids", "numbers") else None,
    )
    naive = [(dataset[row][0], relabelled.get(row, labels[row])) for row in range(len(labels)) if row not in removed]
    assert list(cleaned) == naive
    assert [cleaned[index] for index in range(len(cleaned))] == naive
    assert [cleaned[index] for index in range(-len(cleaned), 0)] == naive
    assert cleaned.__getitems__(list(range(len(cleaned)))) == naive
    assert cleaned.targets == [label for _, label in naive]
    assert list(pickle.loads(pickle.dumps(cleaned))) == naive


@given(cleanings(), st.sampled_from(["name", "index"]))
def test_a_version_says_the_same_as_its_lists(tmp_path_factory, cleaning, coding):
    labels, removed, relabelled = cleaning
    folder = tmp_path_factory.mktemp("version")
    version = MadeVersion(
        {"train": {str(row): CLASSES[label] for row, label in enumerate(labels)}, "test": {"x": "fox"}},
        sorted(map(str, removed)),
        {str(row): label if coding == "index" else CLASSES[label] for row, label in relabelled.items()},
        coding=coding,
    )
    dataset = Rows(labels)
    expected = list(CleanedDataset.from_lists(dataset, removed, relabelled))
    assert list(CleanedDataset.from_version(dataset, version.write_folder(folder / "v1"), "train")) == expected
    assert list(CleanedDataset.from_version(dataset, version.write_zip(folder / "v2.zip"), "train")) == expected
    shutil.rmtree(folder)


Pair = namedtuple("Pair", "image label")
FORMS = {
    "tuple": ((1, 0), (1, 2)), "list": ([1, 0], [1, 2]),
    "named": (Pair(1, 0), Pair(1, 2)), "dict": ({"image": 1, "label": 0}, {"image": 1, "label": 2}),
    "target": ({"image": 1, "target": 0}, {"image": 1, "target": 2}), "name": ((1, "cat"), (1, "fox")),
    "numpy": ((1, np.int64(0)), (1, np.int64(2))), "tensor": ((1, torch.tensor(0)), (1, torch.tensor(2))),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_new_label_has_the_form_of_the_old_one(form):
    old, new = FORMS[form]

    class Forms(Rows):
        def __getitem__(self, row: int) -> Any:
            return old

    found = CleanedDataset.from_lists(Forms([0, 0]), [1], {0: "fox"})[0]
    assert found == new
    assert type(found) is type(new)
    key: Any = 1 if isinstance(new, tuple | list) else next(k for k in new if k != "image")
    assert type(found[key]) is type(new[key])
    assert old == FORMS[form][0]


def test_another_place_of_the_label_can_be_named():
    class Odd(Rows):
        def __getitem__(self, row: int) -> Any:
            return "picture", "mask", self.targets[row]

    assert CleanedDataset.from_lists(Odd([0]), [], {0: 1}, label=-1)[0] == ("picture", "mask", 1)


@pytest.mark.parametrize("index", [slice(0, 1), [0, 1], np.array([0, 1]), "0", 0.0, None])
def test_only_one_item_is_asked_for_at_a_time(index):
    with pytest.raises(TypeError):
        CleanedDataset.from_lists(Rows([0, 1]), [0])[index]


@pytest.mark.parametrize("index", [2, -3, 10**12])
def test_an_index_beyond_the_end_is_an_index_error(index):
    with pytest.raises((IndexError, OverflowError)):
        CleanedDataset.from_lists(Rows([0, 1, 2]), [0])[index]


def test_an_index_may_be_a_number_of_numpy_or_torch():
    cleaned = CleanedDataset.from_lists(Rows([0, 1, 2]), [0])
    assert cleaned[np.int64(1)] == cleaned[torch.tensor(1)] == ("picture 2", 2)


def test_target_transform_sees_the_new_label():
    dataset = Files("/data/train", ["cat/0.png", "dog/0.png"])
    dataset.target_transform = lambda label: f"no. {label}"
    assert CleanedDataset.from_lists(dataset, [], {"train/cat/0.png": "fox"})[0][1] == "no. 2"
    assert CleanedDataset.from_lists(dataset, [], {"train/cat/0.png": "fox"}).targets == [2, 1]


def test_target_transform_of_names_sees_the_new_name():
    class Upper(Rows):
        target_transform = staticmethod(str.upper)

        def __getitem__(self, row: int) -> Any:
            return row, self.target_transform(self.targets[row])

    assert list(CleanedDataset.from_lists(Upper(["cat", "dog"]), [], {0: "fox"})) == [(0, "FOX"), (1, "DOG")]


def test_what_might_be_raw_is_not_passed_on():
    dataset = Files("/data/train", ["cat/0.png", "dog/0.png"])
    dataset.data = [1, 2]
    cleaned = CleanedDataset.from_lists(dataset, ["train/cat/0.png"], {"train/dog/0.png": "fox"})
    assert cleaned.classes == CLASSES
    assert cleaned.class_to_idx["fox"] == 2
    assert cleaned.samples == cleaned.imgs == [("/data/train/dog/0.png", 2)]
    assert cleaned.targets == [2]
    assert not hasattr(cleaned, "data")
    assert not hasattr(cleaned, "nothing")
    with pytest.raises(AttributeError, match="might be raw"):
        cleaned.data  # noqa: B018
    with pytest.raises(AttributeError, match="wrap it again"):
        cleaned.transform = str
    assert dataset.targets == [0, 1]


@pytest.mark.parametrize("kind", [torch.tensor, np.array])
def test_targets_may_be_an_array(kind):
    dataset = Rows([0, 1, 2])
    dataset.targets = kind([0, 1, 2])
    cleaned = CleanedDataset.from_lists(dataset, [0], {1: "fox"})
    assert [int(label) for label in cleaned.targets] == [2, 2]
    assert [int(label) for label in dataset.targets] == [0, 1, 2]


def test_report_and_repr_say_what_was_done(tmp_path):
    labels = {str(row): "cat" for row in range(1500)}
    version = MadeVersion({"train": labels}, ["1", "2"], {"3": "dog", "4": "dog", "5": "fox"})
    cleaned = CleanedDataset.from_version(Rows([0] * 1500), version.write_zip(tmp_path / "v1.zip"), "train")
    assert repr(cleaned) == ("CleanedDataset(Rows, pets v1, train: 1,500 items - 2 removed = 1,498, 3 relabelled)")
    assert cleaned.report().splitlines() == [
        "pets v1, train: 1,500 items - 2 removed = 1,498, 3 relabelled",
        "  given labels of 5 items are as in pets v1",
        "  most relabelled to: dog (2), fox (1)",
    ]


def test_a_dataset_that_was_changed_since_is_taken_where_paths_make_sure(tmp_path):
    version = MadeVersion({"train": {f"train/cat/{i}.png": "cat" for i in range(3)}}, ["train/cat/1.png"])
    path = version.write_zip(tmp_path / "v1.zip")
    dataset = Files("/data/train", ["cat/0.png", "cat/1.png", "cat/2.png", "dog/new.png"])
    with pytest.raises(ListsDoNotFit, match=r"4 items, pets v1 is of 3"):
        CleanedDataset.from_version(dataset, path, "train")
    assert len(CleanedDataset.from_version(dataset, path, "train", size=4)) == 3


@pytest.mark.parametrize(
    ("folder", "split", "root", "id_"),
    [
        ("/data/train", "train", None, "train/cat/0.png"), ("/data/train", None, None, "train/cat/0.png"),
        ("data/train", None, None, "train/cat/0.png"), ("/data/train/", None, None, "train/cat/0.png"),
        ("/data/train", None, "/data/train", "cat/0.png"), ("/data/train", None, "/", "data/train/cat/0.png"),
        ("/data/here", None, "/data", "here/cat/0.png"),
    ],
)  # fmt: skip
def test_an_id_is_a_path_below_the_datasets_folder(folder, split, root, id_):
    dataset = Files(folder.rstrip("/"), ["cat/0.png", "dog/0.png"])
    dataset.root = folder
    if folder.endswith("/"):
        dataset.samples = [(f"{folder}{path.removeprefix(folder)}", label) for path, label in dataset.samples]
    assert CleanedDataset.from_lists(dataset, [id_], root=root).targets == [1]


def test_a_dataset_whose_root_holds_all_splits_works_too(tmp_path):
    """torchvision.datasets.ImageNet: its root is the folder above that of the split."""
    dataset = Files("/data", ["cat/0.png", "dog/0.png"])
    dataset.samples = [(path.replace("/data", "/data/train"), label) for path, label in dataset.samples]
    version = MadeVersion({"train": {f"train/{c}/0.png": c for c in ("cat", "dog")}}, ["train/cat/0.png"])
    path = version.write_zip(tmp_path / "v1.zip")
    assert CleanedDataset.from_version(dataset, path, "train").samples == [("/data/train/dog/0.png", 1)]


def test_copies_and_pickles_are_whole():
    cleaned = CleanedDataset.from_lists(Rows([0, 1, 2]), [0], {1: "fox"})
    assert cleaned.targets == [2, 2]
    for made in (copy.copy(cleaned), copy.deepcopy(cleaned), pickle.loads(pickle.dumps(cleaned))):
        assert list(made) == list(cleaned)
        assert "targets" not in vars(made) or made is cleaned


# -- with torch --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(dataset: Path) -> ImageFolder:
    return ImageFolder(str(dataset / "train"), Compose([Resize((8, 8)), ToTensor()]))


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_of_a_data_loader_see_the_cleaned_dataset(folder, start, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    cleaned = CleanedDataset.from_lists(folder, ["train/cat/1.png", "train/dog/5.png"], {"train/cat/2.png": "dog"})
    loader: Any = DataLoader(cleaned, batch_size=3, num_workers=2, multiprocessing_context=start)
    batches = list(loader)
    assert torch.cat([labels for _, labels in batches]).tolist() == [0, 1, 0, 0, 0, 1, 1, 1, 1, 1]
    raw = [index for index in range(12) if index not in (1, 11)]
    assert torch.equal(torch.cat([images for images, _ in batches]), torch.stack([folder[row][0] for row in raw]))


def test_a_dataset_that_is_fast_at_batches_is_asked_for_batches():
    class Batches(Rows, Dataset[Any]):
        asked: list[list[int]] = []

        def __getitems__(self, rows: list[int]) -> list[Any]:
            self.asked.append(rows)
            return [self[row] for row in rows]

    cleaned = CleanedDataset.from_lists(Batches([0, 1, 2, 0]), [1], {2: "cat"})
    loader: Any = DataLoader(cleaned, batch_size=2)
    assert [labels.tolist() for _, labels in loader] == [[0, 0], [0]]
    assert Batches.asked == [[0, 2], [3]]


# -- by itself ---------------------------------------------------------------------------------------------------------


def test_the_file_works_without_winnow_or_any_library(tmp_path):
    shutil.copy(cleaned_dataset.__file__, tmp_path)
    labels = {"train": {"0": "cat", "1": "dog"}, "test": {"x": "dog"}}
    MadeVersion(labels, ["1"], {"0": "dog"}).write_zip(tmp_path / "v1.zip")
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from cleaned_dataset import CleanedDataset\n"
        "class Raw(list): classes = ['cat', 'dog', 'fox']\n"
        "print(list(CleanedDataset.from_version(Raw([('a', 0), ('b', 1)]), 'v1.zip', 'train')))\n"
        "print('torch' in sys.modules, 'app' in sys.modules)\n"
    )
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", script]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (told.stdout, told.stderr) == ("[('a', 1)]\nFalse False\n", "")
    command = [sys.executable, "-I", "-S", "cleaned_dataset.py", "v1.zip"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert told.stdout.splitlines() == [
        "pets v1: 7 files are as they were written.",
        "train: 2 items - 1 removed = 1, 1 relabelled", "test: 1 items - 0 removed = 1, 0 relabelled",
    ]  # fmt: skip


def test_the_file_needs_no_newer_python_than_it_says():
    import ast

    ast.parse(Path(cleaned_dataset.__file__).read_text(), feature_version=(3, 10))


def test_a_path_with_odd_signs_and_long_notes_is_read(tmp_path):
    odd = 'train/cat/a "b", ü=1.png'
    path = MadeVersion({"train": {odd: "cat"}}, [odd]).write_zip(tmp_path / "v1.zip")
    assert read_version(path, "train").given == {odd: "cat"}
