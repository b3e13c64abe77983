"""``winnow compare`` from folders to report, on pictures that are learnt in a second."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli.main import main

CLASSES = ("bar", "cross", "dot")
PLANTED = ["--noise", "symmetric:0.4", "--share-cleaned", "1", "--epochs", "5", "--seeds", "0", "1", "2", "3", "4"]


def draw_folder(root: Path, split: str, count: int, seed: int) -> None:
    """Pictures of 16 x 16, noise with a bar, a cross or a dot somewhere in it."""
    chance = np.random.default_rng(seed)
    for number in range(count):
        name = CLASSES[number % 3]
        pixels = chance.integers(0, 110, (16, 16, 3), dtype=np.uint8)
        row, column = chance.integers(6, 10, 2)
        if name in ("bar", "cross"):
            pixels[row, column - 4 : column + 5] += 90
        if name == "cross":
            pixels[row - 4 : row + 5, column] += 50
        if name == "dot":
            pixels[row - 1 : row + 2, column - 1 : column + 2] += 90
        path = root / split / name / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pets")
    draw_folder(root, "train", 240, 1)
    draw_folder(root, "test", 240, 2)
    return root


def compare(pets: Path, output: Path, *more: str) -> int:
    return main([
        "compare", "--train-dir", str(pets / "train"), "--test-dir", str(pets / "test"), "--output", str(output),
        "--model", "small", "--image-size", "16", "--batch-size", "30", "--robustness-images", "6",
        "--curve-images", "6", "--resamples", "500", *more,
    ])  # fmt: skip


@pytest.fixture(scope="module")
def planted(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 % of labels wrong; all put right, beside random removal and random relabel of as many."""
    output = tmp_path_factory.mktemp("planted")
    assert compare(pets, output, *PLANTED) == 0
    return output


def test_cleaning_that_must_help_is_told_from_removal_that_must_not(planted: Path) -> None:
    record = json.loads((planted / "report.json").read_bytes())
    verdicts = {verdict["condition"]: verdict for verdict in record["verdicts"]}
    assert verdicts["100% cleaned"]["finding"] == "helped"
    assert verdicts["100% cleaned: random removal"]["finding"] in ("not_shown", "worse")
    assert record["facts"] == ["40% of each class's labels were made wrong on purpose (symmetric noise)."]
    assert record["conditions"][1]["training"]["relabelled"] == 96
    assert record["config"]["device"] != "auto"


def test_a_report_of_every_kind_is_written(planted: Path) -> None:
    page = (planted / "report.html").read_text()
    assert "100% cleaned: random relabel" in page
    tables = {path.name for path in (planted / "tables").iterdir()}
    assert tables == {
        "accuracy.csv", "by_class.csv", "calibration.csv", "comparisons.csv", "curves.csv", "robustness.csv",
        "tables.tex",
    }  # fmt: skip


def test_the_same_command_again_trains_nothing_and_writes_the_same_bytes(
    planted: Path, pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [
        "report.json",
        "report.html",
        "timing.csv",
        *(f"tables/{path.name}" for path in (planted / "tables").iterdir()),
    ]
    before = {name: (planted / name).read_bytes() for name in names}
    assert compare(pets, planted, *PLANTED) == 0
    assert "epoch" not in capsys.readouterr().err
    assert {name: (planted / name).read_bytes() for name in names} == before


def write_lists(folder: Path, removed: list[str], relabelled: dict[str, str]) -> str:
    (folder / "removal.txt").write_text("".join(f"{id_}\n" for id_ in removed))
    (folder / "relabel.json").write_text(json.dumps(relabelled))
    return f"{folder / 'removal.txt'},{folder / 'relabel.json'}"


def test_lists_flags_leaks_and_a_corrected_evaluation_set(pets: Path, tmp_path: Path) -> None:
    lists = write_lists(tmp_path, ["train/bar/000.png"], {"train/cross/001.png": "bar"})
    (tmp_path / "flags.csv").write_text(
        "image_path,issue_type,confidence,suggested_label\n"
        "train/dot/002.png,mislabel,0.9,bar\ntrain/bar/003.png,outlier,0.9,\ntrain/bar/006.png,outlier,0.1,\n"
    )
    (tmp_path / "leaks.csv").write_text("train_image,test_image\ntrain/bar/000.png,test/bar/000.png\n")
    (tmp_path / "corrected.json").write_text(json.dumps({"test/dot/002.png": "bar"}))
    output = tmp_path / "out"
    assert compare(
        pets, output, "--condition", f"reviewed={lists}", "--condition", f"flags={tmp_path / 'flags.csv'}",
        "--min-confidence", "0.5", "--controls", "--leaks", str(tmp_path / "leaks.csv"), "--acknowledge-leaks",
        "--corrected-test", str(tmp_path / "corrected.json"), "--epochs", "1", "--seeds", "4", "7",
        "--publish", str(tmp_path / "hub"),
    ) == 0  # fmt: skip
    record = json.loads((output / "report.json").read_bytes())
    assert [(c["name"], c["training"]["removed"], c["training"]["relabelled"]) for c in record["conditions"]] == [
        ("raw", 0, 0), ("reviewed", 1, 1), ("flags", 1, 1),
    ]  # fmt: skip
    assert [(part["name"], part["images"]) for part in record["parts"]] == [
        ("all", 240), ("without leaks", 239), ("only leaks", 1), ("corrected", 240),
    ]  # fmt: skip
    assert len(record["leaks"]) == 3
    assert (tmp_path / "hub/lists/1-reviewed/removal_list.txt").read_text() == "train/bar/000.png\n"
    assert json.loads((tmp_path / "hub/lists/2-flags/relabel_map.json").read_text()) == {"train/dot/002.png": "bar"}
    card = (tmp_path / "hub/README.md").read_text()
    assert card.startswith("---\npretty_name: ")
    assert "| reviewed | 239 | 1 | 1 |" in card
    assert (tmp_path / "hub/report.json").read_bytes() == (output / "report.json").read_bytes()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--condition", "x=nothing.txt"], "names nothing.txt, which does not exist"),
        (["--condition", "x"], "is no condition"),
        (["--share-cleaned", "0.5"], "give --truth or --noise"),
        (["--noise", "loud:0.4", "--share-cleaned", "1"], "--noise is symmetric:SHARE or pair:SHARE"),
        (["--noise", "pair:0.4", "--share-cleaned", "1", "--seeds", "1"], "One seed can't tell"),
        (["--noise", "pair:0.4", "--share-cleaned", "1", "--model", "resnet19"], "There is no model 'resnet19'"),
        (["--noise", "pair:0.4", "--share-cleaned", "1", "--controls", "y"], "--controls names 'y'"),
        (["--noise", "pair:0.4", "--share-cleaned", "1", "--classes", "bar", "dot"], "such as 'cross' for"),
        ([], "nothing to compare"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_before_anything_is_trained(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    assert compare(pets, tmp_path / "out", *more) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_pictures_in_both_sets_are_found_and_refused(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_folder(tmp_path, "test", 6, 2)
    copied = (pets / "train" / "bar" / "000.png").read_bytes()
    (tmp_path / "test" / "bar" / "copy.png").write_bytes(copied)
    more = ["--noise", "pair:0.4", "--share-cleaned", "1", "--test-dir", str(tmp_path / "test")]
    assert compare(pets, tmp_path / "out", *more) == 2
    assert "1 evaluation images are in the training set too, such as 'test/bar/copy.png'" in capsys.readouterr().err
