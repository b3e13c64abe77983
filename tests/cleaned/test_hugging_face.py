"""A Hugging Face dataset in, a cleaned one out; with the real library, and with its images inside."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from app.cleaned_dataset import CleanedDataset, ListsDoNotFit, clean_hugging_face
from tests.fixtures.datasets import draw
from tests.fixtures.versions import MadeVersion

datasets = pytest.importorskip("datasets", reason="the library datasets is not installed")

LABELS = [0, 0, 1, 1, 2, 2]
NAMES = ["cat", "dog", "fox"]


@pytest.fixture
def raw(tmp_path: Path) -> Any:
    """Six drawn pictures with their labels, saved and loaded as people do."""
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES), "note": datasets.Value("string")}
    )
    rows = {"image": [draw(row) for row in range(6)], "label": LABELS, "note": list("abcdef")}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(str(tmp_path / "raw"))
    return datasets.load_from_disk(str(tmp_path / "raw"))


def version(folder: Path, coding: str = "name", removed: tuple[str, ...] = ("1", "4")) -> Path:
    new: str | int = "fox" if coding == "name" else 2
    labels = {"train": {str(row): NAMES[label] for row, label in enumerate(LABELS)}, "test": {"9": "cat"}}
    return MadeVersion(labels, removed, {"2": new}, coding=coding).write_zip(folder / "v1.zip")


@pytest.mark.parametrize("coding", ["name", "index"])
def test_rows_go_and_labels_change_and_all_else_stays(raw, tmp_path, coding):
    cleaned = clean_hugging_face(raw, version(tmp_path, coding), "train")
    assert cleaned["note"][:] == ["a", "c", "d", "f"]
    assert cleaned["label"][:] == [0, 2, 1, 2]
    assert cleaned.features == raw.features
    assert cleaned.column_names == raw.column_names
    assert cleaned[1]["image"].tobytes() == raw[2]["image"].tobytes()
    assert raw["label"][:] == LABELS
    assert list(pickle.loads(pickle.dumps(cleaned))["note"]) == ["a", "c", "d", "f"]


def test_no_image_is_written_again(raw, tmp_path):
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    cleaned = clean_hugging_face(raw, version(tmp_path), "train")
    written = set(tmp_path.rglob("*.arrow")) - before
    assert written == set()
    assert {file["filename"] for file in raw.cache_files} <= {file["filename"] for file in cleaned.cache_files}


def test_only_removals_are_a_selection(raw, tmp_path):
    labels = {"train": {str(row): NAMES[label] for row, label in enumerate(LABELS)}}
    path = MadeVersion(labels, ["0"]).write_zip(tmp_path / "v1.zip")
    assert clean_hugging_face(raw, path, "train")["note"][:] == list("bcdef")


@pytest.mark.parametrize("kind", [None, "torch", "numpy"])
def test_the_format_stays(raw, tmp_path, kind):
    formatted = raw.with_format(kind, columns=["label"], output_all_columns=True) if kind else raw
    cleaned = clean_hugging_face(formatted, version(tmp_path), "train")
    assert cleaned.format["type"] == formatted.format["type"]
    assert set(cleaned.format["columns"]) == set(formatted.format["columns"])
    assert int(cleaned[1]["label"]) == 2
    wrapped = CleanedDataset.from_version(formatted, version(tmp_path), "train")
    assert type(wrapped[1]["label"]) is type(formatted[2]["label"])
    assert [int(item["label"]) for item in wrapped] == [0, 2, 1, 2]
    assert [int(item["label"]) for item in wrapped.__getitems__([0, 1])] == [0, 2]


def test_a_transform_stays(raw, tmp_path):
    shown = raw.with_transform(lambda batch: {"label": [10 * label for label in batch["label"]]})
    assert [item["label"] for item in clean_hugging_face(shown, version(tmp_path), "train")] == [0, 20, 10, 20]
    with pytest.raises(ListsDoNotFit, match="Use clean_hugging_face"):
        CleanedDataset.from_version(shown, version(tmp_path), "train")


def test_labels_may_be_names(raw, tmp_path):
    names = raw.remove_columns("label").add_column("label", [NAMES[label] for label in LABELS])
    with pytest.raises(ListsDoNotFit, match="does not tell its classes"):
        clean_hugging_face(names, version(tmp_path), "train")
    cleaned = clean_hugging_face(names, version(tmp_path), "train", classes=NAMES)
    assert cleaned["label"][:] == ["cat", "fox", "dog", "fox"]


def test_another_column_can_be_the_label(raw, tmp_path):
    fine = raw.rename_column("label", "fine_label")
    for label in (None, "coarse_label"):
        with pytest.raises(ListsDoNotFit, match=r"Which column is the label\? .* image, fine_label, note"):
            clean_hugging_face(fine, version(tmp_path), "train", label=label)
    assert clean_hugging_face(fine, version(tmp_path), "train", label="fine_label")["fine_label"][:] == [0, 2, 1, 2]


def test_what_is_not_the_raw_split_is_refused(raw, tmp_path):
    path = version(tmp_path)
    other_labels = raw.remove_columns("label").add_column("label", LABELS[::-1], feature=raw.features["label"])
    for dataset, told in (
        (raw.shuffle(seed=1), "a part or a shuffled copy"),
        (raw.select(range(5)), "5 items"),
        (other_labels, "other labels than in pets v1"),
        (datasets.DatasetDict({"train": raw}), "Give one split"),
        ([1, 2], "Give one split"),
    ):
        with pytest.raises(ListsDoNotFit, match=told):
            clean_hugging_face(dataset, path, "train")
    named = datasets.Dataset(raw.data, info=raw.info, split=datasets.Split.TEST)
    with pytest.raises(ListsDoNotFit, match="is the split 'test'; the lists are of 'train'"):
        clean_hugging_face(named, path, "train")


def test_ids_may_be_a_column(raw, tmp_path):
    labels = {"train": {note: NAMES[label] for note, label in zip("abcdef", LABELS, strict=True)}}
    path = MadeVersion(labels, ["b"], {"c": "fox"}).write_zip(tmp_path / "v1.zip")
    shuffled = raw.shuffle(seed=3)
    cleaned = clean_hugging_face(shuffled, path, "train", ids=shuffled["note"][:])
    expected = [
        (note, 2 if note == "c" else label) for note, label in zip(shuffled["note"], shuffled["label"], strict=True)
    ]
    assert list(zip(cleaned["note"], cleaned["label"], strict=True)) == [pair for pair in expected if pair[0] != "b"]
