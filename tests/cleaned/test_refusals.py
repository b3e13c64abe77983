"""Whatever does not fit is refused, and the error names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.cleaned_dataset import CleanedDataset, ListsDoNotFit, main, verify_version
from tests.fixtures.versions import Files, MadeVersion, Rows

NAMES = ["cat/0.png", "cat/1.png", "cat/2.png", "dog/0.png", "dog/1.png"]
LABELS = {
    "train": {f"train/{name}": name.split("/")[0] for name in NAMES},
    "test": {f"test/{name}": name.split("/")[0] for name in NAMES},
}
ROWS = {"train": {str(row): label for row, label in enumerate(["cat", "cat", "cat", "dog", "dog"])}}


def made(**changes: Any) -> MadeVersion:
    return MadeVersion(LABELS, ["train/cat/0.png"], {"train/dog/0.png": "cat", "test/cat/1.png": "dog"}, **changes)


def files(split: str = "train", names: list[str] = NAMES) -> Files:
    return Files(f"/data/{split}", names)


LISTS: list[tuple[str, list[Any], dict[Any, Any], str, list[object]]] = [
    ("unknown id", [5], {}, "does not have (1): '5'. Ids of this dataset look like '0'", ["5"]),
    ("negative row", ["-1"], {}, "does not have", ["-1"]),
    ("row with leading zero", ["01"], {}, "does not have", ["01"]),
    ("other digits", ["١"], {}, "does not have", ["١"]),
    ("unknown id relabelled", [], {"x": "cat"}, "does not have", ["x"]),
    ("id twice", [3, "3"], {}, "removed twice (1): '3'", ["3"]),
    ("id relabelled twice", [], {3: "cat", "3": "cat"}, "twice", ["3"]),
    ("removed and relabelled", [1, 2], {1: "dog", 2: "dog"}, "removed and relabelled (2)", ["1", "2"]),
    ("name that is no class", [], {0: "cow"}, "outside the dataset's classes (1): 0: 'cow'", ["0: 'cow'"]),
    ("number that is no class", [], {0: 3, 1: -1}, "outside", ["0: 3", "1: -1"]),
    ("label that is no label", [], {0: True, 1: None, 2: 1.0}, "neither", ["0: True", "1: None", "2: 1.0"]),
]


@pytest.mark.parametrize(
    ("removed", "relabelled", "told", "offenders"), [x[1:] for x in LISTS], ids=[x[0] for x in LISTS]
)
def test_lists_that_do_not_fit_are_refused(removed, relabelled, told, offenders):
    with pytest.raises(ListsDoNotFit) as refused:
        CleanedDataset.from_lists(Rows([0, 0, 1, 1, 2]), removed, relabelled)
    assert told in str(refused.value)
    assert refused.value.offenders == offenders


def test_many_offenders_are_counted_and_the_first_named():
    with pytest.raises(ListsDoNotFit) as refused:
        CleanedDataset.from_lists(Rows([0]), range(1, 2001))
    assert "(2,000): '1', '2', '3', '4', '5' and 1,995 more." in str(refused.value)
    assert len(refused.value.offenders) == 2000


LINES = [
    ("empty line", b"1\n\n2\n", "empty lines (1): 2"), ("blank line", b"1\n \n", "empty lines"),
    ("twice", b"1\n2\n1\n", "names ids twice (1): '1'"), ("cut off", b"1\n12", "ends within a line"),
    ("empty", b"", "names nothing"), ("not text", b"\xff\n", "is not text in UTF-8"),
    ("byte order mark", "\ufeff1\n".encode(), "does not have"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "told"), [x[1:] for x in LINES], ids=[x[0] for x in LINES])
def test_a_broken_removal_list_is_refused(tmp_path, data, told):
    (tmp_path / "list.txt").write_bytes(data)
    with pytest.raises(ListsDoNotFit) as refused:
        CleanedDataset.from_files(Rows([0] * 20), tmp_path / "list.txt")
    assert told in str(refused.value)


MAPS = [
    ("not JSON", b'{"1": 2', "is not JSON"), ("twice", b'{"1": 2, "1": 0}', "names ids twice (1): '1'"),
    ("a list", b"[]", "no JSON object"), ("a truth value", b'{"1": true}', "neither a name nor an index (1): 1: True"),
    ("nothing", b"{}", "names nothing"), ("a list as label", b'{"1": [2]}', "neither"),
    ("an object as label", b'{"1": {"a": 2}}', "neither"), ("endless", b"[" * 100_000, "is not JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "told"), [x[1:] for x in MAPS], ids=[x[0] for x in MAPS])
def test_a_broken_relabel_map_is_refused(tmp_path, data, told):
    (tmp_path / "map.json").write_bytes(data)
    with pytest.raises(ListsDoNotFit) as refused:
        CleanedDataset.from_files(Rows([0] * 20), relabel_map=tmp_path / "map.json")
    assert told in str(refused.value)


def test_no_list_at_all_is_refused():
    with pytest.raises(ListsDoNotFit, match="names nothing"):
        CleanedDataset.from_files(Rows([0]))


LIST = "pets_train_removal_list.txt"
VERSIONS = [
    ("a list was changed", {"spoiled": {LIST: b"train/cat/1.png\n"}}, f"{LIST} in", "digest differs"),
    ("a list was emptied", {"spoiled": {LIST: b""}}, LIST, "digest differs"),
    ("a list is missing", {"spoiled": {LIST: None}}, f"holds no {LIST}", ""),
    ("the manifest is missing", {"spoiled": {"MANIFEST.json": None}}, "holds no MANIFEST.json", ""),
    ("the manifest is broken", {"spoiled": {"MANIFEST.json": b"{"}}, "MANIFEST.json of", "can't be read"),
    ("the manifest is a list", {"spoiled": {"MANIFEST.json": b"[]"}}, "MANIFEST.json of", "can't be read"),
    ("the manifest lists nothing", {"manifest": {"files": []}}, "does not list", LIST),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["zip", "folder"])
@pytest.mark.parametrize(("changes", "told", "more"), [x[1:] for x in VERSIONS], ids=[x[0] for x in VERSIONS])
def test_a_version_that_is_not_whole_is_refused(tmp_path, changes, told, more, kind):
    version = made(**changes)
    path = version.write_zip(tmp_path / "v1.zip") if kind == "zip" else version.write_folder(tmp_path / "v1")
    with pytest.raises(ListsDoNotFit) as refused:
        CleanedDataset.from_version(files(), path, "train")
    assert told in str(refused.value)
    assert more in str(refused.value)
    with pytest.raises(ListsDoNotFit):
        verify_version(path)
    assert main([str(path)]) == 1


def test_an_older_manifest_is_refused_and_says_what_to_do(tmp_path):
    path = made().write_folder(tmp_path / "v1")
    manifest = json.loads((path / "MANIFEST.json").read_text())
    del manifest["splits"]
    (path / "MANIFEST.json").write_text(json.dumps(manifest))
    with pytest.raises(ListsDoNotFit, match=r"does not tell \(1\): 'splits'\. Export the version again"):
        CleanedDataset.from_version(files(), path, "train")


@pytest.mark.parametrize("cut", [10, 200, -30])
def test_a_zip_that_was_cut_off_or_is_none_is_refused(tmp_path, cut):
    path = made().write_zip(tmp_path / "v1.zip")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ListsDoNotFit, match="neither a whole zip nor a folder"):
        CleanedDataset.from_version(files(), path, "train")


def test_a_flipped_bit_in_a_zip_is_refused(tmp_path):
    path = made().write_zip(tmp_path / "v1.zip")
    data = bytearray(path.read_bytes())
    data[data.index(LIST.encode()) + len(LIST) + 2] ^= 8
    path.write_bytes(data)
    with pytest.raises(ListsDoNotFit, match="is broken"):
        CleanedDataset.from_version(files(), path, "train")


def test_a_zip_that_does_not_exist_is_no_empty_list(tmp_path):
    with pytest.raises(FileNotFoundError):
        CleanedDataset.from_version(files(), tmp_path / "v1.zip", "train")


@pytest.mark.parametrize(
    ("dataset", "split", "told"),
    [
        (files("train"), "val", "has no split 'val'. It has: train, test."),
        (files("test"), "train", "The dataset is the split 'test'; the lists are of 'train'."),
        (files("elsewhere"), "train", "does not have (2): 'train/cat/0.png', 'train/dog/0.png'. Ids of this dataset "
         "look like 'elsewhere/cat/0.png'"),
        (files("train", NAMES[1:]), "train", "The dataset has 4 items, pets v1 is of 5 in train."),
        (files("train", [*NAMES[1:], "cat/9.png"]), "train", "does not have (1): 'train/cat/0.png'"),
        (files("train", [*NAMES[1:], NAMES[1]]), "train", "holds files twice (1): '/data/train/cat/1.png'"),
    ],
)  # fmt: skip
def test_a_dataset_that_is_not_the_split_is_refused(tmp_path, dataset, split, told):
    with pytest.raises(ListsDoNotFit) as refused:
        CleanedDataset.from_version(dataset, made().write_zip(tmp_path / "v1.zip"), split)
    assert told in str(refused.value)


def test_rows_in_another_order_are_refused_by_their_labels(tmp_path):
    path = MadeVersion(ROWS, ["1", "4"]).write_zip(tmp_path / "v1.zip")
    with pytest.raises(ListsDoNotFit, match=r"other labels than in pets v1 \(2\): 1: 1 here, 'cat' there, 4: 0 here"):
        CleanedDataset.from_version(Rows([1, 1, 0, 0, 0]), path, "train")
    assert len(CleanedDataset.from_version(Rows([0, 0, 0, 1, 1]), path, "train")) == 3


def test_rows_of_a_dataset_of_another_size_are_refused_even_if_asked_for(tmp_path):
    path = MadeVersion(ROWS, ["1"]).write_zip(tmp_path / "v1.zip")
    for options in ({}, {"size": 6}):
        with pytest.raises(ListsDoNotFit, match=r"size|6 items"):
            CleanedDataset.from_version(Rows([0, 0, 0, 1, 1, 1]), path, "train", **options)


def test_classes_in_another_order_are_refused_where_the_version_numbers_them(tmp_path):
    version = MadeVersion(LABELS, [], {"train/cat/0.png": 1}, coding="index", classes=["dog", "cat"])
    path = version.write_zip(tmp_path / "v1.zip")
    with pytest.raises(ListsDoNotFit, match=r"numbers classes in another way \(2\): dog: 0 there, 1 here"):
        CleanedDataset.from_version(files(), path, "train")


def test_the_parts_of_a_version_must_say_the_same(tmp_path):
    version = made()
    spoiled = version.files()
    spoiled["pets_removal_list.txt"] = b"train/cat/0.png\ntrain/cat/1.png\n"
    version.spoiled = {**spoiled, "MANIFEST.json": json.dumps(version.manifest_of(spoiled)).encode()}
    path = version.write_zip(tmp_path / "v1.zip")
    with pytest.raises(ListsDoNotFit, match=r"lists by split differ \(1\): 'train/cat/1.png'"):
        verify_version(path)
    spoiled["pets_train_removal_list.txt"] = b"train/cat/1.png\n"
    version.spoiled = {**spoiled, "MANIFEST.json": json.dumps(version.manifest_of(spoiled)).encode()}
    with pytest.raises(ListsDoNotFit, match="name different ids"):
        CleanedDataset.from_version(files(), version.write_zip(tmp_path / "v2.zip"), "train")


def test_a_file_that_nobody_listed_is_refused_in_a_zip(tmp_path):
    path = made(spoiled={"more.txt": b"x"}).write_zip(tmp_path / "v1.zip")
    with pytest.raises(ListsDoNotFit, match=r"does not list \(1\): 'more.txt'"):
        verify_version(path)


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (["a", "b"], "2 ids for 5 items"), (["a", "b", "c", "d", "a"], "several items by one id (1): 'a'"),
        (["a", 1, 2, 3, 4], "all text or all whole numbers"), ([0.0, 1.0, 2.0, 3.0, 4.0], "all whole numbers"),
        ([True, False, 3, 4, 5], "all whole numbers"), (["b", "c", "d", "e", "f"], "does not have (1): 'a'"),
    ],
)  # fmt: skip
def test_ids_that_are_none_are_refused(ids, told):
    with pytest.raises(ListsDoNotFit) as refused:
        CleanedDataset.from_lists(Rows([0] * 5), ["a"], ids=ids)
    assert told in str(refused.value)


def test_what_the_dataset_does_to_labels_must_be_known():
    dataset = Rows([0, 1])
    for strange, told in (
        ({"transforms": lambda image, label: (image, label + 1)}, "transforms image and label together"),
        ({"target_transform": str, "datasets": [Files("/data", ["cat/0"])]}, None),
    ):
        for name, value in strange.items():
            setattr(dataset, name, value)
        if told:
            with pytest.raises(ListsDoNotFit, match=told):
                CleanedDataset.from_lists(dataset, [], {0: "dog"})
            assert CleanedDataset.from_lists(dataset, [], {0: "dog"}, target_transform=int)[0] == ("picture 0", 1)
        else:
            del dataset.transforms
            assert CleanedDataset.from_lists(dataset, [], {0: "dog"})[0] == ("picture 0", "1")


def test_a_part_of_a_dataset_is_refused_where_rows_are_ids():
    from torch.utils.data import Subset

    with pytest.raises(ListsDoNotFit, match="a part or a shuffled copy"):
        CleanedDataset.from_lists(Subset(Rows([0, 1, 2]), [2, 1]), [0])
    cleaned = CleanedDataset.from_lists(Subset(Rows([0, 1, 2]), [2, 1]), [2], ids=[2, 1])
    assert list(cleaned) == [("picture 1", 1)]


def test_labels_without_known_classes_are_refused():
    dataset = Rows([0, 1], classes=None)
    with pytest.raises(ListsDoNotFit, match="does not tell its classes"):
        CleanedDataset.from_lists(dataset, [], {0: 1})
    assert CleanedDataset.from_lists(dataset, [], {0: 1}, classes=range(2))[0] == ("picture 0", 1)


def test_items_whose_label_is_nowhere_to_be_found_are_refused_when_they_come():
    class Odd(Rows):
        def __getitem__(self, row: int) -> Any:
            return {"image": row, "kind": self.targets[row]}

    cleaned = CleanedDataset.from_lists(Odd([0, 1]), [], {0: "dog"})
    assert cleaned[1] == {"image": 1, "kind": 1}
    with pytest.raises(ListsDoNotFit, match="Where is the label in an item of dict"):
        cleaned[0]
    assert CleanedDataset.from_lists(Odd([0, 1]), [], {0: "dog"}, label="kind")[0] == {"image": 0, "kind": 1}


def test_the_label_among_three_parts_is_not_guessed():
    class Numbered(Rows):
        def __getitem__(self, row: int) -> Any:
            return "picture", row, self.targets[row]

    with pytest.raises(ListsDoNotFit, match="Where is the label in an item of tuple"):
        CleanedDataset.from_lists(Numbered([0]), [], {0: "fox"})[0]
    assert CleanedDataset.from_lists(Numbered([0]), [], {0: "fox"}, label=2)[0] == ("picture", 0, 2)


def test_a_label_in_a_form_of_its_own_is_refused_when_it_comes():
    class OneHot(Rows):
        def __getitem__(self, row: int) -> Any:
            return row, [float(number == self.targets[row]) for number in range(3)]

    with pytest.raises(ListsDoNotFit, match="gives labels as list"):
        CleanedDataset.from_lists(OneHot([0, 1]), [], {0: "dog"})[0]


def test_the_command_says_what_it_wants(capsys):
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
    assert main([str(Path("/nowhere.zip"))]) == 1
